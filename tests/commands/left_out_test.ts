import { observeChunks } from "../../lib/commands/chunk_observer.ts";
import { observePages } from "../../lib/commands/page_observer.ts";
import { Counters } from "../../lib/operate/counters.ts";
import { Problems } from "../../lib/operate/problems.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const FULL = new Error("no space left on device");
const RANGE = { startMs: 0, endMs: 1 };
const TOO_LARGE = new TeleportError("too large", "RESOURCE_EXHAUSTED");

Deno.test("what is left out ends the reading where it cannot be noted, and does not count", async () => {
  const counters = new Counters();
  const about = {
    teleport: { worked() {}, failed() {} },
    notes: { noteLeftOut: () => Promise.reject(FULL) },
    monitor: { counters, problems: new Problems(new FakeClock()) },
  };
  const pages = observePages(about);
  const chunks = observeChunks(about);
  for (
    const leaveOut of [
      () => pages.steppedOver(RANGE, TOO_LARGE),
      () => chunks.gone({ day: "2026-03-01", chunks: ["a"] }),
    ]
  ) assertEquals(await assertRejects(leaveOut), FULL);
  assertEquals(counters.leftOut, 0);
});
