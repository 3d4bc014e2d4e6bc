import { join } from "node:path";
import { existingNames, writeFiles } from "../../lib/configure/files.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { modeOf, withDirectory } from "../fakes/directory.ts";

/** Everything in a directory: texts, and `null` for what is no file. */
function contents(directory: string): Record<string, string | null> {
  return Object.fromEntries(
    Array.from(Deno.readDirSync(directory), ({ name, isFile }) => [
      name,
      isFile ? Deno.readTextFileSync(join(directory, name)) : null,
    ]),
  );
}

const A = { name: "a", text: "new a" };
const B = { name: "b", text: "new b" };

Deno.test("files are for the owner alone, as are the directories that are made for them", () =>
  withDirectory(async (root) => {
    const directory = join(root, "new", "deep");
    await writeFiles(directory, [A, B], { replace: [] });
    assertEquals(contents(directory), { a: "new a", b: "new b" });
    assertEquals(await modeOf(join(directory, "a")), 0o600);
    assertEquals(await modeOf(directory), 0o700);
    assertEquals(await modeOf(join(root, "new")), 0o700);
  }));

Deno.test("a directory that exists keeps its mode and what else is in it", () =>
  withDirectory(async (directory) => {
    await Deno.chmod(directory, 0o755);
    await Deno.writeTextFile(join(directory, "other"), "old");
    await writeFiles(directory, [A], { replace: [] });
    assertEquals(contents(directory), { a: "new a", other: "old" });
    assertEquals(await modeOf(directory), 0o755);
  }));

Deno.test("a file that exists is not replaced, and those before it are taken back", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "b"), "old b");
    await assertRejects(
      () => writeFiles(directory, [A, B], { replace: [] }),
      Deno.errors.AlreadyExists,
    );
    assertEquals(contents(directory), { b: "old b" });
  }));

Deno.test("a file is replaced where that is agreed, and is for the owner alone then", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "b"), "old b", { mode: 0o644 });
    await writeFiles(directory, [A, B], { replace: ["b"] });
    assertEquals(contents(directory), { a: "new a", b: "new b" });
    assertEquals(await modeOf(join(directory, "b")), 0o600);
  }));

Deno.test("a failure after a file was replaced brings the old one back", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "a"), "old a");
    await Deno.mkdir(join(directory, "b"));
    await assertRejects(() =>
      writeFiles(directory, [A, B], { replace: ["a", "b"] })
    );
    assertEquals(contents(directory), { a: "old a", b: null });
  }));

Deno.test("a file that is a link to another leaves that other as it is", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "target"), "old");
    await Deno.symlink("target", join(directory, "a"));
    await writeFiles(directory, [A], { replace: ["a"] });
    assertEquals(contents(directory), { a: "new a", target: "old" });
  }));

Deno.test("directories that were made are removed after a failure", () =>
  withDirectory(async (root) => {
    await assertRejects(
      () => writeFiles(join(root, "new", "deep"), [A, A], { replace: [] }),
      Deno.errors.AlreadyExists,
    );
    assertEquals(contents(root), {});
  }));

Deno.test("what exists counts whatever it is, a dangling link too", () =>
  withDirectory(async (directory) => {
    await Deno.mkdir(join(directory, "a"));
    await Deno.symlink("nowhere", join(directory, "b"));
    assertEquals(existingNames(directory, ["a", "b", "c"]), ["a", "b"]);
    assertEquals(existingNames(join(directory, "none"), ["a"]), []);
  }));
