import { printable } from "../lib/printable.ts";
import { assertEquals } from "./assert.ts";

Deno.test("words of others neither command the terminal nor end the line", () => {
  assertEquals(
    printable("it said \x1b]0;owned\x07\x9b2J\r\nand so on"),
    "it said \\u001b]0;owned\\u0007\\u009b2J\\u000d\\u000aand so on",
  );
  assertEquals(printable("päß 日本 🚀"), "päß 日本 🚀");
});

Deno.test("words of others do not turn the rest of the line round", () => {
  assertEquals(
    printable("eve\u202e\u2066nimda\u200f\u2028"),
    "eve\\u202e\\u2066nimda\\u200f\\u2028",
  );
});
