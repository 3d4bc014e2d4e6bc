import { Alarms } from "../../lib/pipeline/alarms.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";

function setUp(clock = new FakeClock()) {
  const rung: string[] = [];
  const stop = new AbortController();
  const startMs = clock.monotonic();
  const alarms = new Alarms({
    clock,
    stop: stop.signal,
    ring: (name) => rung.push(`${name} at ${clock.monotonic() - startMs}`),
  });
  return { alarms, clock, rung, stop };
}

Deno.test("each rings once, when its time has come, and all wait by one timer", async () => {
  const { alarms, clock, rung } = setUp();
  alarms.set("b", 20);
  alarms.set("c", 30);
  alarms.set("a", 10);
  alarms.set("also b", 20);
  await turn();
  assertEquals([alarms.size, clock.sleeping], [4, 1]);
  await clock.advance(9);
  assertEquals(rung, []);
  await clock.advance(100);
  assertEquals(rung, ["a at 10", "b at 20", "also b at 20", "c at 30"]);
  assertEquals([alarms.size, clock.sleeping], [0, 0]);
});

Deno.test("what is taken back does not ring, and is told to have waited", async () => {
  const { alarms, clock, rung } = setUp();
  alarms.set("a", 10);
  alarms.set("b", 20);
  assertEquals([alarms.has("a"), alarms.delete("a")], [true, true]);
  assertEquals([alarms.has("a"), alarms.delete("a")], [false, false]);
  await clock.advance(100);
  assertEquals(rung, ["b at 20"]);
});

Deno.test("stopped, nothing rings any more", async () => {
  const { alarms, clock, rung, stop } = setUp();
  alarms.set("a", 10);
  stop.abort();
  await turn();
  alarms.set("b", 10);
  await clock.advance(100);
  assertEquals([rung, clock.sleeping], [[], 0]);
});

Deno.test("what has no time to wait rings soon, and one that rings may wait anew", async () => {
  const clock = new FakeClock();
  const rung: number[] = [];
  const alarms: Alarms = new Alarms({
    clock,
    stop: never(),
    ring(name) {
      rung.push(clock.monotonic());
      if (rung.length < 3) alarms.set(name, 5);
    },
  });
  const startMs = clock.monotonic();
  alarms.set("a", -5);
  await clock.advance(100);
  assertEquals(rung.map((ms) => ms - startMs), [0, 5, 10]);
});

Deno.test("a clock that is set rings nothing early, and nothing late", async () => {
  const clock = new WrongClock();
  const { alarms, rung } = setUp(clock);
  alarms.set("a", 10);
  clock.aheadMs = 3_600_000;
  alarms.set("b", 20);
  clock.aheadMs = -3_600_000;
  await clock.advance(100);
  assertEquals(rung, ["a at 10", "b at 20"]);
});

Deno.test("in 300 random schedules everything rings at its time, unless it is taken back", async () => {
  for (let schedule = 0; schedule < 300; schedule++) {
    const random = new Random(7, schedule);
    const { alarms, clock, rung } = setUp();
    const expected = new Map<string, number>();
    const done: string[] = [];
    let nowMs = 0;
    for (let step = 0; step < 40; step++) {
      const name = `n${random.below(10)}`;
      if (random.below(3) > 0 && !alarms.has(name)) {
        const waitMs = random.below(30);
        alarms.set(name, waitMs);
        expected.set(name, nowMs + waitMs);
      } else if (random.below(2) === 0) {
        assertEquals(alarms.delete(name), expected.delete(name));
      }
      const ms = random.below(8);
      nowMs += ms;
      await clock.advance(ms);
      for (const [it, atMs] of expected) {
        if (atMs > nowMs) continue;
        done.push(`${it} at ${atMs}`);
        expected.delete(it);
      }
      assertEquals(
        rung.toSorted(),
        done.toSorted(),
        `schedule ${schedule}, step ${step}`,
      );
    }
  }
});
