import { GaveUpError } from "../../lib/errors.ts";
import { type Batch, type PagePosition, payloadOf } from "../../lib/event.ts";
import type { FailedAttempt } from "../../lib/pipeline/retry.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import {
  PageSource,
  type PageSourceOptions,
} from "../../lib/teleport/page_source.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { hang, never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";
import { ScriptedLog } from "./scripted_log.ts";
import { sampleEvent } from "./sample_event.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const POLL_MS = 5 * SECOND_MS;
const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const TOO_LARGE = new TeleportError(
  "page exceeds the maximum response size",
  "RESOURCE_EXHAUSTED",
);

/** Asks for the whole log. */
const ALL = { startMs: 0, endMs: Infinity, types: [], cursor: "" };

const UNKNOWN_CURSOR = new TeleportError(
  "failed to parse page key",
  "INVALID_ARGUMENT",
);

Deno.test("pages cover the log exactly once, in its order", async () => {
  const { log, readAll } = setUp({ pageSize: 10 });
  const random = new Random(7, 0);
  for (let i = 0; i < 1_003; i++) {
    log.append(NOW_MS - 2 * HOUR_MS + random.below(300) * SECOND_MS);
  }
  assertEquals(idsOf(await readAll(from(NOW_MS - 3 * HOUR_MS))), idsIn(log));
});

Deno.test("more events with the same time than fit a page are read once each", async () => {
  const { log, readAll } = setUp({ pageSize: 7 });
  log.append(...Array(50).fill(NOW_MS - MINUTE_MS));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("blank ids neither lose nor repeat an event", async () => {
  const { log, follow } = setUp({ pageSize: 7 });
  const blank = (n: number) =>
    sampleEvent({ timeMs: NOW_MS - MINUTE_MS, payload: { n } });
  log.add(...[1, 2, 2, 3, 2].map(blank));
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  log.add(blank(2), blank(4));
  await reading.advance(POLL_MS);
  await reading.advance(POLL_MS);
  const read = reading.batches.flatMap(({ events }) => events);
  // The page is read again as a whole: which of the same ones is new is not told.
  assertEquals(
    read.map((event) => payloadOf(event).toHex()).sort(),
    log.events.map((event) => payloadOf(event).toHex()).sort(),
  );
});

Deno.test("every position leads to exactly what was not read before it", async () => {
  const { log, readAll } = setUp({ pageSize: 7, windowMs: HOUR_MS });
  const random = new Random(11, 0);
  for (let i = 0; i < 120; i++) {
    log.append(NOW_MS - 5 * HOUR_MS + random.below(600) * 30 * SECOND_MS);
  }
  const start = from(NOW_MS - 5 * HOUR_MS);
  const batches = await readAll(start);
  for (let read = 0; read < batches.length; read++) {
    const kept = JSON.stringify(batches[read]?.position);
    assertEquals(
      idsOf(await readAll(JSON.parse(kept))),
      idsOf(batches.slice(read + 1)),
      kept,
    );
  }
});

Deno.test("the last page is read again while it grows, and only what is new is yielded", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - 2 * MINUTE_MS, NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  assertEquals(reading.ids, ["event-0", "event-1"]);
  log.append(NOW_MS, NOW_MS);
  await reading.advance(POLL_MS);
  log.append(NOW_MS + SECOND_MS);
  await reading.advance(2 * POLL_MS);
  assertEquals(reading.ids, idsIn(log));
  assertEquals(log.requests.map(({ cursor }) => cursor).join(""), "");
});

Deno.test("an event that arrives late, between those of the last page, is read", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - 3 * MINUTE_MS, NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  log.append(NOW_MS - 2 * MINUTE_MS);
  await reading.advance(POLL_MS);
  assertEquals(reading.ids, ["event-0", "event-1", "event-2"]);
});

Deno.test("an event that arrives late, between those of a page that was turned, is read", async () => {
  const { log, follow } = setUp({ pageSize: 3 });
  await using reading = follow(from(NOW_MS - HOUR_MS));
  log.append(...times(7, NOW_MS - 7 * SECOND_MS));
  await reading.advance(POLL_MS);
  const early = idsIn(log);
  assertEquals(reading.ids, early);
  log.append(NOW_MS - 6_500, NOW_MS - 1_500);
  await reading.advance(4 * POLL_MS);
  assertEquals(reading.ids.toSorted(), [...early, "event-7", "event-8"]);
});

Deno.test("an event that arrives late is read by the next run, and nothing else again", async () => {
  // Also where the last page is full, and nothing is behind its cursor.
  for (const count of [5, 6, 7]) {
    const { log, readAll } = setUp({ pageSize: 3 });
    log.append(...times(count, NOW_MS - 7 * SECOND_MS));
    const { position } = (await readAll(from(NOW_MS - HOUR_MS))).at(-1) ?? {};
    assert(position !== undefined);
    const late = log.append(NOW_MS - 6_500, NOW_MS - 4_500);
    assertEquals(
      idsOf(await readAll(position)),
      late.map(({ id }) => id),
      `${count} events`,
    );
  }
});

Deno.test("an event that arrives late is read although the cursors are refused meanwhile", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 3 });
  const cursors = new Cursors(log);
  log.append(...times(3, NOW_MS - MINUTE_MS), NOW_MS - 7 * SECOND_MS);
  log.append(...times(3, NOW_MS - 6 * SECOND_MS));
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  const early = idsIn(log);
  assertEquals(reading.ids, early);
  cursors.refuseOld();
  const late = log.append(NOW_MS - 6_500, NOW_MS - 500).map(({ id }) => id);
  await reading.advance(4 * POLL_MS);
  assert(dropped.length > 0);
  assertEquals(reading.ids.toSorted(), [...early, ...late]);
});

Deno.test("an event that arrives late is read although the next run's cursor is refused", async () => {
  for (const older of [false, true]) {
    const { log, readAll, clock, dropped } = setUp({ pageSize: 3 });
    const cursors = new Cursors(log);
    log.append(...times(3, NOW_MS - MINUTE_MS), NOW_MS - 7 * SECOND_MS);
    log.append(...times(3, NOW_MS - 6 * SECOND_MS));
    const { position } = (await readAll(from(NOW_MS - HOUR_MS))).at(-1) ?? {};
    assert(position !== undefined && position.cursor !== "");
    cursors.refuseOld();
    const late = log.append(NOW_MS - 6_500);
    await clock.advance(HOUR_MS);
    const { before: _, ...old } = position;
    const batches = await readAll(older ? old : position);
    assertEquals(idsOf(batches), late.map(({ id }) => id));
    assert(dropped.length > 0);
  }
});

