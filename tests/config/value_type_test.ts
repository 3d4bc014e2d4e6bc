import {
  choice,
  integer,
  list,
  optional,
  single,
  SWITCH,
  text,
  words,
} from "../../lib/config/value_type.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

Deno.test("of a single value that is given repeatedly, the last one holds", () => {
  assertEquals(text("TEXT").parse(["a", "b"], NO_FILES), "b");
});

Deno.test("a single value that is empty or blank is refused", () => {
  const { parse } = text("TEXT");
  assertThrows(() => parse(["a", ""], NO_FILES), ConfigError, "needs a value");
  assertThrows(() => parse([" \t"], NO_FILES), ConfigError, "is blank");
});

Deno.test("a list is split at commas, trimmed, and joined over repetitions", () => {
  assertEquals(words("WORD").parse(["a, b", "c"], NO_FILES), ["a", "b", "c"]);
});

Deno.test("an empty text empties a list, and what follows fills it again", () => {
  const { parse } = words("WORD");
  assertEquals(parse(["a", ""], NO_FILES), []);
  assertEquals(parse(["a", "", "b"], NO_FILES), ["b"]);
  assertEquals(parse([], NO_FILES), []);
});

for (const blank of ["a,,b", ",a", "a,", " ", "a, ,b"]) {
  Deno.test(`the list ${JSON.stringify(blank)} is refused for its blank entry`, () => {
    const error = assertThrows(
      () => words("WORD").parse([blank], NO_FILES),
      ConfigError,
    );
    assertEquals(error.problems, [
      `${JSON.stringify(blank)} has a blank entry`,
    ]);
  });
}

Deno.test("words that are separated by blanks are refused", () => {
  assertThrows(
    () => words("WORD").parse(["a b,c"], NO_FILES),
    ConfigError,
    '"a b" has a blank in it: separate with commas',
  );
});

Deno.test("a list may be of anything", () => {
  const lengths = list("LENGTH", (entry) => entry.length);
  assertEquals(lengths.parse(["aa,b"], NO_FILES), [2, 1]);
});

for (
  const [value, words] of [
    [true, ["true", "True", "TRUE", "yes", "1"]],
    [false, ["false", "False", "FALSE", "no", "0"]],
  ] as const
) {
  for (const word of words) {
    Deno.test(`a switch takes ${word} for ${value}`, () => {
      assertEquals(SWITCH.parse([word], NO_FILES), value);
    });
  }
}

Deno.test("a switch takes nothing else", () => {
  assertThrows(
    () => SWITCH.parse(["maybe"], NO_FILES),
    ConfigError,
    '"maybe" is neither true nor false',
  );
});

const NOT_WHOLE = "is not a whole number";
for (
  const [text, problem] of [
    ["0", "is too small: at least 1"],
    ["-5", "is too small: at least 1"],
    ["101", "is too large: at most 100"],
    ["9".repeat(400), "is too large: at most 100"],
    ["1.5", NOT_WHOLE],
    ["1e2", NOT_WHOLE],
    ["0x10", NOT_WHOLE],
    ["1_000", NOT_WHOLE],
    ["NaN", NOT_WHOLE],
    ["Infinity", NOT_WHOLE],
    ["ten", NOT_WHOLE],
    [" 5", NOT_WHOLE],
    ["5\n", NOT_WHOLE],
  ] as const
) {
  Deno.test(`a whole number from 1 to 100 is not ${JSON.stringify(text.slice(0, 9))}`, () => {
    const { parse } = integer({ min: 1, max: 100 });
    const error = assertThrows(() => parse([text], NO_FILES), ConfigError);
    assertEquals(error.problems, [`${JSON.stringify(text)} ${problem}`]);
  });
}

Deno.test("a whole number may be its bounds", () => {
  const { parse } = integer({ min: 1, max: 100 });
  assertEquals(parse(["1"], NO_FILES), 1);
  assertEquals(parse(["+100"], NO_FILES), 100);
});

Deno.test("a choice takes its words only, as they are", () => {
  const { parse, completion, placeholder } = choice("none", "gzip");
  assertEquals(parse(["gzip"], NO_FILES), "gzip");
  assertEquals(completion, ["none", "gzip"]);
  assertEquals(placeholder, "none|gzip");
  assertThrows(
    () => parse(["GZIP"], NO_FILES),
    ConfigError,
    '"GZIP" is not one of none, gzip',
  );
});

Deno.test("an optional value is undefined only where nothing is written", () => {
  const { parse } = optional(single("N", Number));
  assertEquals(parse([], NO_FILES), undefined);
  assertEquals(parse(["5"], NO_FILES), 5);
  assertThrows(() => parse([""], NO_FILES), ConfigError, "needs a value");
});
