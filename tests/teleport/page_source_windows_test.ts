import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import {
  DAY_MS,
  from,
  HOUR_MS,
  idsIn,
  idsOf,
  MINUTE_MS,
  NOW_MS,
  POLL_MS,
  SECOND_MS,
  setUp,
  times,
} from "./page_source_setup.ts";

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
  // Windows that are over long ago, and one that just is.
  for (
    const [windowMs, laterMs] of [[5_000, HOUR_MS], [55_000, 6_000]] as const
  ) {
    const later = setUp({ pageSize: 7, windowMs }, NOW_MS + laterMs);
    later.log.add(...log.events);
    assertEquals(idsOf(await later.readAll(position)), []);
  }
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

Deno.test("a cursor that shows nothing at first ends no window, also where reading follows", async () => {
  const { log, follow, dropped } = setUp({ windowMs: DAY_MS, pageSize: 4 });
  log.append(...times(8, NOW_MS - 3 * DAY_MS), NOW_MS - MINUTE_MS);
  log.fault = ({ cursor }) =>
    cursor === "" || dropped.length > 0
      ? undefined
      : { events: [], lastKey: "" };
  await using reading = follow(from(NOW_MS - 3 * DAY_MS));
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
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
