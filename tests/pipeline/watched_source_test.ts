import type { Batch } from "../../lib/event.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { watchedSource } from "../../lib/pipeline/watched_source.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { auditEvents, position } from "../fakes/audit_events.ts";
import { never } from "../fakes/never.ts";

const FROM = position(0);
function setUp(batches: readonly (Batch | Error)[]) {
  const told: string[] = [];
  const source: Source = {
    async *read() {
      for (const batch of batches) {
        told.push("asked");
        if (batch instanceof Error) throw batch;
        yield batch;
      }
    },
  };
  const watched = watchedSource(source, {
    due: () => told.push("due"),
    moved: () => told.push("moved"),
    rest: () => told.push("rest"),
  });
  return { watched, told };
}

function batch(n: number): Batch {
  return { events: auditEvents(n), position: position(n), more: true };
}

Deno.test("a source is due while it is waited for, and rests while its batch is at work", async () => {
  const { watched, told } = setUp([batch(1), batch(0)]);
  const read: Batch[] = [];
  for await (const one of watched.read(FROM, never())) {
    read.push(one);
    told.push("at work");
  }
  assertEquals(read, [batch(1), batch(0)]);
  const round = ["due", "asked", "moved", "rest", "at work"];
  assertEquals(told, [...round, ...round, "due", "rest"]);
});

Deno.test("a source that fails, or that nobody reads on, rests", async () => {
  const failing = setUp([new Error("boom")]);
  await assertRejects(
    () => Array.fromAsync(failing.watched.read(FROM, never())),
    Error,
    "boom",
  );
  assertEquals(failing.told.at(-1), "rest");
  const left = setUp([batch(1), batch(2)]);
  for await (const _ of left.watched.read(FROM, never())) break;
  assertEquals(left.told, ["due", "asked", "moved", "rest", "rest"]);
});
