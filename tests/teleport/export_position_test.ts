import type { ExportPosition, PagePosition } from "../../lib/event.ts";
import {
  dayAfter,
  move,
  type Step,
  toExport,
  toPages,
} from "../../lib/teleport/export_position.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import { sampleEvent } from "./sample_event.ts";

const DAY = "2026-03-01";
const NOON_MS = Date.parse(`${DAY}T12:00:00Z`);
const NO_CHUNKS = { done: [], cursors: {} };
const START: ExportPosition = {
  kind: "export",
  days: { [DAY]: NO_CHUNKS },
  newest: null,
};
const PAGES: PagePosition = {
  kind: "page",
  start: "2026-02-27T08:00:00Z",
  cursor: "c",
  seen: [],
  newest: null,
};

function after(
  from: ExportPosition,
  ...steps: readonly Step[]
): ExportPosition {
  return steps.reduce((position, step) => move(position, step).position, from);
}

function events(
  chunk: string,
  cursor: string,
  times: readonly string[],
  day = DAY,
): Step {
  return {
    kind: "events",
    day,
    chunk,
    cursor,
    events: times.map((time) =>
      sampleEvent({ id: time, timeMs: Date.parse(time) })
    ),
  };
}

Deno.test("a chunk is begun, goes on, and is done", () => {
  const begun = after(
    START,
    events("a", "1", [`${DAY}T01:00:00Z`]),
    events("b", "1", []),
    events("a", "2", []),
  );
  assertEquals(begun.days[DAY], { done: [], cursors: { a: "2", b: "1" } });
  const done = after(begun, { kind: "chunk read", day: DAY, chunk: "a" });
  assertEquals(done.days[DAY], { done: ["a"], cursors: { b: "1" } });
  assertEquals(START.days[DAY], NO_CHUNKS, "a position is never changed");
});

Deno.test("chunks may be called anything", () => {
  for (const chunk of ["__proto__", "constructor", "", "1"]) {
    const begun = after(START, events(chunk, "7", []));
    assertEquals(Object.entries(begun.days[DAY]?.cursors ?? {}), [[
      chunk,
      "7",
    ]]);
    const done = after(begun, { kind: "chunk read", day: DAY, chunk });
    assertEquals(done.days[DAY], { done: [chunk], cursors: {} });
  }
});

Deno.test("the day after one is that of the calendar", () => {
  assertEquals(dayAfter(DAY), "2026-03-02");
  assertEquals(dayAfter("2024-02-28"), "2024-02-29");
});

Deno.test("a day that begins has no chunks, and one that is over is forgotten", () => {
  const next = dayAfter(DAY);
  const begun = after(START, { kind: "day begun", day: next });
  assertEquals(begun.days, { [DAY]: NO_CHUNKS, [next]: NO_CHUNKS });
  const over = after(begun, { kind: "day over", day: DAY });
  assertEquals(over.days, { [next]: NO_CHUNKS });
});

Deno.test("the newest time is that of no event before, and of none after its day", () => {
  const one = after(
    START,
    events("a", "1", [`${DAY}T10:00:00.900Z`, `${DAY}T09:00:00Z`]),
  );
  assertEquals(one.newest, { time: `${DAY}T10:00:00Z` });
  const same = after(
    one,
    events("b", "1", [`${DAY}T09:00:00Z`, "2027-01-01T00:00:00Z"]),
  );
  assertStrictEquals(same.newest, one.newest);
  const late = after(
    one,
    events("c", "1", ["2026-02-01T00:00:00Z"], "2026-03-05"),
  );
  assertStrictEquals(late.newest, one.newest);
});

Deno.test("a time that no date can tell, or before 1970, is not the newest", () => {
  for (const timeMs of [-9e18, Date.UTC(-1, 0), Date.parse("0001-01-01"), 0]) {
    const step: Step = {
      kind: "events",
      day: DAY,
      chunk: "a",
      cursor: "1",
      events: [sampleEvent({ timeMs })],
    };
    const { position, events } = move(START, step);
    assertStrictEquals(position.newest, null, String(timeMs));
    assertEquals(events.length, 1);
  }
});

