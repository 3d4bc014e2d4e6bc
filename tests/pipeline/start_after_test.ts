import { ConfigError } from "../../lib/errors.ts";
import type { Batch, PagePosition } from "../../lib/event.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { startAfter } from "../../lib/pipeline/start_after.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import {
  auditEvents,
  cursorOf,
  idsOf,
  position,
} from "../fakes/audit_events.ts";
import { never } from "../fakes/never.ts";

const NEVER = never();

/** Pages of three events each: e0 to e2, e3 to e5 and so on. */
function pages(count: number): Batch<PagePosition>[] {
  return Array.from({ length: count }, (_, i) => ({
    events: auditEvents(3, { first: 3 * i }),
    position: position(i),
    more: i < count - 1,
  }));
}

/** Yields the pages behind the position that it is to begin at. */
function sourceOf(
  batches: readonly Batch<PagePosition>[],
): Source<PagePosition> {
  return {
    async *read(from) {
      const read = batches.findIndex(({ position: { cursor } }) =>
        cursor === from.cursor
      );
      yield* batches.slice(read + 1);
    },
  };
}

/** What a log of these pages gives when it is begun behind that event. */
function after(id: string, batches: readonly Batch<PagePosition>[]): Source {
  const source = sourceOf(batches);
  return startAfter({ search: source, source }, id);
}

async function readAll(source: Source): Promise<[string, string[]][]> {
  const read: [string, string[]][] = [];
  for await (const batch of source.read(position("start"), NEVER)) {
    read.push([cursorOf(batch.position), idsOf(batch.events)]);
  }
  return read;
}

Deno.test("reading begins behind the event with that id", async () => {
  assertEquals(await readAll(after("e4", pages(3))), [
    ["1", ["e5"]],
    ["2", ["e6", "e7", "e8"]],
  ]);
});

Deno.test("the last event of a page still moves the position behind it", async () => {
  assertEquals(await readAll(after("e2", pages(2))), [
    ["0", []],
    ["1", ["e3", "e4", "e5"]],
  ]);
});

Deno.test("the very first and the very last event are found", async () => {
  assertEquals(await readAll(after("e0", pages(1))), [
    ["0", ["e1", "e2"]],
  ]);
  assertEquals(await readAll(after("e5", pages(2))), [
    ["1", []],
  ]);
});

Deno.test("an id that comes again later is not looked for a second time", async () => {
  const [first, second] = pages(2);
  const batches = [first, { ...second, events: first?.events }] as Batch<
    PagePosition
  >[];
  assertEquals(await readAll(after("e1", batches)), [
    ["0", ["e2"]],
    ["1", ["e0", "e1", "e2"]],
  ]);
});

Deno.test("an id that is not there is an error, and nothing is yielded before", async () => {
  await assertRejects(
    () => readAll(after("nowhere", pages(3))),
    ConfigError,
    "start-id: there is no event with the id nowhere since start-time",
  );
});

Deno.test("a page that shows nothing more for now is not the end of the search", async () => {
  const [first, second] = pages(2) as [
    Batch<PagePosition>,
    Batch<PagePosition>,
  ];
  const nothing = { events: [], position: first.position, more: false };
  assertEquals(await readAll(after("e3", [first, nothing, second])), [
    ["1", ["e4", "e5"]],
  ]);
});

Deno.test("what is read after the event was found comes from the other source", async () => {
  const source = startAfter({
    search: sourceOf(pages(1)),
    source: sourceOf(pages(3)),
  }, "e1");
  assertEquals(await readAll(source), [
    ["0", ["e2"]],
    ["1", ["e3", "e4", "e5"]],
    ["2", ["e6", "e7", "e8"]],
  ]);
});

Deno.test("a search that is stopped before the id was found is no error", async () => {
  const stop = new AbortController();
  const source = after("e8", pages(2));
  stop.abort();
  for await (const _batch of source.read(position("start"), stop.signal)) {
    throw new Error("nothing was found");
  }
});

Deno.test("each reading looks for the id anew", async () => {
  const source = after("e1", pages(1));
  assertEquals(await readAll(source), await readAll(source));
});

Deno.test("both sources are closed with it", async () => {
  let open = 0;
  const opened: Source<PagePosition> = {
    async *read(from, stop) {
      open++;
      try {
        yield* sourceOf(pages(3)).read(from, stop);
      } finally {
        open--;
      }
    },
  };
  const source = startAfter({ search: opened, source: opened }, "e0");
  for (const batches of [1, 2]) {
    let read = 0;
    for await (const _batch of source.read(position("start"), NEVER)) {
      if (++read === batches) break;
    }
    assertEquals(open, 0);
  }
});