Deno.test("whatever becomes of the cursors, each event is read once", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed, 1);
    const { log, clock, follow, readAll } = setUp({
      pageSize: random.pick([undefined, 1, 2, 3, 10]),
      windowMs: random.pick([DAY_MS, 45 * SECOND_MS]),
    });
    const cursors = new Cursors(log);
    const kept = new Kept(from(NOW_MS));
    for (let run = 0; run < 8; run++) {
      await using reading = follow(kept.position);
      for (let i = random.below(20); i > 0; i--) {
        const nowMs = clock.now();
        const late = () => Math.max(NOW_MS, nowMs - random.below(9_000));
        log.append(...Array.from({ length: random.below(4) }, late));
        await reading.advance(random.below(2_000));
        if (random.chance(0.1)) cursors.refuseOld();
      }
      if (run === 7) await reading.advance(MINUTE_MS);
      await reading.stop();
      kept.take(reading.batches);
      if (random.chance(0.5)) cursors.forgetOld();
      kept.take(await readAll(kept.position));
    }
    assertEquals(kept.ids.toSorted(), idsIn(log).toSorted(), `seed ${seed}`);
  }
});

Deno.test("whenever events arrive within 9 s, and whenever it is started again, each is read once", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed, 0);
    const { log, clock, follow } = setUp({
      pageSize: random.pick([undefined, 1, 3, 10]),
      windowMs: random.pick([DAY_MS, 45 * SECOND_MS]),
    });
    const ids: string[] = [];
    let position = from(NOW_MS);
    for (let run = 0; run < 6; run++) {
      await using reading = follow(position);
      for (let i = random.below(40); i > 0; i--) {
        const nowMs = clock.now();
        const late = () => Math.max(NOW_MS, nowMs - random.below(9_000));
        log.append(...Array.from({ length: random.below(6) }, late));
        const timeMs = late();
        const twin = () => sampleEvent({ id: "", timeMs, payload: { timeMs } });
        if (random.chance(0.3)) log.add(twin(), twin());
        await reading.advance(random.below(2_000));
      }
      if (run === 5) await reading.advance(MINUTE_MS);
      await reading.stop();
      ids.push(...reading.ids);
      const kept = JSON.stringify(reading.batches.at(-1)?.position ?? position);
      position = JSON.parse(kept);
    }
    assertEquals(ids.toSorted(), idsIn(log).toSorted(), `seed ${seed}`);
  }
});