Deno.test("a fresh position in pages begins with the day of its start", () => {
  assertEquals(toExport({ ...PAGES, cursor: "" }, NOON_MS), {
    kind: "export",
    days: { "2026-02-27": NO_CHUNKS },
    newest: null,
  });
});

Deno.test("what pages were begun with as shown stays left out where they show nothing", () => {
  assertEquals(
    toExport({ ...PAGES, cursor: "", seen: ["k"] }, NOON_MS).pages,
    { until: PAGES.start, keys: ["k"] },
  );
});

Deno.test("empty pages alone leave everything to chunks", () => {
  assertEquals(
    toExport({ ...PAGES, before: null }, NOON_MS),
    toExport({ ...PAGES, cursor: "" }, NOON_MS),
  );
});

Deno.test("of a cursor from elsewhere with nothing behind it, only the last minutes are read", () => {
  assertEquals(toExport(PAGES, NOON_MS + 500), {
    kind: "export",
    days: { [DAY]: NO_CHUNKS },
    newest: null,
    pages: { until: `${DAY}T11:50:00Z`, keys: [] },
  });
  const start = `${DAY}T11:58:00Z`;
  assertEquals(
    toExport({ ...PAGES, start }, NOON_MS).pages,
    { until: start, keys: [] },
  );
});

Deno.test("what pages have shown is left out: by time, and by key as often as it was shown", () => {
  const taken = toExport({
    ...PAGES,
    seen: ["twice", "twice", "only seen"],
    newest: { time: `${DAY}T11:59:59Z`, keys: ["twice", "newest"] },
  }, NOON_MS + 500);
  assertEquals(taken, {
    kind: "export",
    days: { [DAY]: NO_CHUNKS },
    newest: { time: `${DAY}T11:59:59Z` },
    pages: {
      until: `${DAY}T11:50:00Z`,
      keys: ["twice", "twice", "only seen", "newest"],
    },
  });
  const event = (id: string, time: string) =>
    sampleEvent({ id, timeMs: Date.parse(`${DAY}T${time}Z`) });
  const step = (...list: ReturnType<typeof event>[]): Step => ({
    kind: "events",
    day: DAY,
    chunk: "a",
    cursor: "1",
    events: list,
  });
  const first = move(
    taken,
    step(
      event("older", "11:49:59.999"),
      event("late", "11:50:00"),
      event("twice", "11:59:59"),
      event("newest", "11:59:59"),
    ),
  );
  assertEquals(first.events.map(({ id }) => id), ["late"]);
  assertEquals(first.position.pages?.keys, ["twice", "only seen"]);
  const second = move(
    first.position,
    step(
      event("twice", "11:59:59"),
      event("twice", "11:59:59"),
      event("newest", "11:59:59"),
    ),
  );
  assertEquals(second.events.map(({ id }) => id), ["twice", "newest"]);
  assertEquals(second.position.pages?.keys, ["only seen"]);
});

Deno.test("what pages have shown behind their cursor and in the newest second counts as often as there", () => {
  const { pages } = toExport({
    ...PAGES,
    seen: ["twin", "other"],
    newest: { time: `${DAY}T11:59:59Z`, keys: ["twin", "twin", "other"] },
  }, NOON_MS);
  assertEquals(pages?.keys, ["twin", "other", "twin"]);
  const twins = ["twin", "twin"];
  const newest = { time: `${DAY}T11:59:59Z`, keys: twins };
  const both = toExport({ ...PAGES, seen: twins, newest }, NOON_MS);
  assertEquals(both.pages?.keys, twins, "a third one would be taken for seen");
});

Deno.test("of a log that is quiet for long, only the newest second is compared by key", () => {
  const newest = { time: `${DAY}T09:00:00Z`, keys: ["newest"] };
  const { pages } = toExport({ ...PAGES, newest }, NOON_MS);
  assertEquals(pages, { until: newest.time, keys: ["newest"] });
});

