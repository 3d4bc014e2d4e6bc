import { systemClock } from "../lib/clock.ts";
import { assert, assertEquals, assertRejects } from "./assert.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long the timers are that a sleep sets, each of which fires at once. */
async function timersOf(sleepMs: number): Promise<number[]> {
  const timers: number[] = [];
  const original = globalThis.setTimeout;
  globalThis.setTimeout = ((fire: () => void, ms: number) => {
    timers.push(ms);
    return original(fire, 0);
  }) as typeof setTimeout;
  try {
    await systemClock.sleep(sleepMs);
  } finally {
    globalThis.setTimeout = original;
  }
  return timers;
}

Deno.test("a sleep of 30 days is waited for in spans that a timer can measure", async () => {
  const days = 30 * 24 * 60 * 60_000;
  const timers = await timersOf(days);
  assert(timers.every((ms) => ms <= LONGEST_TIMER_MS), String(timers));
  assertEquals(timers.reduce((sum, ms) => sum + ms, 0), days);
});

Deno.test("a sleep that one timer can measure takes one", async () => {
  assertEquals(await timersOf(LONGEST_TIMER_MS), [LONGEST_TIMER_MS]);
  assertEquals(await timersOf(0), [0]);
});

Deno.test("a sleep of years ends with the reason of its signal", async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(Number.MAX_SAFE_INTEGER, stop.signal);
  const reason = new Error("stopped");
  stop.abort(reason);
  assertEquals(await assertRejects(() => sleeping), reason);
});

Deno.test("a sleep whose signal has aborted before does not begin", async () => {
  const reason = new Error("stopped");
  const sleeping = systemClock.sleep(1, AbortSignal.abort(reason));
  assertEquals(await assertRejects(() => sleeping), reason);
});
