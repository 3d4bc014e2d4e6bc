import type { Batch, PagePosition } from "../../lib/event.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { resumeAfter } from "../../lib/pipeline/resume_after.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import { auditEvents, idsOf, position } from "../fakes/audit_events.ts";
import { never } from "../fakes/never.ts";

const NEVER = never();

/** Pages of three events each: e0 to e2, e3 to e5 and so on. */
function pages(count: number, { more = false } = {}): Batch<PagePosition>[] {
  return Array.from({ length: count }, (_, i) => ({
    events: auditEvents(3, { first: 3 * i }),
    position: position(i),
    more: more || i < count - 1,
  }));
}

function sourceOf(
  batches: readonly Batch<PagePosition>[],
  asked: PagePosition[] = [],
) {
  const source: Source<PagePosition> = {
    async *read(from) {
      asked.push(from);
      yield* batches;
    },
  };
  return source;
}

async function readAll(source: Source<PagePosition>, after?: string) {
  const missing: [string, number][] = [];
  const dropped: [string, string][] = [];
  const read: [string, string[]][] = [];
  const resumed = resumeAfter(source, {
    missing: (id, events) => missing.push([id, events]),
    cursorDropped: (cursor, time) => dropped.push([cursor, time]),
  });
  const start = position("start");
  const from = after === undefined ? start : { ...start, after };
  for await (const batch of resumed.read(from, NEVER)) {
    read.push([batch.position.cursor, idsOf(batch.events)]);
  }
  return { read, missing, ...dropped.length > 0 && { dropped } };
}

Deno.test("what was sent up to the named event is not sent again", async () => {
  assertEquals(await readAll(sourceOf(pages(3)), "e1"), {
    read: [
      ["0", ["e2"]],
      ["1", ["e3", "e4", "e5"]],
      ["2", ["e6", "e7", "e8"]],
    ],
    missing: [],
  });
});

Deno.test("the event is found behind a page that is smaller than the other program's", async () => {
  assertEquals(await readAll(sourceOf(pages(3)), "e5"), {
    read: [["1", []], ["2", ["e6", "e7", "e8"]]],
    missing: [],
  });
});

Deno.test("where the named event is the newest of all, nothing is sent", async () => {
  assertEquals(await readAll(sourceOf(pages(1)), "e2"), {
    read: [["0", []]],
    missing: [],
  });
});

Deno.test("an event that does not show up has everything sent, and is told", async () => {
  const all: [string, string[]][] = [
    ["0", ["e0", "e1", "e2"]],
    ["1", ["e3", "e4", "e5"]],
  ];
  assertEquals(await readAll(sourceOf(pages(2)), "gone"), {
    read: all,
    missing: [["gone", 6]],
  });
});

Deno.test("a cursor that shows nothing is dropped, and the event looked for from the start on", async () => {
  const asked: PagePosition[] = [];
  const source: Source<PagePosition> = {
    async *read(from) {
      asked.push(from);
      if (from.cursor === "") yield* pages(2);
      else yield { events: [], position: from, more: false };
    },
  };
  const { start, cursor } = position("start");
  assertEquals(await readAll(source, "e1"), {
    read: [["0", ["e2"]], ["1", ["e3", "e4", "e5"]]],
    missing: [],
    dropped: [[cursor, start]],
  });
  assertEquals(asked, [position("start"), position("")]);
});

Deno.test("a log in which nothing is left has nothing sent, and the event is told", async () => {
  const source: Source<PagePosition> = {
    async *read(from) {
      yield { events: [], position: from, more: false };
    },
  };
  const { read, missing } = await readAll(source, "e1");
  assertEquals(read, [["", []]]);
  assertEquals(missing, [["e1", 0]]);
});

Deno.test("an event is looked for no further than the largest page", async () => {
  const batches = pages(4_000, { more: true });
  const { read, missing } = await readAll(sourceOf(batches), "e11998");
  assertEquals(missing, [["e11998", 10_002]]);
  assertEquals(read.length, 4_000);
});

Deno.test("the source is asked without the event, so that no later position has it", async () => {
  const asked: PagePosition[] = [];
  await readAll(sourceOf(pages(1), asked), "e0");
  assertEquals(asked, [position("start")]);
});

Deno.test("a position without such an event passes as it is", async () => {
  const from = position("start");
  const asked: PagePosition[] = [];
  const source = resumeAfter(sourceOf(pages(2), asked), {
    missing: () => {},
    cursorDropped: () => {},
  });
  const batches = await Array.fromAsync(source.read(from, NEVER));
  assertStrictEquals(asked[0], from);
  assertEquals(batches, pages(2));
});

Deno.test("a source that is stopped before the event was found yields nothing", async () => {
  const batches = pages(2, { more: true });
  assertEquals(await readAll(sourceOf(batches), "e9"), {
    read: [],
    missing: [],
  });
});
