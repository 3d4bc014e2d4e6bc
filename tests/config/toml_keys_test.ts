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

Deno.test("a value in an inline table is found at the key of that table", () => {
  const keys = tomlKeys("x = 1\nt = { a = { b = 2 } }\n[t.c]");
  assertEquals(findKey(keys, ["t", "a", "b"])?.line, 2);
  assertEquals(findKey(keys, ["x"])?.rest, "1");
  assertEquals(findKey(keys, ["y"]), undefined);
});
