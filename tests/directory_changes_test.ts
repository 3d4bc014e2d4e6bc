import { join } from "node:path";
import { DirectoryChanges } from "../lib/directory_changes.ts";
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
