import { formatBytes, formatCount } from "../../lib/operate/format_number.ts";
import { assertEquals } from "../assert.ts";

Deno.test("counts have separators, and a fraction where it matters", () => {
  const counts = [0, 1, 9.96, 10, 12.6, 999, 1_234_567, 0.126];
  assertEquals(
    counts.map(formatCount),
    ["0", "1", "10", "10", "13", "999", "1,234,567", "0.13"],
  );
});

Deno.test("a count below zero, as of events that are in two places, is exact too", () => {
  const counts = [-1, -12, -123, -1_234];
  assertEquals(counts.map(formatCount), ["-1", "-12", "-123", "-1,234"]);
});

Deno.test("bytes are in the largest unit that leaves a whole number", () => {
  const bytes = [0, 1_023, 1_024, 180 * 2 ** 20, 2 ** 50];
  assertEquals(
    bytes.map(formatBytes),
    ["0 B", "1,023 B", "1 KiB", "180 MiB", "1,024 TiB"],
  );
});