Deno.test("what may get company is read twice, and no more often", async () => {
  const { log, follow, told } = setUp({ pageSize: 10 });
  await using reading = follow(from(NOW_MS - HOUR_MS));
  log.append(...times(995, NOW_MS - SECOND_MS, 1));
  await reading.advance(2 * MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
  const perCursor = Map.groupBy(log.requests, ({ cursor }) => cursor);
  const { cursor } = reading.batches.at(-1)?.position ?? {};
  for (const [asked, requests] of perCursor) {
    if (asked !== cursor) assert(requests.length <= 2, asked);
  }
  assertEquals(told, []);
});

Deno.test("a flood is not remembered without bounds, and read once", async () => {
  const { log, follow } = setUp();
  const flood = Array.from(
    { length: 45_000 },
    (_, i) => sampleEvent({ id: `event-${i}`, timeMs: NOW_MS - SECOND_MS }),
  );
  log.fault = ({ cursor, limit }) => {
    const end = Number(cursor) + limit;
    const events = flood.slice(Number(cursor), end);
    return { events, lastKey: end > flood.length ? "" : `${end}` };
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  while (log.requests.at(-1)?.cursor === "" || reading.batches.at(-1)?.more) {
    await turn();
  }
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, flood.map(({ id }) => id));
  for (const { position } of reading.batches) {
    assert(position.seen.length <= 20_000);
  }
});

Deno.test("a last page that fills up is turned, and nothing of it repeated", async () => {
  const { log, follow } = setUp({ pageSize: 4 });
  log.append(...times(3, NOW_MS - MINUTE_MS));
  await using reading = follow(from(NOW_MS - HOUR_MS));
  for (let i = 0; i < 5; i++) {
    await reading.advance(POLL_MS);
    log.append(...times(3, NOW_MS - MINUTE_MS + (3 + 3 * i) * SECOND_MS));
  }
  await reading.advance(2 * POLL_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("the very same position comes back while nothing is new", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * POLL_MS);
  const [first, ...others] = reading.batches;
  assert(others.length >= 5);
  for (const { events, position, more } of others) {
    assertEquals(events, []);
    assertStrictEquals(position, first?.position);
    assert(!more);
  }
});

Deno.test("a page that grows by the moment is not asked for without a pause", async () => {
  const { log, follow, clock } = setUp({ pageSize: 1_000 });
  log.fault = (request) => {
    log.append(clock.now() - SECOND_MS);
    return log.page(request);
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * SECOND_MS);
  assert(reading.ids.length >= 30);
  assert(log.requests.length <= 50, `${log.requests.length} requests`);
});

Deno.test("a long range is read in windows, and events on their edges once", async () => {
  const { log, readAll } = setUp({ windowMs: DAY_MS });
  const startMs = NOW_MS - 10 * DAY_MS;
  for (let day = 0; day < 10; day++) {
    const edgeMs = startMs + day * DAY_MS;
    log.append(edgeMs, edgeMs, edgeMs + 1, edgeMs + DAY_MS - 1);
  }
  assertEquals(idsOf(await readAll(from(startMs))), idsIn(log));
  for (const { startMs, endMs } of log.requests) {
    assert(endMs - startMs <= DAY_MS);
  }
});

Deno.test("empty windows are left behind at full speed", async () => {
  const { log, readAll, clock } = setUp({ windowMs: HOUR_MS });
  log.append(NOW_MS - MINUTE_MS);
  const batches = await readAll(from(NOW_MS - 90 * DAY_MS - MINUTE_MS));
  assertEquals(idsOf(batches), idsIn(log));
  assertEquals(clock.sleeps, []);
  assertEquals(log.requests.length, 90 * 24 + 1);
});

Deno.test("windows begin at whole seconds, whatever their size", async () => {
  const { log, readAll } = setUp({ windowMs: 1_500 });
  log.append(...times(20, NOW_MS - MINUTE_MS));
  const batches = await readAll(from(NOW_MS - MINUTE_MS));
  assertEquals(idsOf(batches), idsIn(log));
  for (const { position } of batches) {
    assertStrictEquals(Date.parse(position.start) % SECOND_MS, 0);
    assertStrictEquals(position.start.length, "2026-03-01T12:00:00Z".length);
  }
});

Deno.test("a window is kept for a while after its end, for events that arrive late", async () => {
  const { log, follow } = setUp({ windowMs: HOUR_MS });
  const edgeMs = NOW_MS + MINUTE_MS;
  await using reading = follow(from(edgeMs - HOUR_MS));
  await reading.advance(MINUTE_MS + SECOND_MS);
  log.append(edgeMs - SECOND_MS, edgeMs + SECOND_MS);
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
  const { position } = reading.batches.at(-1) ?? {};
  assertEquals(
    position?.start,
    new Date(edgeMs - SECOND_MS).toISOString().replace(".000", ""),
  );
});

Deno.test("a clock that is five minutes fast loses nothing at the end of a window", async () => {
  const { log, clock, follow } = setUp({ windowMs: HOUR_MS });
  await using reading = follow(from(NOW_MS - 10 * MINUTE_MS));
  for (let minute = 0; minute < 150; minute++) {
    log.append(clock.now() - 5 * MINUTE_MS);
    await reading.advance(MINUTE_MS);
  }
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("a clock that is five minutes fast loses nothing behind a window in which nothing came", async () => {
  for (const before of [[], [NOW_MS - 3 * HOUR_MS]]) {
    const { log, clock, follow } = setUp({ windowMs: HOUR_MS });
    clock.aheadMs = 5 * MINUTE_MS;
    log.append(...before);
    await using reading = follow(from(NOW_MS - 4 * HOUR_MS));
    await reading.advance(57 * MINUTE_MS);
    log.append(NOW_MS + 57 * MINUTE_MS);
    await reading.advance(POLL_MS);
    assertEquals(reading.ids, idsIn(log));
  }
});

Deno.test("an idle window is left, however long ago its newest event was", async () => {
  const { log, follow } = setUp({ windowMs: HOUR_MS });
  log.append(NOW_MS - 5 * HOUR_MS, NOW_MS - 5 * HOUR_MS + SECOND_MS);
  await using reading = follow(from(NOW_MS - 5 * HOUR_MS));
  await reading.advance(HOUR_MS);
  assertEquals(reading.ids, idsIn(log));
  assert(
    Date.parse(reading.batches.at(-1)?.position.start ?? "") >=
      NOW_MS - HOUR_MS,
  );
});

Deno.test("a run with shorter windows than the one before repeats nothing", async () => {
  const { log, readAll } = setUp({ pageSize: 7 });
  log.append(
    ...Array.from({ length: 60 }, (_, i) => NOW_MS - 9_000 + i * 150),
  );
  const { position } = (await readAll(from(NOW_MS - MINUTE_MS))).at(-1) ?? {};
  assert(position !== undefined);
  const later = setUp(
    { pageSize: 7, windowMs: 5 * SECOND_MS },
    NOW_MS + HOUR_MS,
  );
  later.log.add(...log.events);
  assertEquals(idsOf(await later.readAll(position)), []);
});

Deno.test("an event that arrives late is read although the next run has shorter windows", async () => {
  const { log, readAll } = setUp({ pageSize: 100 });
  log.append(...times(60, NOW_MS - MINUTE_MS));
  const { position } = (await readAll(from(NOW_MS - MINUTE_MS))).at(-1) ?? {};
  assert(position !== undefined);
  const later = setUp({ windowMs: 20 * SECOND_MS }, NOW_MS + SECOND_MS);
  later.log.add(...log.events);
  const late = later.log.append(NOW_MS - 5_500);
  assertEquals(
    idsOf(await later.readAll(position)),
    late.map(({ id }) => id),
  );
});

Deno.test("a clock that was years ahead and is set back has lost nothing", async () => {
  const { log, readAll } = setUp();
  log.append(NOW_MS - HOUR_MS, NOW_MS - HOUR_MS);
  const ahead = setUp({}, NOW_MS + 10 * 365 * DAY_MS);
  ahead.log.add(...log.events);
  const { position } = (await ahead.readAll(from(NOW_MS - DAY_MS))).at(-1) ??
    {};
  assert(position !== undefined && Date.parse(position.start) > NOW_MS);
  const later = log.append(NOW_MS - HOUR_MS, NOW_MS - MINUTE_MS);
  assertEquals(idsOf(await readAll(position)), later.map(({ id }) => id));
});

Deno.test("a clock that was years ahead before the first event, and is set back, has lost nothing", async () => {
  const ahead = setUp({}, NOW_MS + 10 * 365 * DAY_MS);
  const { position } = (await ahead.readAll(from(NOW_MS - DAY_MS))).at(-1) ??
    {};
  assert(position !== undefined && Date.parse(position.start) > NOW_MS);
  const { log, readAll, told } = setUp();
  log.append(NOW_MS - HOUR_MS, NOW_MS - MINUTE_MS);
  assertEquals(idsOf(await readAll(position)), idsIn(log));
  assertEquals(told, [
    `set back from ${position.start} to 2026-01-01T00:00:00Z`,
  ]);
});

Deno.test("a cursor that shows nothing is dropped after a minute, also where the clock was set back", async () => {
  const { log, clock, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(8, NOW_MS - HOUR_MS, 300));
  log.fault = ({ cursor }) =>
    cursor === "" ? undefined : { events: [], lastKey: "" };
  clock.aheadMs = HOUR_MS;
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(POLL_MS);
  clock.aheadMs = 0;
  await reading.advance(70 * SECOND_MS);
  assertEquals(dropped.length, 1);
  log.fault = undefined;
  await reading.advance(POLL_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("an event that arrives late, between those of a page that was turned, is read, also where the clock was set back", async () => {
  const { log, clock, follow } = setUp({ pageSize: 3 });
  log.fault = (request) => {
    const isAhead = request.endMs > NOW_MS + MINUTE_MS;
    if (isAhead && request.cursor === "") {
      return { events: [], lastKey: "moved" };
    }
    const cursor = request.cursor === "moved" ? "" : request.cursor;
    return log.page({ ...request, cursor });
  };
  clock.aheadMs = MINUTE_MS + 5 * SECOND_MS;
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(POLL_MS);
  clock.aheadMs = 0;
  log.append(...times(4, NOW_MS + SECOND_MS));
  await reading.advance(POLL_MS);
  assertEquals(reading.ids, idsIn(log));
  log.append(NOW_MS + 1_500);
  await reading.advance(4 * POLL_MS);
  assertEquals(reading.ids.toSorted(), idsIn(log).toSorted());
});

Deno.test("an empty page whose cursor moved on is turned", async () => {
  const { log, readAll } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  log.fault = ({ cursor }) =>
    cursor === ""
      ? { events: [], lastKey: "moved" }
      : { events: log.events, lastKey: "" };
  const batches = await readAll(from(NOW_MS - HOUR_MS));
  assertEquals(idsOf(batches), idsIn(log));
  assertEquals(batches[0]?.events, []);
  assertStrictEquals(batches[0]?.position.cursor, "moved");
});

Deno.test("an event that arrives late behind an empty page, or one with an older event, is read", async () => {
  for (const old of [[], ["old"]]) {
    const { log, follow, dropped } = setUp({ pageSize: 3, types: ["exec"] });
    filterAfterLimit(log);
    for (const id of old) addExec(log, id, NOW_MS - MINUTE_MS);
    log.append(...times(3, NOW_MS - 3 * SECOND_MS, 500));
    await using reading = follow(from(NOW_MS - HOUR_MS));
    await reading.advance(SECOND_MS);
    addExec(log, "late", NOW_MS - 2_800);
    addExec(log, "next", NOW_MS);
    await reading.advance(6 * POLL_MS);
    assertEquals(reading.ids.toSorted(), ["late", "next", ...old]);
    assertEquals(dropped, []);
  }
});

Deno.test("an event that arrives late behind an empty page is read by the next run", async () => {
  const { log, readAll, clock } = setUp({ pageSize: 3, types: ["exec"] });
  filterAfterLimit(log);
  log.append(...times(12, NOW_MS - HOUR_MS), ...times(6, NOW_MS - 4_000, 500));
  addExec(log, "next", NOW_MS - 500);
  const { position } = (await readAll(from(NOW_MS - 2 * HOUR_MS))).at(-1) ?? {};
  assert(position !== undefined);
  addExec(log, "late", NOW_MS - 3_800);
  await clock.advance(MINUTE_MS);
  assertEquals(idsOf(await readAll(position)), ["late"]);
});

Deno.test("a server that knows seconds only, and shows an event after the end of the range, loses none that arrives late", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 3 }, NOW_MS + 300);
  log.append(...times(2, NOW_MS - MINUTE_MS));
  const soon = sampleEvent({ id: "soon", timeMs: NOW_MS + 500 });
  log.fault = (request) => {
    if (!log.events.includes(soon)) log.add(soon);
    const endMs = Math.ceil(request.endMs / SECOND_MS) * SECOND_MS;
    return log.page({ ...request, endMs });
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(SECOND_MS);
  assertEquals(reading.ids, ["event-0", "event-1", "soon"]);
  log.append(NOW_MS - 5 * SECOND_MS, NOW_MS + SECOND_MS);
  await reading.advance(6 * POLL_MS);
  assertEquals(reading.ids.slice(3).toSorted(), ["event-3", "event-4"]);
  assertEquals(dropped, []);
});

Deno.test("empty pages before a settled event are passed, although the newest range shows nothing else", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - HOUR_MS);
  // Only where the range reaches up to now is there more.
  log.fault = ({ cursor, endMs }) => {
    if (endMs < NOW_MS) return { events: [], lastKey: "" };
    if (cursor === "") return { events: [], lastKey: "1" };
    return cursor === "1"
      ? { events: log.events, lastKey: "2" }
      : { events: [], lastKey: "" };
  };
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(SECOND_MS);
  assertEquals(reading.ids, idsIn(log));
  assertEquals(reading.batches.at(-1)?.position.cursor, "2");
});

Deno.test("a long stretch of empty pages is left behind, and not read again and again", async () => {
  const { log, follow } = setUp({ pageSize: 3, types: ["exec"] });
  filterAfterLimit(log);
  log.append(...times(900, NOW_MS - HOUR_MS));
  addExec(log, "behind", NOW_MS - MINUTE_MS);
  log.append(...times(5, NOW_MS - 2 * SECOND_MS, 100));
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  // With a pause between two of them, which is more than 10 s in all.
  await reading.advance(2 * MINUTE_MS);
  assertEquals(reading.ids, ["behind"]);
  const turned = log.requests.length;
  assert(turned < 360, `${turned} requests`);
  await reading.advance(HOUR_MS);
  const idle = log.requests.length - turned;
  assert(idle < 2 * HOUR_MS / POLL_MS, `${idle} requests in an hour`);
});

Deno.test("a server that leaves out types after the limit has each event read once", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed, 2);
    const { log, clock, follow, readAll } = setUp({
      pageSize: random.pick([undefined, 1, 2, 3, 10]),
      windowMs: random.pick([DAY_MS, 45 * SECOND_MS]),
      types: ["exec"],
    });
    filterAfterLimit(log);
    const kept = new Kept(from(NOW_MS));
    for (let run = 0; run < 6; run++) {
      await using reading = follow(kept.position);
      for (let i = random.below(40); i > 0; i--) {
        const nowMs = clock.now();
        const late = () => Math.max(NOW_MS, nowMs - random.below(9_000));
        if (random.chance(0.3)) addExec(log, `exec-${nowMs}-${i}`, late());
        log.append(...Array.from({ length: random.below(5) }, late));
        await reading.advance(random.below(2_000));
      }
      if (run === 5) await reading.advance(5 * MINUTE_MS);
      await reading.stop();
      kept.take(reading.batches);
      if (random.chance(0.5)) kept.take(await readAll(kept.position));
    }
    const exec = log.events.filter(({ type }) => type === "exec");
    assertEquals(
      kept.ids.toSorted(),
      exec.map(({ id }) => id).toSorted(),
      `seed ${seed}`,
    );
  }
});

