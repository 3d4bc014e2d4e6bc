import { logger } from "../../lib/log.ts";
import {
  createMovements,
  hungOf,
  Movement,
  stalledOf,
  watchMovements,
} from "../../lib/operate/movement.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";
import { captureLog } from "./captured_log.ts";

const MINUTE_MS = 60_000;

Deno.test("what rests is not still, however long it rests", async () => {
  const clock = new FakeClock();
  const movement = new Movement("delivery", { clock });
  await clock.advance(60 * MINUTE_MS);
  assertEquals([movement.stillMs, movement.stalled], [0, false]);
  movement.due();
  await clock.advance(MINUTE_MS);
  movement.moved();
  movement.rest();
  await clock.advance(60 * MINUTE_MS);
  assertEquals([movement.stillMs, movement.stalled], [0, false]);
});

Deno.test("what is due is still since it became due, or since it last moved", async () => {
  const clock = new FakeClock();
  const movement = new Movement("delivery", { clock });
  await clock.advance(60 * MINUTE_MS);
  movement.due();
  await clock.advance(MINUTE_MS);
  movement.due();
  await clock.advance(4 * MINUTE_MS - 1);
  assertEquals([movement.stillMs, movement.stalled], [
    5 * MINUTE_MS - 1,
    false,
  ]);
  await clock.advance(1);
  assertEquals(movement.stalled, true);
  movement.moved();
  assertEquals([movement.stillMs, movement.stalled], [0, false]);
  await clock.advance(5 * MINUTE_MS);
  assertEquals(movement.stalled, true);
});

Deno.test("what waits for long, as it was told to, does not hang because something else has to wait for less", async () => {
  const clock = new FakeClock();
  const movement = new Movement("delivery", { clock });
  movement.due();
  movement.attempted(60 * MINUTE_MS);
  movement.attempted(MINUTE_MS / 60);
  await clock.advance(60 * MINUTE_MS);
  assertEquals([movement.hungMs, movement.stalled], [0, true]);
  await clock.advance(5 * MINUTE_MS);
  assertEquals(movement.hung, true);
});

Deno.test("a clock that was ahead and is set back does not hide what hangs", async () => {
  const clock = new WrongClock();
  const movement = new Movement("delivery", { clock });
  movement.moved();
  movement.attempted(MINUTE_MS);
  movement.due();
  await clock.advance(2 * MINUTE_MS);
  assertEquals([movement.stillMs, movement.hungMs], [
    2 * MINUTE_MS,
    MINUTE_MS,
  ]);
  clock.aheadMs = -24 * 60 * MINUTE_MS;
  assertEquals([movement.stillMs, movement.hungMs], [
    2 * MINUTE_MS,
    MINUTE_MS,
  ]);
  await clock.advance(4 * MINUTE_MS);
  assertEquals([movement.stalled, movement.hung], [true, true]);
});

Deno.test("a source that is polled rarely may be silent for longer, and so may a receiver that is given time", async () => {
  for (
    const [pollMs, requestMs, slow, quick] of [
      [10 * MINUTE_MS, 1, "reading", "delivery"],
      [1, 10 * MINUTE_MS, "delivery", "reading"],
    ] as const
  ) {
    const clock = new FakeClock();
    const movements = createMovements({ clock, pollMs, requestMs });
    movements.reading.due();
    movements.delivery.due();
    await clock.advance(19 * MINUTE_MS);
    assertEquals(stalledOf(movements), [movements[quick]]);
    assertEquals(hungOf(movements), [movements[quick]]);
    await clock.advance(MINUTE_MS);
    assertEquals(stalledOf(movements).includes(movements[slow]), true);
  }
});

Deno.test("what stalls is told within half a minute, again every five, and when it moves again", async () => {
  await using log = await captureLog();
  const clock = new FakeClock();
  const movements = createMovements({
    clock,
    pollMs: 5_000,
    requestMs: 30_000,
  });
  const stop = new AbortController();
  const ended = watchMovements(movements, {
    log: logger("test"),
    clock,
    stop: stop.signal,
  });
  const since = new Date(clock.now()).toISOString();
  movements.delivery.due();
  await clock.advance(5 * MINUTE_MS - 1);
  assertEquals(log.records, []);
  await clock.advance(30_000);
  const warning = {
    level: "WARN",
    message: "nothing has moved for long",
    what: "delivery of events",
    since,
  };
  assertEquals(log.records, [warning]);
  await clock.advance(10 * MINUTE_MS);
  assertEquals(log.records, [warning, warning, warning]);
  movements.delivery.moved();
  movements.delivery.rest();
  await clock.advance(30_000);
  assertEquals(log.records.slice(3), [
    { level: "INFO", message: "it moves again", what: "delivery of events" },
  ]);
  await clock.advance(60 * MINUTE_MS);
  assertEquals(log.records.length, 4);
  stop.abort();
  await ended;
  assertEquals(clock.sleeping, 0);
});
