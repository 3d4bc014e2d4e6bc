import {
  newestMsOf,
  newestOf,
  oldestMsOf,
} from "../../lib/teleport/newest_events.ts";
import { assertEquals } from "../assert.ts";
import { sampleEvent } from "./sample_event.ts";

const SECOND_MS = Date.parse("2026-03-01T12:00:05Z");
const RANGE = { startMs: SECOND_MS - 5_000, endMs: SECOND_MS + 5_000 };

/** So many events of the second, whose ids are numbers from `first` on. */
function eventsOf(count: number, first: number) {
  return Array.from(
    { length: count },
    (_, i) =>
      sampleEvent({ id: `${first + i}`, timeMs: SECOND_MS + i % 1_000 }),
  );
}

Deno.test("of the newest second the keys of so many events are kept, and those are the last ones", () => {
  let newest = newestOf(eventsOf(1_000, 0), RANGE, null);
  for (let first = 1_000; first < 10_000; first += 1_000) {
    newest = newestOf(eventsOf(1_000, first), RANGE, newest);
  }
  assertEquals(newest, {
    time: "2026-03-01T12:00:05Z",
    keys: Array.from({ length: 2_000 }, (_, i) => `${8_000 + i}`),
  });
});

Deno.test("a time outside the range that was asked for is no help, before it or behind it", () => {
  const timesMs = [RANGE.startMs - 1_000, RANGE.endMs + 1_000, 0];
  const absurd = timesMs.map((timeMs) => sampleEvent({ id: "", timeMs }));
  assertEquals(newestMsOf(absurd, RANGE), -Infinity);
  const known = sampleEvent({ id: "known", timeMs: SECOND_MS });
  assertEquals(newestMsOf([...absurd, known], RANGE), SECOND_MS);
  assertEquals(oldestMsOf(absurd, RANGE), Infinity);
  assertEquals(oldestMsOf([...absurd, known], RANGE), SECOND_MS);
});

Deno.test("of a range, the seconds that it begins and ends in count as a whole, and no other ones", () => {
  for (
    const { range, inside, outside } of [
      { range: [300, 1_700], inside: [0, 1_999], outside: [-1, 2_000] },
      { range: [0, 1_000], inside: [0, 999], outside: [-1, 1_000] },
    ]
  ) {
    const [startMs = 0, endMs = 0] = range.map((ms) => SECOND_MS + ms);
    const timesOf = (ms: number) => {
      const event = sampleEvent({ id: "", timeMs: SECOND_MS + ms });
      const asked = { startMs, endMs };
      return [newestMsOf([event], asked), oldestMsOf([event], asked)];
    };
    for (const ms of inside) {
      assertEquals(timesOf(ms), [SECOND_MS + ms, SECOND_MS + ms]);
    }
    for (const ms of outside) {
      assertEquals(timesOf(ms), [-Infinity, Infinity]);
    }
  }
});