Deno.test("many empty pages in a row are turned, but not in a hurry", async () => {
  const { log, readAll, clock } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  log.fault = ({ cursor }) => {
    const page = Number(cursor) + 1;
    return page < 100
      ? { events: [], lastKey: String(page) }
      : { events: log.events, lastKey: "" };
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  assert(clock.sleeps.length >= 75, `${clock.sleeps.length} pauses`);
  assert(clock.sleeps.every((ms) => ms >= 100));
});

Deno.test("empty pages without end are told, once a minute", async () => {
  const { log, follow, told } = setUp();
  log.fault = ({ cursor }) => ({
    events: [],
    lastKey: String(Number(cursor) + 1),
  });
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(5 * MINUTE_MS);
  const [first, second, ...others] = told;
  assertEquals([first, second], ["20 empty pages", "240 empty pages"]);
  assert(others.length >= 3 && others.length <= 5, told.join());
  assert(log.requests.length < 1_300, `${log.requests.length} requests`);
});

Deno.test("cursors that go round in circles are dropped, and what was behind them is read", async () => {
  for (const circle of [1, 2, 3, 7, 64, 100]) {
    const { log, follow, dropped } = setUp({ pageSize: 4 });
    log.append(...times(10, NOW_MS - HOUR_MS));
    const [, , , last] = log.events;
    log.fault = ({ cursor }) => {
      if (cursor === "" || dropped.length > 0) return undefined;
      const place = Number(cursor.split("-")[2] ?? -1) + 1;
      return { events: [], lastKey: `in-circles-${place % circle}` };
    };
    await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
    await reading.advance(3 * MINUTE_MS);
    assertEquals(reading.ids, idsIn(log), `circle of ${circle}`);
    assertEquals(dropped[0], "2026-03-01T11:00:03Z", last?.id);
    assert(log.requests.length < 900, `${log.requests.length} requests`);
  }
});

Deno.test("cursors that always go round in circles neither end the reading nor hurry it", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(4, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }) =>
    cursor === ""
      ? undefined
      : { events: [], lastKey: cursor === "a" ? "b" : "a" };
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(HOUR_MS);
  assertEquals(reading.ids, idsIn(log));
  assert(dropped.length >= 1 && dropped.length <= 60, `${dropped.length}`);
  assert(log.requests.length < 4_000, `${log.requests.length} requests`);
});

