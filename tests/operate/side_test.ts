import { Side } from "../../lib/operate/side.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const ADDRESS = "fluentd.example.com:8888";

Deno.test("a side is told with since when it answers, or fails, and why", async () => {
  const clock = new FakeClock();
  const side = new Side(ADDRESS, clock);
  const at = (seconds: number) => `2026-03-01T12:00:0${seconds}.000Z`;
  assertEquals(side.report(), {
    address: ADDRESS,
    ok: null,
    failing: [],
    since: at(0),
    error: null,
  });
  await clock.advance(1_000);
  assertEquals(side.answered("delivery of events"), false);
  await clock.advance(1_000);
  side.answered("delivery of events");
  assertEquals(side.report(), {
    address: ADDRESS,
    ok: true,
    failing: [],
    since: at(1),
    error: null,
  });
  side.failed("delivery of events", "refused");
  await clock.advance(1_000);
  side.failed("delivery of events", "broken");
  assertEquals(side.report(), {
    address: ADDRESS,
    ok: false,
    failing: ["delivery of events"],
    since: at(2),
    error: "broken",
  });
  await clock.advance(1_000);
  assertEquals(side.answered("delivery of events"), true);
  assertEquals(side.report(), {
    address: ADDRESS,
    ok: true,
    failing: [],
    since: at(4),
    error: null,
  });
});

Deno.test("a side fails while any part of it does", async () => {
  const clock = new FakeClock();
  const side = new Side(ADDRESS, clock);
  side.failed("delivery of events", "refused");
  await clock.advance(1_000);
  side.failed("delivery of recordings", "not found");
  assertEquals(side.report().failing, [
    "delivery of events",
    "delivery of recordings",
  ]);
  assertEquals(side.answered("delivery of events"), true);
  assertEquals(side.report().failing, ["delivery of recordings"]);
  const { ok, error, since } = side.report();
  assertEquals([ok, error, since], [
    false,
    "not found",
    "2026-03-01T12:00:01.000Z",
  ]);
  assertEquals(side.answered("delivery of events"), false);
  assertEquals(side.report().ok, false);
  side.answered("delivery of recordings");
  assertEquals(side.report().ok, true);
});
