import { parseRfc3339, PAST_TIME } from "../../lib/config/rfc3339.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

const GOOD: [text: string, utc: string][] = [
  ["2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"],
  ["2024-05-01t12:00:00z", "2024-05-01T12:00:00Z"],
  ["2024-05-01 12:00:00Z", "2024-05-01T12:00:00Z"],
  ["2024-05-01T12:00:00.999999999Z", "2024-05-01T12:00:00Z"],
  ["2024-05-01T14:00:00.5+02:00", "2024-05-01T12:00:00Z"],
  ["2024-05-01T00:30:00+01:00", "2024-04-30T23:30:00Z"],
  ["2024-04-30T20:00:00-04:00", "2024-05-01T00:00:00Z"],
  ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
];

for (const [text, utc] of GOOD) {
  Deno.test(`the time ${text} is ${utc}`, () => {
    assertEquals(parseRfc3339(text), utc);
  });
}

const BAD: [text: string, problem: string][] = [
  [
    "2024-05-01T12:00:00",
    "has no time zone: end it with Z for UTC, or with an offset like +02:00",
  ],
  ["2024-02-30T00:00:00Z", "names a day or an hour that does not exist"],
  ["2023-02-29T00:00:00Z", "names a day or an hour that does not exist"],
  ["2024-13-01T00:00:00Z", "names a day or an hour that does not exist"],
  ["2024-05-01T24:00:00Z", "names a day or an hour that does not exist"],
  ["2024-05-01T23:59:60Z", "names a day or an hour that does not exist"],
  ["2024-05-01T12:00:00+25:00", "has no valid time zone"],
  ["0000-12-31T23:59:59Z", "is outside of the years 1 to 9999 in UTC"],
  ["0001-01-01T00:00:00+02:00", "is outside of the years 1 to 9999 in UTC"],
  ["0000-01-01T00:00:00+02:00", "is outside of the years 1 to 9999 in UTC"],
  ["9999-12-31T23:59:59-02:00", "is outside of the years 1 to 9999 in UTC"],
  [
    "2024-05-01",
    "is not an RFC 3339 time: write it like 2024-05-01T12:00:00Z",
  ],
  [
    "yesterday",
    "is not an RFC 3339 time: write it like 2024-05-01T12:00:00Z",
  ],
  [
    "1714564800",
    "is not an RFC 3339 time: write it like 2024-05-01T12:00:00Z",
  ],
];

for (const [text, problem] of BAD) {
  Deno.test(`the time ${text} is refused in words`, () => {
    const error = assertThrows(() => parseRfc3339(text), ConfigError);
    assertEquals(error.problems, [`${JSON.stringify(text)} ${problem}`]);
  });
}

Deno.test("a time that has not passed is refused, by the clock that is given", () => {
  const { parse } = PAST_TIME;
  assertEquals(
    parse(["2024-06-01T12:00:00Z"], NO_FILES),
    "2024-06-01T12:00:00Z",
  );
  assertThrows(
    () => parse(["2024-06-01T12:00:01Z"], NO_FILES),
    ConfigError,
    '"2024-06-01T12:00:01Z" is in the future',
  );
});
