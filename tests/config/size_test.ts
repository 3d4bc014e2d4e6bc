import { parseSize, size } from "../../lib/config/size.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

const GOOD: [text: string, bytes: number][] = [
  ["65536", 65_536],
  ["0", 0],
  ["1B", 1],
  ["1KB", 1000],
  ["512KiB", 524_288],
  ["1MiB", 1_048_576],
  ["1mib", 1_048_576],
  ["10MB", 10_000_000],
  ["1.5 MiB", 1_572_864],
  ["1GiB", 1_073_741_824],
  ["1GB", 1_000_000_000],
  ["0.3KB", 300],
  ["1.0001KB", 1000],
];

for (const [text, bytes] of GOOD) {
  Deno.test(`the size ${text} is ${bytes} bytes`, () => {
    assertEquals(parseSize(text), bytes);
  });
}

for (
  const text of ["", "MiB", "1 TB", "1KiBs", "1e6", "0x10", "NaN", "1MiB\n"]
) {
  Deno.test(`the size ${JSON.stringify(text)} is refused in words`, () => {
    const error = assertThrows(() => parseSize(text), ConfigError);
    assertEquals(error.problems, [
      `${
        JSON.stringify(text)
      } is not a size: write it like 512KiB, 1MiB, 10MB or 65536`,
    ]);
  });
}

Deno.test("a negative size is called negative", () => {
  const error = assertThrows(() => parseSize("-1MiB"), ConfigError);
  assertEquals(error.problems, ['"-1MiB" is negative: a size cannot be']);
});

Deno.test("a size outside its bounds is refused with the bound", () => {
  const { parse } = size({ min: "1KiB", max: "1MiB" });
  assertEquals(parse(["1024"], NO_FILES), 1024);
  assertThrows(
    () => parse(["1023"], NO_FILES),
    ConfigError,
    '"1023" is too small: at least 1KiB',
  );
  assertThrows(
    () => parse([`${"9".repeat(400)}GiB`], NO_FILES),
    ConfigError,
    "is too large: at most 1MiB",
  );
});
