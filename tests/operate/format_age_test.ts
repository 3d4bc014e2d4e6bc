import { formatAge } from "../../lib/operate/format_age.ts";
import { assertEquals } from "../assert.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

for (
  const [ms, text] of [
    [-5, "0 s"],
    [0, "0 s"],
    [999, "0 s"],
    [SECOND_MS, "1 s"],
    [59_999, "59 s"],
    [MINUTE_MS, "1 min"],
    [MINUTE_MS + 5 * SECOND_MS, "1 min 5 s"],
    [HOUR_MS, "1 h"],
    [HOUR_MS + 59 * SECOND_MS, "1 h"],
    [2 * HOUR_MS + 30 * MINUTE_MS, "2 h 30 min"],
    [DAY_MS, "1 d"],
    [DAY_MS + 30 * MINUTE_MS, "1 d"],
    [3 * DAY_MS + 4 * HOUR_MS + 5 * MINUTE_MS, "3 d 4 h"],
    [400 * DAY_MS, "400 d"],
  ] as const
) {
  Deno.test(`${ms} ms are "${text}"`, () => assertEquals(formatAge(ms), text));
}
