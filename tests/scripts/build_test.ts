/**
 * The build, but for the runtime that it puts the program into: that is downloaded,
 * and an executable that does nothing stands in for it.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "../../scripts/permissions.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { namesIn, withDirectory } from "../fakes/directory.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function build(output: string, denort: string) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      join(ROOT, "scripts", "build.ts"),
      "--no-check",
      "--output",
      output,
    ],
    // Whatever the working directory is.
    cwd: "/",
    env: { DENORT_BIN: denort, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

/** As Deno writes them into a binary: `null` is none, an empty list is all. */
function granted(flag: string): string[] | null {
  const found = PERMISSIONS.find((it) => it.split("=")[0] === flag);
  if (found === undefined) return null;
  return found.split("=")[1]?.split(",") ?? [];
}

Deno.test({
  name: "a binary has the program, its commit, and exactly its permissions",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withDirectory(async (directory) => {
      const output = join(directory, "bin", "handler");
      const { code, stderr } = await build(output, "/bin/true");
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `Built ${output}`);
      const bytes = await Deno.readFile(output);
      const text = new TextDecoder("latin1").decode(bytes);

      const [, json] = /"permissions":(\{[^{}]*\})/.exec(text) ?? [];
      assert(json !== undefined, "permissions are in the binary");
      const permissions: Record<string, unknown> = JSON.parse(json);
      for (
        const kind of ["env", "net", "ffi", "read", "run", "sys", "write"]
      ) {
        assertEquals(
          permissions[`allow_${kind}`],
          granted(`--allow-${kind}`),
          kind,
        );
      }
      assertEquals(permissions["prompt"], false);
      assert(/\{"commit":("[\da-f]{12}(-dirty)?"|null)\}/.test(text));
      for (
        const name of [
          "main.ts",
          "lib/commands/start.ts",
          "lib/fluentd/delivery_worker.ts",
        ]
      ) {
        const source = await Deno.readTextFile(join(ROOT, name));
        const [, second = ""] = source.split("\n");
        assert(text.includes(second), name);
      }
      const wasm = await Deno.readFile(
        join(ROOT, "lib", "struct", "struct_json.wasm"),
      );
      assert(text.includes(new TextDecoder("latin1").decode(wasm)), "wasm");
    }),
});

Deno.test("a runtime that cannot be had is told, with what to do", () =>
  withDirectory(async (directory) => {
    const output = join(directory, "handler");
    const { code, stderr } = await build(output, join(directory, "nowhere"));
    assert(code !== 0);
    assertStringIncludes(stderr, `cannot build ${output}: there is no denort`);
    assertStringIncludes(stderr, "name\nthe file in DENORT_BIN");
    assertEquals(await namesIn(directory), []);
  }));
