import { findKey, tomlKeys } from "../../lib/config/toml_keys.ts";
import { assertEquals } from "../assert.ts";

/** Dotted keys with their lines. */
function keysOf(text: string): string[] {
  return tomlKeys(text).map(({ path, line }) => `${line} ${path.join("|")}`);
}

Deno.test("keys stand within the table before them", () => {
  assertEquals(
    keysOf("a = 1\n[t]\nb = 2\nc.d = 3\n\n[t . \"u.v\"] # x\n'e f' = 4\n"),
    ["1 a", "2 t", "3 t|b", "4 t|c|d", "6 t|u.v", "7 t|u.v|e f"],
  );
});

Deno.test("lines within values are no keys", () => {
  assertEquals(
    keysOf(
      'a = """\nb = 1\n"""\nc = [\n  "d = 1",\n  "e",\n]\nf = \'\'\'g = 1\n\'\'\'\nh = """i"""\nj = 1',
    ),
    ["1 a", "4 c", "8 f", "10 h", "11 j"],
  );
});

Deno.test("a comment is no key", () => {
  assertEquals(keysOf("# a = 1\n  # [t]\nb = 1 # c = 2"), ["3 b"]);
});

Deno.test("quotes and brackets in a comment or a string mean nothing", () => {
  for (
    const value of [
      `1 # see """ and '''`,
      "1 # [ {",
      `"[ { # '''"`,
      `'[ { # """'`,
      String.raw`"\"[" # "`,
      '"""\n\\""" [ {""""',
      "'''\n\" [ {''''",
    ]
  ) {
    const next = value.split("\n").length + 1;
    assertEquals(keysOf(`a = ${value}\nb = 2`), ["1 a", `${next} b`], value);
  }
});

Deno.test("strings, arrays and tables that begin within an array hold no keys", () => {
  assertEquals(
    keysOf(
      'a = [\n"""\nb = 1\n""",\n[\n[ "c" ]\n],\n{ d = 1, e = [] }, # ]\n]\nf = 1',
    ),
    ["1 a", "10 f"],
  );
});

Deno.test("keys in an inline table stand within the key of that table", () => {
  assertEquals(
    keysOf(
      "[t]\na = { b = [1, 2], 'c'.d = { e = '}' }, f = 1 }\ng = {}\nh = 1",
    ),
    [
      "1 t",
      "2 t|a",
      "2 t|a|b",
      "2 t|a|c|d",
      "2 t|a|c|d|e",
      "2 t|a|f",
      "3 t|g",
      "4 t|h",
    ],
  );
});

Deno.test("a string that is not closed ends with its line", () => {
  assertEquals(
    keysOf("a = \"[\nb = '{\n[t]\nc = 1"),
    ["1 a", "2 b", "3 t", "4 t|c"],
  );
});

Deno.test("a value is found at its key", () => {
  const keys = tomlKeys("x = 1\n\nt = { a = { b = 2 } }\n[t.c]");
  assertEquals(findKey(keys, ["t", "a", "b"])?.line, 3);
  assertEquals(findKey(keys, ["t", "c"]), undefined);
  assertEquals(findKey(keys, ["x"])?.rest, "1");
  assertEquals(findKey(keys, ["y"]), undefined);
});