Deno.test("what came late behind a cursor that leads nowhere by now is read", () => {
  const page = {
    ...PAGES,
    seen: ["seen"],
    newest: { time: `${DAY}T11:00:09Z`, keys: ["seen"] },
  };
  const before = { time: `${DAY}T11:00:05Z`, keys: ["before"] };
  const { pages } = toExport({ ...page, before }, NOON_MS);
  assertEquals(pages, { until: before.time, keys: ["seen", "before"] });
  assertEquals(
    toExport({ ...page, before: null }, NOON_MS).pages,
    { until: PAGES.start, keys: ["seen"] },
  );
});

Deno.test("an old event in a chunk of a later day is new", () => {
  const taken = toExport({
    ...PAGES,
    newest: { time: `${DAY}T11:00:00Z`, keys: [] },
  }, NOON_MS);
  const old = events("a", "1", [`${DAY}T08:00:00Z`], dayAfter(DAY));
  assertEquals(move(taken, old).events.length, 1);
});

Deno.test("an event without a time is none that pages have shown", () => {
  const taken = toExport({
    ...PAGES,
    newest: { time: `${DAY}T11:00:00Z`, keys: [] },
  }, NOON_MS);
  const timeless = events("a", "1", [
    "1970-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    `${DAY}T08:00:00Z`,
  ]);
  assertEquals(
    move(taken, timeless).events.map(({ id }) => id),
    ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
  );
});

Deno.test("the days of windows that are over are read, whatever the newest event", () => {
  const newest = { time: "2026-02-20T07:00:00Z", keys: ["old"] };
  const { days, pages } = toExport({ ...PAGES, newest }, NOON_MS);
  assertEquals(Object.keys(days), [PAGES.start.slice(0, 10)]);
  assertEquals(pages, { until: newest.time, keys: ["old"] });
});

Deno.test("what pages have shown is forgotten with the days in which it may show up", () => {
  const taken = toExport({
    ...PAGES,
    newest: { time: `${DAY}T00:00:05Z`, keys: ["k"] },
  }, Date.parse(`${DAY}T00:00:06Z`));
  assertEquals(Object.keys(taken.days), ["2026-02-28"]);
  let position = taken;
  const kept: boolean[] = [];
  for (let day = "2026-02-28"; day < "2026-03-04"; day = dayAfter(day)) {
    position = after(
      position,
      { kind: "day begun", day: dayAfter(day) },
      { kind: "day over", day },
    );
    kept.push(position.pages !== undefined);
  }
  assertEquals(kept, [true, false, false, false]);
  const ahead = after(
    taken,
    ...["2026-03-01", "2026-03-02", "2026-03-03"].map((day) => ({
      kind: "day begun" as const,
      day,
    })),
    { kind: "day over", day: "2026-02-28" },
  );
  assertEquals(ahead.pages, taken.pages, "one such day is enough");
});

Deno.test("pages go on with the first day that is not done with, not before the start", () => {
  const position: ExportPosition = {
    kind: "export",
    days: {
      "2026-03-02": NO_CHUNKS,
      "2026-02-28": { done: ["a"], cursors: { b: "1" } },
    },
    newest: { time: "2026-03-02T10:00:00Z" },
  };
  const page = (start: string, seen: string[] = []) => ({
    kind: "page" as const,
    start,
    cursor: "",
    seen,
    newest: null,
  });
  const long = "2026-01-01T00:00:00Z";
  assertEquals(toPages(position, long), page("2026-02-28T00:00:00Z"));
  assertEquals(
    toPages(position, "2026-02-28T15:00:00Z"),
    page("2026-02-28T15:00:00Z"),
  );
  const until = "2026-02-28T20:00:00Z";
  assertEquals(
    toPages({ ...position, pages: { until, keys: ["k"] } }, long),
    page(until, ["k"]),
  );
});
