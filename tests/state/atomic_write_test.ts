import { join } from "node:path";
import { replaceAtomically } from "../../lib/state/atomic_write.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "../assert.ts";
import { namesIn, withDirectory } from "../fakes/directory.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("a file that cannot be written to its end stays what it was, and nothing is left beside it", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await replaceAtomically(path, [bytesOf("be"), bytesOf("fore")]);
    const error = new Error("a line of it is no JSON");
    function* blocks() {
      yield bytesOf("after");
      throw error;
    }
    assertStrictEquals(
      await assertRejects(() => replaceAtomically(path, blocks())),
      error,
    );
    assertEquals(await Deno.readTextFile(path), "before");
    assertEquals(await namesIn(directory), ["state.json"]);
  });
});

Deno.test("of a file that cannot take the place of another one, nothing is left beside that", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await Deno.mkdir(join(path, "somebody's"), { recursive: true });
    await assertRejects(() => replaceAtomically(path, [bytesOf("after")]));
    assertEquals(await namesIn(directory), ["state.json"]);
  });
});

Deno.test("a file is on the disk before it takes its name, and its name before it counts as replaced", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await replaceAtomically(path, [bytesOf("before")]);
    const named: string[] = [];
    const { sync } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.sync = async function () {
      named.push(await Deno.readTextFile(path));
      await sync.call(this);
    };
    try {
      await replaceAtomically(path, [bytesOf("after")]);
    } finally {
      Deno.FsFile.prototype.sync = sync;
    }
    assertEquals(named, ["before", "after"]);
  });
});
