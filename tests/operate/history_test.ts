import { History } from "../../lib/operate/history.ts";
import { assertEquals } from "../assert.ts";

const START_MS = Date.parse("2026-03-01T12:00:00Z");

/** Samples once a second, with so many more events each. */
function run(history: History, seconds: number, perSecond: number) {
  let last = { timeMs: START_MS, delivered: 0 };
  for (let second = 1; second <= seconds; second++) {
    last = {
      timeMs: START_MS + second * 1_000,
      delivered: second * perSecond,
    };
    history.sample(last, second);
  }
  return last;
}

Deno.test("there is a point for each minute, and one for the minute that is not over", () => {
  const history = new History(START_MS);
  const now = run(history, 150, 3);
  assertEquals(history.report(now, null), [
    { time: "2026-03-01T12:01:00.000Z", eventsPerSecond: 3, lagSeconds: 60 },
    { time: "2026-03-01T12:02:00.000Z", eventsPerSecond: 3, lagSeconds: 120 },
    { time: "2026-03-01T12:02:30.000Z", eventsPerSecond: 3, lagSeconds: null },
  ]);
});

Deno.test("an hour is kept, and no more", () => {
  const history = new History(START_MS);
  const now = run(history, 7_200, 1);
  const points = history.report(now, 0);
  assertEquals(points.length, 61);
  assertEquals(points[0]?.time, "2026-03-01T13:01:00.000Z");
});

Deno.test("minutes go on although the clock was set back", () => {
  const history = new History(START_MS + 24 * 3_600_000);
  const now = run(history, 150, 3);
  assertEquals(
    history.report(now, null).slice(1).map(({ time }) => time),
    [
      "2026-03-01T12:01:01.000Z",
      "2026-03-01T12:02:01.000Z",
      "2026-03-01T12:02:30.000Z",
    ],
  );
});

Deno.test("the rate is that of the last ten seconds", () => {
  const history = new History(START_MS);
  assertEquals(history.rate({ timeMs: START_MS, delivered: 0 }), 0);
  const { timeMs, delivered } = run(history, 100, 50);
  assertEquals(history.rate({ timeMs, delivered }), 50);
  assertEquals(history.rate({ timeMs: timeMs + 10_000, delivered }), 25);
  for (let second = 1; second <= 10; second++) {
    history.sample({ timeMs: timeMs + second * 1_000, delivered }, 0);
  }
  assertEquals(history.rate({ timeMs: timeMs + 10_000, delivered }), 0);
});