Deno.test("a cursor that shows nothing for a minute is dropped for the newest event's time", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(8, NOW_MS - HOUR_MS, 300));
  const newest = "2026-03-01T11:00:02Z";
  log.fault = ({ cursor }) =>
    cursor === "" ? undefined : { events: [], lastKey: "" };
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(50 * SECOND_MS);
  assertEquals(reading.ids, idsIn(log).slice(0, 4));
  assertEquals(dropped, []);
  await reading.advance(20 * SECOND_MS);
  assertEquals(dropped, ["2026-03-01T11:00:00Z"]);
  log.fault = undefined;
  await reading.advance(5 * MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
  assertEquals(reading.batches.at(-1)?.position.newest?.time, newest);
});

Deno.test("a cursor that stands still is dropped, and nothing repeated", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(6, NOW_MS - HOUR_MS));
  const stuck = log.page({
    ...{ startMs: NOW_MS - 2 * HOUR_MS, endMs: NOW_MS },
    ...{ types: [], limit: 4, cursor: "" },
  });
  log.fault = ({ cursor }) =>
    cursor === stuck.lastKey
      ? { events: stuck.events.slice(-1), lastKey: cursor }
      : undefined;
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(2 * MINUTE_MS);
  // What the page at the cursor shows was read on the page before it, as a
  // defect of the server: it is delivered again rather than mistaken for old.
  assertEquals(dropped.length, 1);
  assertEquals([...new Set(reading.ids)], idsIn(log));
  await reading.advance(5 * MINUTE_MS);
  assertEquals([...new Set(reading.ids)], idsIn(log));
});

Deno.test("a cursor that the server does not know any longer is dropped, and nothing repeated", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 4 });
  log.append(...times(10, NOW_MS - HOUR_MS));
  const [first] = await readAll(from(NOW_MS - 2 * HOUR_MS));
  assert(first !== undefined && first.position.cursor !== "");
  log.fault = ({ cursor }) => {
    if (cursor === first.position.cursor) throw UNKNOWN_CURSOR;
    return undefined;
  };
  const others = await readAll(first.position);
  assertEquals(idsOf([first, ...others]), idsIn(log));
  assertEquals(dropped[0], "2026-03-01T11:00:03Z");
});

Deno.test("a cursor of the user's that the server does not know is told, and kept", async () => {
  const { log, follow, failed, dropped } = setUp();
  log.fault = ({ cursor }) => {
    if (cursor === "typo") throw UNKNOWN_CURSOR;
    return undefined;
  };
  await using reading = follow({ ...from(NOW_MS - HOUR_MS), cursor: "typo" });
  await reading.advance(MINUTE_MS);
  assert(failed.length > 0);
  const error = failed[0]?.error;
  assert(error instanceof TeleportError);
  assertEquals(error.status, UNKNOWN_CURSOR.status);
  assertStrictEquals(error.cause, UNKNOWN_CURSOR);
  assert(error.message.startsWith(UNKNOWN_CURSOR.message));
  assert(/option cursor .*move state\.json, .*begin at/.test(error.message));
  assertEquals(dropped, []);
});

