import { ConfigError } from "../../lib/errors.ts";
import type { Batch } from "../../lib/event.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { startAfter } from "../../lib/pipeline/start_after.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { auditEvents, idsOf, position } from "../fakes/audit_events.ts";

const NEVER = new AbortController().signal;

/** Pages of three events each: e0 to e2, e3 to e5 and so on. */
function pages(count: number): Batch[] {
  return Array.from({ length: count }, (_, i) => ({
    events: auditEvents(3, { first: 3 * i }),
    position: position(i),
    more: i < count - 1,
  }));
}

function sourceOf(batches: readonly Batch[]): Source {
  return {
    async *read() {
      yield* batches;
    },
  };
}

async function readAll(source: Source): Promise<[string, string[]][]> {
  const read: [string, string[]][] = [];
  for await (const batch of source.read(position("start"), NEVER)) {
    read.push([batch.position.cursor, idsOf(batch.events)]);
  }
  return read;
}

Deno.test("reading begins behind the event with that id", async () => {
  assertEquals(await readAll(startAfter(sourceOf(pages(3)), "e4")), [
    ["1", ["e5"]],
    ["2", ["e6", "e7", "e8"]],
  ]);
});

Deno.test("the last event of a page still moves the position behind it", async () => {
  assertEquals(await readAll(startAfter(sourceOf(pages(2)), "e2")), [
    ["0", []],
    ["1", ["e3", "e4", "e5"]],
  ]);
});

Deno.test("the very first and the very last event are found", async () => {
  assertEquals(await readAll(startAfter(sourceOf(pages(1)), "e0")), [
    ["0", ["e1", "e2"]],
  ]);
  assertEquals(await readAll(startAfter(sourceOf(pages(2)), "e5")), [
    ["1", []],
  ]);
});

Deno.test("an id that comes again later is not looked for a second time", async () => {
  const [first, second] = pages(2);
  const source = sourceOf(
    [first, { ...second, events: first?.events }] as Batch[],
  );
  assertEquals(await readAll(startAfter(source, "e1")), [
    ["0", ["e2"]],
    ["1", ["e0", "e1", "e2"]],
  ]);
});

Deno.test("an id that is not there is an error, and nothing is yielded before", async () => {
  await assertRejects(
    () => readAll(startAfter(sourceOf(pages(3)), "nowhere")),
    ConfigError,
    "start-id: there is no event with the id nowhere since start-time",
  );
});

Deno.test("a source that is stopped before the id was found is no error", async () => {
  const batches = pages(3).slice(0, 2);
  assertEquals(await readAll(startAfter(sourceOf(batches), "e8")), []);
});

Deno.test("each reading looks for the id anew", async () => {
  const source = startAfter(sourceOf(pages(1)), "e1");
  assertEquals(await readAll(source), await readAll(source));
});

Deno.test("the source behind it is closed with it", async () => {
  let closed = false;
  const source = startAfter({
    async *read() {
      try {
        yield* pages(3);
      } finally {
        closed = true;
      }
    },
  }, "e0");
  for await (const _batch of source.read(position("start"), NEVER)) break;
  assertEquals(closed, true);
});
