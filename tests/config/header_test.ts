import { HEADERS, rereadHeaders } from "../../lib/config/header.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { filesOf, NOW_MS } from "./files.ts";

const CONTEXT = {
  readTextFile: filesOf({ "/run/token": "Bearer abc\n", "/run/empty": "\n" }),
  nowMs: NOW_MS,
};

Deno.test("headers keep commas and colons in their values, and their order", () => {
  assertEquals(
    HEADERS.parse(
      ["X-Trace: a:b, c", "Accept:text/plain", "X-Trace:\t2 "],
      CONTEXT,
    ),
    [
      { name: "X-Trace", value: "a:b, c" },
      { name: "Accept", value: "text/plain" },
      { name: "X-Trace", value: "2" },
    ],
  );
});

Deno.test("a header's value may have tabs and Latin letters in it", () => {
  assertEquals(HEADERS.parse(["A: a\tÀ ÿ~"], CONTEXT), [
    { name: "A", value: "a\tÀ ÿ~" },
  ]);
});

Deno.test("one text holds several headers, a line each", () => {
  assertEquals(HEADERS.parse(["A: 1\r\nB: 2\n\n"], CONTEXT), [
    { name: "A", value: "1" },
    { name: "B", value: "2" },
  ]);
});

Deno.test("a header's value comes from a file, trimmed", () => {
  assertEquals(HEADERS.parse(["Authorization: @/run/token"], CONTEXT), [
    { name: "Authorization", value: "Bearer abc", file: "/run/token" },
  ]);
});

Deno.test("values from files are read again, and the others stay", () => {
  const headers = HEADERS.parse(["A: @/run/token", "B: 2"], CONTEXT);
  const readTextFile = filesOf({ "/run/token": "Bearer def\n" });
  assertEquals(rereadHeaders(headers, { readTextFile }), [
    { name: "A", value: "Bearer def", file: "/run/token" },
    { name: "B", value: "2" },
  ]);
  for (const text of ["", "a\nb"]) {
    const readTextFile = filesOf({ "/run/token": text });
    assertThrows(() => rereadHeaders(headers, { readTextFile }), ConfigError);
  }
});

Deno.test("an empty text drops the headers before it", () => {
  assertEquals(HEADERS.parse(["A: 1", "", "B: 2"], CONTEXT), [
    { name: "B", value: "2" },
  ]);
});

const BAD: [text: string, problem: string][] = [
  ["A: @", "the header A names no file: write the path behind @"],
  [
    "content-length: 3",
    "the header content-length is set by the program: leave it out; fluentd-compress compresses",
  ],
  [
    "Content-Encoding: gzip",
    "the header Content-Encoding is set by the program: leave it out; fluentd-compress compresses",
  ],
  [
    "Host: secret.example.com",
    "the header Host is set by the program, from the URL: leave it out, and write that name in fluentd-url and fluentd-session-url",
  ],
  ["secret", "a header is written as 'Name: value'"],
  [": secret", "a header is written as 'Name: value'"],
  ["A B: secret", "a header is written as 'Name: value'"],
  ["A:", "the header A has no value"],
  ["A: @/run/empty", "the header A has no value"],
  ["A: @/nowhere", "cannot read /nowhere: there is no such file"],
  ...["\u0001", "\u001f", "\u007f", "☃"].map((character) =>
    [
      `A: secret${character}.`,
      "the value of the header A has characters in it that HTTP does not allow",
    ] satisfies [string, string]
  ),
];

for (const [text, problem] of BAD) {
  Deno.test(`the header ${JSON.stringify(text)} is refused and its value not repeated`, () => {
    const error = assertThrows(
      () => HEADERS.parse([text], CONTEXT),
      ConfigError,
    );
    assertEquals(error.problems, [problem]);
    assert(!error.message.includes("secret"));
  });
}