Deno.test("a cursor of the user's with nothing behind it is kept, and nothing before it sent", async () => {
  // In the first window, and in a later one.
  for (const startMs of [NOW_MS - 2 * HOUR_MS, NOW_MS - 3 * DAY_MS]) {
    for (const windowMs of [DAY_MS, HOUR_MS]) {
      const { log, readAll, follow, clock, dropped } = setUp({ windowMs });
      log.append(startMs, ...times(5, NOW_MS - 90 * MINUTE_MS));
      const { lastKey } = log.page({ ...ALL, limit: 6 });
      const position = { ...from(startMs), cursor: lastKey };
      assertEquals(idsOf(await readAll(position)), []);
      await using reading = follow(position);
      await reading.advance(2 * HOUR_MS);
      log.append(clock.now(), clock.now());
      await reading.advance(2 * HOUR_MS);
      assertEquals(reading.ids, ["event-6", "event-7"]);
      assertEquals(dropped.filter((time) => Date.parse(time) < NOW_MS), []);
    }
  }
});

Deno.test("a cursor of an empty page before the first event is dropped, by the next run too", async () => {
  const { log, follow, dropped } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  log.fault = ({ cursor }) => {
    if (cursor !== "") return { events: [], lastKey: "" };
    return dropped.length === 0 ? { events: [], lastKey: "moved" } : undefined;
  };
  await using first = follow(from(NOW_MS - HOUR_MS));
  await first.advance(SECOND_MS);
  const { position } = first.batches.at(-1) ?? {};
  assert(position !== undefined);
  assertEquals([first.ids, position.cursor], [[], "moved"]);
  await first.stop();
  await using second = follow(JSON.parse(JSON.stringify(position)));
  await second.advance(2 * MINUTE_MS);
  assertEquals(second.ids, idsIn(log));
});

Deno.test("a cursor of an idle cluster is dropped once, not every minute", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(4, NOW_MS - HOUR_MS));
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(HOUR_MS);
  assertEquals(reading.ids, idsIn(log));
  assertEquals(dropped.length, 1);
});

Deno.test("a window whose cursor shows nothing is asked again before it is left", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 4, windowMs: DAY_MS });
  log.append(...times(7, NOW_MS - 3 * DAY_MS), NOW_MS - HOUR_MS);
  let lost = true;
  log.fault = ({ cursor }) => {
    if (cursor === "" || !lost) return undefined;
    lost = false;
    return { events: [], lastKey: "" };
  };
  const batches = await readAll(from(NOW_MS - 4 * DAY_MS));
  assertEquals(idsOf(batches), idsIn(log));
  assert(dropped.length >= 1);
});

Deno.test("a window whose cursor always stands still is left in the end, and that is told", async () => {
  const { log, readAll, told } = setUp({ pageSize: 4, windowMs: DAY_MS });
  log.append(...times(4, NOW_MS - 3 * DAY_MS), NOW_MS - HOUR_MS);
  log.fault = (request) => {
    const page = log.page(request);
    return request.startMs < NOW_MS - DAY_MS
      ? { ...page, lastKey: "stuck" }
      : page;
  };
  // Pages are empty behind that cursor, which the log does not know.
  const honest = log.fault;
  log.fault = (request, signal) =>
    request.cursor === "stuck"
      ? { events: [], lastKey: "stuck" }
      : honest(request, signal);
  assertEquals(idsOf(await readAll(from(NOW_MS - 4 * DAY_MS))), idsIn(log));
  assertEquals(new Set(told), new Set(["broken promise of stuck"]));
});

Deno.test("reading anew never goes back before the window", async () => {
  const { log, readAll, dropped } = setUp({ windowMs: DAY_MS });
  const startMs = NOW_MS - 10 * DAY_MS;
  log.append(startMs);
  log.fault = (request) => {
    if (request.startMs === startMs) return undefined;
    return { events: [], lastKey: request.cursor === "" ? "moved" : "" };
  };
  assertEquals(idsOf(await readAll(from(startMs))), idsIn(log));
  assertEquals(dropped.length, 30);
  const starts = log.requests.map(({ startMs }) => startMs);
  assertEquals(starts, starts.toSorted((a, b) => a - b));
});

Deno.test("an event with an absurd time is read, and does not lead astray", async () => {
  for (const timeMs of [8.64e15 + 1, -9e15, NOW_MS + 365 * DAY_MS]) {
    const { log, follow, dropped } = setUp({ pageSize: 2 });
    const absurd = sampleEvent({ id: "absurd", timeMs });
    const [first] = log.append(NOW_MS - MINUTE_MS);
    assert(first !== undefined);
    log.fault = ({ cursor }) => {
      if (cursor === "moved") return { events: [], lastKey: "" };
      return dropped.length === 0
        ? { events: [first, absurd], lastKey: "moved" }
        : undefined;
    };
    await using reading = follow(from(NOW_MS - HOUR_MS));
    await reading.advance(2 * MINUTE_MS);
    assertEquals(reading.ids, ["event-0", "absurd"]);
    assertEquals(dropped, ["2026-03-01T11:59:00Z"]);
  }
});

