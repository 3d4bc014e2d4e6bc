import { duration, parseDuration } from "../../lib/config/duration.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

const GOOD: [text: string, ms: number][] = [
  ["5s", 5000],
  ["1m30s", 90_000],
  ["24h", 86_400_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["1.s", 1000],
  ["300ms", 300],
  ["1500us", 2],
  ["2000µs", 2],
  ["2000\u03bcs", 2],
  ["+5s", 5000],
  ["999ns", 0],
  ["1h2m3s4ms", 3_723_004],
  ["87600h", 315_360_000_000],
  ["0", 0],
  ["0s", 0],
];

for (const [text, ms] of GOOD) {
  Deno.test(`the duration ${text} is ${ms} milliseconds`, () => {
    assertEquals(parseDuration(text), ms);
  });
}

const BAD: [text: string, problem: string][] = [
  ["5", '"5" has no unit: write 5s, 5m or 5h'],
  ["1.5", '"1.5" has no unit: write 1.5s, 1.5m or 1.5h'],
  ["-1s", '"-1s" is negative: a duration cannot be'],
  ["1h-1m", '"1h-1m" is not a duration: write it like 5s, 1m30s or 24h'],
  ["1d", '"1d" is not a duration: write it like 5s, 1m30s or 24h'],
  ["5S", '"5S" is not a duration: write it like 5s, 1m30s or 24h'],
  ["s", '"s" is not a duration: write it like 5s, 1m30s or 24h'],
  ["5 s", '"5 s" is not a duration: write it like 5s, 1m30s or 24h'],
  [" 5s", '" 5s" is not a duration: write it like 5s, 1m30s or 24h'],
  ["5s\n", '"5s\\n" is not a duration: write it like 5s, 1m30s or 24h'],
  ["1.2.3s", '"1.2.3s" is not a duration: write it like 5s, 1m30s or 24h'],
  ["NaN", '"NaN" is not a duration: write it like 5s, 1m30s or 24h'],
  ["Infinity", '"Infinity" is not a duration: write it like 5s, 1m30s or 24h'],
];

for (const [text, problem] of BAD) {
  Deno.test(`the duration ${JSON.stringify(text)} is refused in words`, () => {
    const error = assertThrows(() => parseDuration(text), ConfigError);
    assertEquals(error.problems, [problem]);
  });
}

Deno.test("a duration outside its bounds is refused with the bound", () => {
  const { parse } = duration({ min: "100ms", max: "24h" });
  assertEquals(parse(["100ms"], NO_FILES), 100);
  assertEquals(parse(["24h"], NO_FILES), 86_400_000);
  assertThrows(
    () => parse(["99ms"], NO_FILES),
    ConfigError,
    '"99ms" is too short: at least 100ms',
  );
  assertThrows(
    () => parse(["24h1ms"], NO_FILES),
    ConfigError,
    '"24h1ms" is too long: at most 24h',
  );
  assertThrows(
    () => parse([`${"9".repeat(400)}h`], NO_FILES),
    ConfigError,
    "is too long: at most 24h",
  );
});
