import { History } from "../../lib/operate/history.ts";
import { assertEquals } from "../assert.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";

function setUp() {
  const clock = new WrongClock();
  return { clock, history: new History(clock) };
}

/** Samples once a second, with so many more events each. */
async function run(
  { clock, history }: ReturnType<typeof setUp>,
  seconds: number,
  perSecond: number,
): Promise<number> {
  let delivered = 0;
  for (let second = 1; second <= seconds; second++) {
    await clock.advance(1_000);
    history.sample(delivered += perSecond, second);
  }
  return delivered;
}

Deno.test("there is a point for each minute, and one for the minute that is not over", async () => {
  const test = setUp();
  const delivered = await run(test, 150, 3);
  assertEquals(test.history.report(delivered, null), [
    { time: "2026-03-01T12:01:00.000Z", eventsPerSecond: 3, lagSeconds: 60 },
    { time: "2026-03-01T12:02:00.000Z", eventsPerSecond: 3, lagSeconds: 120 },
    { time: "2026-03-01T12:02:30.000Z", eventsPerSecond: 3, lagSeconds: null },
  ]);
});

Deno.test("an hour is kept, and no more", async () => {
  const test = setUp();
  const points = test.history.report(await run(test, 7_200, 1), 0);
  assertEquals(points.length, 61);
  assertEquals(points[0]?.time, "2026-03-01T13:01:00.000Z");
});

Deno.test("minutes and rate go on although the clock was set back", async () => {
  const test = setUp();
  await run(test, 30, 3);
  test.clock.aheadMs = -24 * 3_600_000;
  test.history.sample(90, 0);
  const delivered = await run(test, 150, 3);
  assertEquals(test.history.rate(delivered), 3);
  assertEquals(
    test.history.report(delivered, null).map(({ time }) => time),
    [
      "2026-02-28T12:01:00.000Z",
      "2026-02-28T12:02:00.000Z",
      "2026-02-28T12:03:00.000Z",
      "2026-02-28T12:03:00.000Z",
    ],
  );
});

Deno.test("the rate is that of the last ten seconds", async () => {
  const test = setUp();
  const { clock, history } = test;
  assertEquals(history.rate(0), 0);
  const delivered = await run(test, 100, 50);
  assertEquals(history.rate(delivered), 50);
  await clock.advance(10_000);
  assertEquals(history.rate(delivered), 25);
  for (let second = 1; second <= 10; second++) {
    await clock.advance(1_000);
    history.sample(delivered, 0);
  }
  assertEquals(history.rate(delivered), 0);
});
