import { join } from "node:path";
import { DirectoryChanges } from "../lib/directory_changes.ts";
import { assert, assertStrictEquals } from "./assert.ts";
import { withDirectory } from "./fakes/directory.ts";
import { waitUntil } from "./fakes/wait_until.ts";

Deno.test("a directory that is made anew is noticed by all who watch it, and what is written there", async () => {
  await withDirectory(async (parent) => {
    const directory = join(parent, "out");
    const path = join(directory, "a");
    await Deno.mkdir(directory);
    await using one = new DirectoryChanges([path]);
    await using other = new DirectoryChanges([path]);
    const noticed = async (change: () => Promise<void>) => {
      const signals = [await one.watch(), await other.watch()];
      await change();
      await waitUntil(
        "both to notice the change",
        () => signals.every(({ aborted }) => aborted),
      );
    };
    await noticed(() => Deno.remove(directory));
    await noticed(() => Deno.mkdir(directory));
    await noticed(() => Deno.writeTextFile(path, "1"));
    await noticed(async () => {
      await Deno.remove(directory, { recursive: true });
      await Deno.mkdir(directory);
    });
    await noticed(() => Deno.writeTextFile(path, "2"));
  });
});

Deno.test("what is unchanged is watched on, and what changes then is noticed", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "a");
    await using changes = new DirectoryChanges([path]);
    const signal = await changes.watch();
    assertStrictEquals(await changes.watch(), signal);
    await Deno.writeTextFile(path, "1");
    await waitUntil("the change", () => signal.aborted);
    const next = await changes.watch();
    assert(!next.aborted);
    await Deno.writeTextFile(path, "2");
    await waitUntil("the next change", () => next.aborted);
  });
});
