import { assert, assertEquals } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
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
  POLL_MS,
  SECOND_MS,
  setUp,
  times,
  UNKNOWN_CURSOR,
} from "./page_source_setup.ts";

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
