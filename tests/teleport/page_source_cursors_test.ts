import { TeleportError } from "../../lib/teleport/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import { hang } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { ScriptedLog } from "./scripted_log.ts";
import { sampleEvent } from "./sample_event.ts";
import {
  DAY_MS,
  from,
  HOUR_MS,
  idsIn,
  idsOf,
  Kept,
  MINUTE_MS,
  NOW_MS,
  POLICY,
  POLL_MS,
  SECOND_MS,
  setUp,
  times,
  UNKNOWN_CURSOR,
} from "./page_source_setup.ts";

/** Asks for the whole log. */
const ALL = { startMs: 0, endMs: Infinity, types: [], cursor: "" };

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
  const exec = ["exec"];
  // Where all types are asked for, a page that shows something tells how far it reaches.
  for (const [types, ...old] of [[exec], [exec, "old"], [[]]] as const) {
    const { log, follow, dropped } = setUp({ pageSize: 3, types });
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

Deno.test("a server that knows seconds only, and shows an event after the end of what is settled, loses none that arrives late", async () => {
  const options = { pageSize: 3, types: ["exec"] };
  const { log, readAll, clock } = setUp(options, NOW_MS + 900);
  log.fault = (request) => {
    const endMs = Math.ceil(request.endMs / SECOND_MS) * SECOND_MS;
    return log.page({ ...request, endMs });
  };
  addExec(log, "older", NOW_MS - HOUR_MS);
  addExec(log, "old", NOW_MS - MINUTE_MS);
  addExec(log, "settling", NOW_MS - 9_050);
  addExec(log, "new", NOW_MS);
  const batches = await readAll(from(NOW_MS - 2 * HOUR_MS));
  assertEquals(idsOf(batches), ["older", "old", "settling", "new"]);
  const { position } = batches.at(-1) ?? {};
  assert(position !== undefined);
  addExec(log, "late", NOW_MS - 9_080);
  await clock.advance(MINUTE_MS);
  assertEquals(idsOf(await readAll(position)), ["late"]);
});

Deno.test("what is behind an empty page is read although an outage lasted until the window was over", async () => {
  const { log, follow } = setUp({ pageSize: 3, types: ["exec"] });
  filterAfterLimit(log);
  const answer = log.fault;
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(SECOND_MS);
  log.fault = () => {
    throw new TeleportError("away", "UNAVAILABLE");
  };
  await reading.advance(POLL_MS);
  log.append(...times(3, NOW_MS + SECOND_MS, 100));
  addExec(log, "behind", NOW_MS + 2 * SECOND_MS);
  await reading.advance(DAY_MS);
  log.fault = answer;
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, ["behind"]);
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

Deno.test("many empty pages in a row are turned, but not in a hurry, and what is behind them at full speed", async () => {
  const { log, readAll, clock } = setUp({ pageSize: 2 });
  log.append(...times(101, NOW_MS - 2 * MINUTE_MS));
  log.fault = (request) => {
    const page = Number(request.cursor) + 1;
    if (page < 100) return { events: [], lastKey: String(page) };
    return log.page(page === 100 ? { ...request, cursor: "" } : request);
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  const pauses = clock.sleeps.length;
  assert(pauses >= 75 && pauses < 100, `${pauses} pauses`);
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
  const circles = [[0, 1], [0, 2], [0, 3], [0, 7], [0, 64], [5, 3], [40, 60]];
  // Those before the first one that comes again.
  for (const [lead = 0, circle = 0] of circles) {
    const { log, follow, dropped } = setUp({ pageSize: 4 });
    log.append(...times(10, NOW_MS - HOUR_MS));
    const [, , , last] = log.events;
    log.fault = ({ cursor }) => {
      if (cursor === "" || dropped.length > 0) return undefined;
      const next = Number(cursor.split("-")[2] ?? -1) + 1;
      const place = next < lead + circle ? next : lead;
      return { events: [], lastKey: `in-circles-${place}` };
    };
    await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
    await reading.advance(3 * MINUTE_MS);
    assertEquals(reading.ids, idsIn(log), `circle of ${circle} at ${lead}`);
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

Deno.test("a cursor by which events came is trusted for a minute from then on", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.fault = ({ cursor }) =>
    cursor === "" ? undefined : { events: [], lastKey: "" };
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(5 * MINUTE_MS);
  log.append(...times(8, NOW_MS - HOUR_MS, 300));
  await reading.advance(50 * SECOND_MS);
  assertEquals(reading.ids, idsIn(log).slice(0, 4));
  assertEquals(dropped, []);
  await reading.advance(30 * SECOND_MS);
  assertEquals(dropped.length, 1);
});

Deno.test("a cursor that stands still is dropped, and nothing repeated", async () => {
  const { log, follow, dropped, told } = setUp({ pageSize: 4 });
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
  assertEquals(told, []);
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

Deno.test("a cursor of empty pages that the server does not know is dropped, also by a run that has read nothing yet", async () => {
  const { log, readAll } = setUp({
    policy: { ...POLICY, timeoutMs: MINUTE_MS },
  });
  log.append(...times(3, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }) => {
    if (cursor !== "") throw UNKNOWN_CURSOR;
    return undefined;
  };
  const start = { ...from(NOW_MS - 2 * HOUR_MS), cursor: "old", before: null };
  assertEquals(idsOf(await readAll(start)), idsIn(log));
});

Deno.test("what is behind an empty page whose cursor is refused once is read, and not taken for a circle", async () => {
  const { log, readAll } = setUp();
  log.append(NOW_MS - 3 * DAY_MS, NOW_MS - MINUTE_MS);
  let refusals = 1;
  log.fault = (request) => {
    if (request.cursor === "") return { events: [], lastKey: "moved" };
    if (refusals-- > 0) throw UNKNOWN_CURSOR;
    return log.page({ ...request, cursor: "" });
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 3 * DAY_MS))), idsIn(log));
});

Deno.test("a server that refuses each of its cursors is not asked in a hurry", async () => {
  const { log, follow, dropped } = setUp({ pageSize: 4 });
  log.append(...times(10, NOW_MS - HOUR_MS, 1));
  log.fault = ({ cursor }, signal) => {
    if (log.requests.length > 600) return hang(signal);
    if (cursor !== "") throw UNKNOWN_CURSOR;
    return undefined;
  };
  await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
  await reading.advance(MINUTE_MS);
  assert(log.requests.length < 500, `${log.requests.length} requests`);
  assert(dropped.length > 0);
  log.fault = undefined;
  await reading.advance(SECOND_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("without its cursor, reading does not go back before what was stepped over", async () => {
  const { log, readAll, dropped } = setUp();
  const [, behind] = log.append(
    NOW_MS - HOUR_MS + 50,
    NOW_MS - HOUR_MS + 200,
  );
  log.fault = ({ cursor }) => {
    if (cursor !== "") throw UNKNOWN_CURSOR;
    return undefined;
  };
  const newest = { time: "2026-03-01T11:00:00Z", keys: [] };
  const start = { ...from(NOW_MS - HOUR_MS + 124), cursor: "old", newest };
  assertEquals(idsOf(await readAll(start)), [behind?.id]);
  assertEquals(dropped, ["2026-03-01T11:00:00.124Z"]);
});

Deno.test("a range that the server refuses without a cursor is asked for again with back-off", async () => {
  const { log, follow, failed, dropped } = setUp();
  log.fault = () => {
    if (log.requests.length < 1_000) throw UNKNOWN_CURSOR;
    return undefined;
  };
  const newest = { time: "2026-03-01T11:00:00Z", keys: [] };
  await using reading = follow({ ...from(NOW_MS - HOUR_MS), newest });
  await reading.advance(MINUTE_MS);
  assert(log.requests.length < 200, `${log.requests.length} requests`);
  assertStrictEquals(failed[0]?.error, UNKNOWN_CURSOR);
  assertEquals(dropped, []);
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
      const { log, readAll, follow, clock, dropped, told } = setUp({
        windowMs,
      });
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
      assertEquals(told, []);
    }
  }
});

Deno.test("a cursor from elsewhere goes on behind its last event, however long ago the range begins", async () => {
  for (const startMs of [0, NOW_MS - 30 * DAY_MS, NOW_MS - HOUR_MS]) {
    for (const pageSize of [3, 100]) {
      const { log, follow, clock } = setUp({ pageSize });
      log.append(...times(60, NOW_MS - 10 * MINUTE_MS));
      const { lastKey } = log.page({ ...ALL, limit: 55 });
      await using reading = follow({ ...from(startMs), cursor: lastKey });
      await reading.advance(5 * MINUTE_MS);
      log.append(clock.now());
      await reading.advance(5 * MINUTE_MS);
      assertEquals(reading.ids, idsIn(log).slice(55));
    }
  }
});

Deno.test("a cursor of the user's far behind the start has nothing before it sent, also once something came of it", async () => {
  for (const pageSize of [1, 20]) {
    const { log, readAll, follow, clock } = setUp({ pageSize });
    log.append(...times(20, NOW_MS - HOUR_MS));
    const { lastKey } = log.page({ ...ALL, limit: 18 });
    const kept = new Kept({ ...from(NOW_MS - 9 * DAY_MS), cursor: lastKey });
    kept.take(await readAll(kept.position));
    await using reading = follow(kept.position);
    await reading.advance(HOUR_MS);
    log.append(clock.now());
    await reading.advance(DAY_MS + HOUR_MS);
    await reading.stop();
    kept.take(reading.batches);
    assertEquals(kept.ids, ["event-18", "event-19", "event-20"]);
  }
});

Deno.test("what comes of a cursor of the user's has nothing before the start sent, also where the cursor is dropped", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 2 });
  log.append(...times(6, NOW_MS - HOUR_MS));
  const { lastKey } = log.page({ ...ALL, limit: 3 });
  log.fault = ({ cursor }) => {
    if (cursor !== "" && cursor !== lastKey) throw UNKNOWN_CURSOR;
    return undefined;
  };
  const startMs = NOW_MS - HOUR_MS + 2 * SECOND_MS;
  const batches = await readAll({ ...from(startMs), cursor: lastKey });
  assertEquals(idsOf(batches), idsIn(log).slice(3));
  assert(dropped.length > 0);
  for (const { position } of batches) {
    assert(Date.parse(position.start) >= startMs, position.start);
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

/** Pages are empty, or show few events, where others are left out. */
function filterAfterLimit(log: ScriptedLog): void {
  log.fault = (request) => {
    const { events, lastKey } = log.page({ ...request, types: [] });
    return { events: events.filter(({ type }) => type === "exec"), lastKey };
  };
}

function addExec(log: ScriptedLog, id: string, timeMs: number): void {
  log.add(sampleEvent({ id, timeMs, type: "exec" }));
}