Deno.test("a page that is too large is asked for with a smaller limit, which grows again", async () => {
  const { log, readAll, limits, shrunk } = setUp();
  log.append(...times(800, NOW_MS - HOUR_MS));
  const fat = log.events[300];
  log.fault = (request) => {
    const page = log.page(request);
    const place = page.events.findIndex((event) => event === fat);
    // The fat event fits only pages of its own and few others.
    if (place !== -1 && page.events.length > 10) throw TOO_LARGE;
    return page;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assert(shrunk.length > 0);
  assert(shrunk.every((limit) => limit >= 5), String(shrunk));
  const smallest = limits.indexOf(Math.min(...limits.slice(3)), 3);
  assert(Math.max(...limits.slice(smallest)) > 40);
});

Deno.test("a server that throttles is left alone by back-off, and not asked for less", async () => {
  const { log, follow, failed, shrunk, told } = setUp();
  log.append(...times(30, NOW_MS - MINUTE_MS));
  log.fault = () => {
    throw new TeleportError("rate limit exceeded", "RESOURCE_EXHAUSTED");
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * MINUTE_MS);
  assertEquals(log.requests.length, failed.length);
  // Half a minute at most, fifteen seconds on average.
  assert(failed.length >= 20 && failed.length <= 150, `${failed.length}`);
  assertEquals([shrunk, told], [[], []]);
  log.fault = undefined;
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("the page size grows from 20 to 1000 while pages come back full", async () => {
  const { log, readAll, limits } = setUp();
  log.append(...times(6_000, NOW_MS - HOUR_MS, 100));
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assertEquals(limits.slice(0, 8), [20, 40, 80, 160, 320, 640, 1_000, 1_000]);
});

Deno.test("the page size stays while pages are not full", async () => {
  const { log, follow, limits } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(MINUTE_MS);
  assertEquals(new Set(limits), new Set([20]));
});

Deno.test("a configured page size is kept, and come back to after a page too large", async () => {
  const { log, readAll, limits } = setUp({ pageSize: 50 });
  log.append(...times(500, NOW_MS - HOUR_MS));
  let fails = 2;
  log.fault = ({ cursor }) => {
    if (cursor !== "" && fails-- > 0) throw TOO_LARGE;
    return undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assertEquals(limits.slice(0, 5), [50, 13, 26, 50, 50]);
});

Deno.test("only the configured types are asked for", async () => {
  const { log, readAll } = setUp({ types: ["user.login", "exec"] });
  log.append(NOW_MS - MINUTE_MS);
  log.add(sampleEvent({ id: "x", type: "exec", timeMs: NOW_MS - MINUTE_MS }));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), ["x"]);
  for (const { types } of log.requests) {
    assertEquals(types, ["user.login", "exec"]);
  }
});

Deno.test("a source that does not follow ends when all is read, and not before", async () => {
  const { log, readAll, clock } = setUp({ pageSize: 10 });
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), []);
  assertEquals(log.requests.length, 1);
  log.append(...times(25, NOW_MS - MINUTE_MS));
  const batches = await readAll(from(NOW_MS - HOUR_MS));
  assertEquals(idsOf(batches), idsIn(log));
  assertEquals(batches.map(({ more }) => more), [true, true, false]);
  assertEquals(clock.sleeps, []);
});

Deno.test("a source that does not follow asks once more without a cursor that shows nothing", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 10 });
  log.append(...times(20, NOW_MS - MINUTE_MS));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  assertEquals(dropped.length, 1);
});

Deno.test("a source that does not follow does not end at the first cursor that shows nothing once more", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 4 });
  log.append(...times(20, NOW_MS - HOUR_MS));
  let lies = 5;
  log.fault = ({ cursor }) => {
    if (cursor === "moved" || cursor !== "" && lies > 0) {
      return { events: [], lastKey: "" };
    }
    return log.requests.length > 1 && lies-- > 3
      ? { events: [], lastKey: "moved" }
      : undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assert(dropped.length >= 3);
});

Deno.test("a source that does not follow ends although its cursor stands still", async () => {
  const { log, readAll } = setUp({ pageSize: 10 });
  log.append(...times(10, NOW_MS - MINUTE_MS));
  log.fault = (request) => ({
    events: request.cursor === "" ? log.page(request).events : [],
    lastKey: "stuck",
  });
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("a start in the future is a range like any other", async () => {
  const position = from(NOW_MS + MINUTE_MS);
  const { log, follow } = setUp({ startTime: position.start });
  log.append(NOW_MS, NOW_MS + 2 * MINUTE_MS);
  await using reading = follow(position);
  await reading.advance(3 * MINUTE_MS);
  assertEquals(reading.ids, ["event-1"]);
  for (const { startMs, endMs } of log.requests) assert(startMs < endMs);
});

Deno.test("the next page is fetched while this one is delivered, and no page beyond it", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  const stop = new AbortController();
  const reading = source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal);
  for (let page = 1; page <= 4; page++) {
    await reading.next();
    for (let i = 0; i < 20; i++) await turn();
    assertEquals(log.requests.length, page + 1);
  }
  await reading.return(undefined);
});

Deno.test("nothing is asked ahead where nothing is new", async () => {
  const { log, source } = setUp();
  const stop = new AbortController();
  const reading = source.read(from(NOW_MS - HOUR_MS), stop.signal);
  await reading.next();
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(log.requests.length, 1);
  await reading.return(undefined);
});

Deno.test("a reader that leaves early ends the request that was made ahead", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }, signal) => cursor === "" ? undefined : hang(signal);
  const stop = new AbortController();
  for await (const _ of source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal)) {
    assertEquals(log.pending, 1);
    break;
  }
  await turn();
  assertEquals(log.pending, 0);
});

Deno.test("a failure of the page ahead waits until this one is delivered", async () => {
  const { log, source } = setUp({
    pageSize: 10,
    policy: { ...POLICY, timeoutMs: 0 },
  });
  log.append(...times(45, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }) => {
    if (cursor === "") return undefined;
    throw new Error("boom");
  };
  const reading = source.read(from(NOW_MS - 2 * HOUR_MS), never());
  const first = await reading.next();
  assertEquals(first.value?.events.length, 10);
  for (let i = 0; i < 20; i++) await turn();
  await assertRejects(() => reading.next(), GaveUpError, "boom");
});

Deno.test("stop ends a poll at once, without an error", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  const reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  await reading.stop();
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("stop ends a request at once, without an error", async () => {
  const { log, follow } = setUp();
  log.fault = (_, signal) => hang(signal);
  const reading = follow(from(NOW_MS - HOUR_MS));
  await turn();
  assertEquals(log.pending, 1);
  await reading.stop();
  assertEquals(log.pending, 0);
  assertEquals(reading.batches, []);
});

Deno.test("stop ends a back-off at once, without an error", async () => {
  const { log, follow, failed } = setUp();
  log.fault = () => {
    throw new Error("boom");
  };
  const reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  assertEquals(failed.length, 1);
  await reading.stop();
});

Deno.test("a source that was stopped before asks nothing", async () => {
  const { log, source } = setUp();
  const stop = AbortSignal.abort(new Error("stopped"));
  for await (const _ of source.read(from(NOW_MS), stop)) assert(false);
  assertEquals(log.requests, []);
});

Deno.test("nothing is yielded after a stop, and so nothing kept of it", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  const stop = new AbortController();
  let batches = 0;
  for await (const _ of source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal)) {
    batches++;
    for (let i = 0; i < 20; i++) await turn();
    stop.abort(new Error("stopped"));
  }
  assertEquals(batches, 1);
});

