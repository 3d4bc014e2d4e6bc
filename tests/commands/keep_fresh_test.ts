import { keepFresh } from "../../lib/commands/keep_fresh.ts";
import { assertEquals } from "../assert.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";

const DAY_MS = 24 * 60 * 60_000;

/** Says when files began to be looked after. */
function setUp() {
  const clock = new WrongClock();
  const stop = new AbortController();
  const startedMs = clock.now();
  const lookedAfter: number[] = [];
  const files = {
    keepFresh: () => {
      lookedAfter.push(clock.now() - startedMs);
      return Promise.resolve();
    },
  };
  const options = { clock, stop: stop.signal, endMs: startedMs + 30 * DAY_MS };
  return { clock, stop, files, lookedAfter, options };
}

Deno.test("files are looked after at once where that is asked for", async () => {
  const { files, lookedAfter, options } = setUp();
  await keepFresh(files, { ...options, refreshIntervalMs: 60_000 });
  assertEquals(lookedAfter, [0]);
});

Deno.test("where it is not, they are from the end of what is in use on", async () => {
  const { clock, files, lookedAfter, options } = setUp();
  const kept = keepFresh(files, { ...options, refreshIntervalMs: undefined });
  await clock.advance(29 * DAY_MS);
  assertEquals(lookedAfter, []);
  await clock.advance(DAY_MS);
  await kept;
  assertEquals(lookedAfter, [30 * DAY_MS]);
});

Deno.test("they are too where the clock was behind at first, or the machine asleep", async () => {
  const { clock, files, lookedAfter, options } = setUp();
  clock.aheadMs = -1_000 * DAY_MS;
  const kept = keepFresh(files, { ...options, refreshIntervalMs: undefined });
  await clock.advance(DAY_MS);
  clock.aheadMs = 0;
  await clock.advance(29 * DAY_MS);
  await kept;
  assertEquals(lookedAfter, [30 * DAY_MS]);
});

Deno.test("what never ends needs no looking after", async () => {
  const { files, lookedAfter, options } = setUp();
  await keepFresh(files, {
    ...options,
    refreshIntervalMs: undefined,
    endMs: Infinity,
  });
  assertEquals(lookedAfter, []);
});

Deno.test("a stop ends the waiting", async () => {
  const { clock, stop, files, lookedAfter, options } = setUp();
  const kept = keepFresh(files, { ...options, refreshIntervalMs: undefined });
  await clock.untilSleeping();
  stop.abort();
  await kept;
  assertEquals(lookedAfter, []);
  assertEquals(clock.sleeping, 0);
});