Deno.test("failures are retried with back-off, and told", async () => {
  const { log, readAll, failed } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  let failures = 5;
  log.fault = () => {
    if (failures-- > 0) throw new Error("boom");
    return undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  assertEquals(failed.map(({ attempt }) => attempt), [1, 2, 3, 4, 5]);
  for (const { attempt, waitMs } of failed) {
    assert(waitMs <= POLICY.initialMs * 2 ** (attempt - 1));
  }
});

Deno.test("failures are retried no longer than the policy says", async () => {
  const { log, readAll } = setUp({
    policy: { ...POLICY, timeoutMs: MINUTE_MS },
  });
  log.fault = () => {
    throw new Error("boom");
  };
  await assertRejects(
    () => readAll(from(NOW_MS - HOUR_MS)),
    GaveUpError,
    "boom",
  );
});

const POLICY = { initialMs: 500, maxMs: 30_000, timeoutMs: undefined };

/** A source, the log that it reads, and what it told its observer. */
function setUp(options: Partial<PageSourceOptions> = {}, nowMs = NOW_MS) {
  const clock = new WrongClock(nowMs);
  const log = new ScriptedLog();
  const limits: number[] = [];
  const shrunk: number[] = [];
  const dropped: string[] = [];
  const told: string[] = [];
  const failed: FailedAttempt[] = [];
  const create = (follow: boolean) =>
    new PageSource({
      getEvents: log.getEvents,
      types: [],
      pageSize: undefined,
      startTime: "2026-01-01T00:00:00Z",
      windowMs: DAY_MS,
      pollMs: POLL_MS,
      policy: POLICY,
      clock,
      observer: {
        page: (_events, limit) => limits.push(limit),
        shrunk: (limit) => shrunk.push(limit),
        cursorDropped: (_cursor, time) => dropped.push(time),
        promiseBroken: (cursor) => told.push(`broken promise of ${cursor}`),
        clockSetBack: (start, time) =>
          told.push(`set back from ${start} to ${time}`),
        emptyPages: (count) => told.push(`${count} empty pages`),
        steppedOver({ startMs, endMs }) {
          const [from, to] = [startMs, endMs].map((timeMs) =>
            new Date(timeMs).toISOString()
          );
          told.push(`left out ${from} to ${to}`);
          return Promise.resolve();
        },
        failed: (attempt) => failed.push(attempt),
      },
      ...options,
      follow,
    });
  return {
    ...{ clock, log, limits, shrunk, dropped, told, failed },
    source: create(true),
    /** Reads to the end. */
    readAll: (position: PagePosition) =>
      clock.runUntil(Array.fromAsync(create(false).read(position, never()))),
    /** Reads in the background. */
    follow: (position: PagePosition) =>
      new Reading(clock, (stop) => create(true).read(position, stop)),
  };
}

/** Pages are empty, or show few events, where others are not asked for. */
function filterAfterLimit(log: ScriptedLog): void {
  log.fault = (request) => {
    const { events, lastKey } = log.page({ ...request, types: [] });
    const { types } = request;
    return {
      events: events.filter(({ type }) => types.includes(type)),
      lastKey,
    };
  };
}

function addExec(log: ScriptedLog, id: string, timeMs: number): void {
  log.add(sampleEvent({ id, timeMs, type: "exec" }));
}

/** The log's cursors, of which the old ones may stop working. */
class Cursors {
  #age = 0;
  #oldAreRefused = false;

  constructor(log: ScriptedLog) {
    log.fault = (request) => {
      const [age, ...key] = request.cursor.split(":");
      const isOld = request.cursor !== "" && age !== `${this.#age}`;
      if (isOld && this.#oldAreRefused) throw UNKNOWN_CURSOR;
      if (isOld) return { events: [], lastKey: "" };
      const page = log.page({ ...request, cursor: key.join(":") });
      const lastKey = page.lastKey && `${this.#age}:${page.lastKey}`;
      return { ...page, lastKey };
    };
  }

  /** The server does not know them any longer. */
  refuseOld(): void {
    this.#age++;
    this.#oldAreRefused = true;
  }

  /** The server shows nothing behind them. */
  forgetOld(): void {
    this.#age++;
    this.#oldAreRefused = false;
  }
}

/** A reader in the background, which keeps what it reads. */
class Reading implements AsyncDisposable {
  readonly batches: Batch<PagePosition>[] = [];
  readonly #clock: FakeClock;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    clock: FakeClock,
    read: (stop: AbortSignal) => AsyncIterable<Batch<PagePosition>>,
  ) {
    this.#clock = clock;
    this.#done = this.#collect(read(this.#stop.signal));
  }

  get ids(): string[] {
    return idsOf(this.batches);
  }

  /** Resolves once the source waits for time to pass. */
  untilPolling(): Promise<void> {
    return this.#clock.untilSleeping();
  }

  async advance(ms: number): Promise<void> {
    for (let i = 0; i < 5; i++) await turn();
    await this.#clock.advance(ms);
  }

  /** Resolves once the source has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #collect(batches: AsyncIterable<Batch<PagePosition>>): Promise<void> {
    for await (const batch of batches) this.batches.push(batch);
  }
}

/** What runs have read, and the position that a state file would have. */
class Kept {
  readonly ids: string[] = [];
  position: PagePosition;

  constructor(position: PagePosition) {
    this.position = position;
  }

  take(batches: readonly Batch<PagePosition>[]): void {
    this.ids.push(...idsOf(batches));
    const { position = this.position } = batches.at(-1) ?? {};
    this.position = JSON.parse(JSON.stringify(position));
  }
}

function from(startMs: number): PagePosition {
  const start = new Date(startMs).toISOString().replace(".000Z", "Z");
  return { kind: "page", start, cursor: "", seen: [], newest: null };
}

/** So many times, one after the other. */
function times(count: number, startMs: number, stepMs = SECOND_MS): number[] {
  return Array.from({ length: count }, (_, i) => startMs + i * stepMs);
}

function idsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ id }) => id));
}

function idsIn(log: ScriptedLog): string[] {
  return log.events.map(({ id }) => id);
}
