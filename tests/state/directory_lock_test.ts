import { join } from "node:path";
import { DirectoryLock } from "../../lib/state/directory_lock.ts";
import { StateError } from "../../lib/state/document.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { modeOf, withDirectory } from "../fakes/directory.ts";
import { startChild } from "./child_process.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

Deno.test("a second process is told which one holds the directory, and since when", async () => {
  await withDirectory(async (directory) => {
    using _lock = await DirectoryLock.acquire(directory, NOW_MS);
    await using child = startChild(["lock", directory]);
    assertEquals(
      await child.nextLine(),
      `StateError: the state directory ${directory} is in use by process ` +
        `${Deno.pid} since 2026-03-01T12:00:00.000Z: stop that process first, ` +
        "or give this one another storage",
    );
  });
});

Deno.test("the directory is free again when its process is killed", async () => {
  await withDirectory(async (directory) => {
    await using child = startChild(["lock", directory]);
    assertEquals(await child.nextLine(), "locked");
    await assertRejects(
      () => DirectoryLock.acquire(directory, NOW_MS),
      StateError,
      `in use by process ${child.pid} since 2`,
    );
    await child.kill();
    using lock = await DirectoryLock.acquire(directory, NOW_MS);
    assert(lock);
  });
});

Deno.test("the directory is free again when the lock is disposed of", async () => {
  await withDirectory(async (directory) => {
    for (let times = 0; times < 3; times++) {
      using _lock = await DirectoryLock.acquire(directory, NOW_MS);
      await assertRejects(
        () => DirectoryLock.acquire(directory, NOW_MS),
        StateError,
        `in use by process ${Deno.pid} since`,
      );
    }
  });
});

Deno.test("a holder that cannot be read is another process", async () => {
  await withDirectory(async (directory) => {
    using _lock = await DirectoryLock.acquire(directory, NOW_MS);
    await Deno.writeTextFile(join(directory, "lock"), "{");
    await assertRejects(
      () => DirectoryLock.acquire(directory, NOW_MS),
      StateError,
      "in use by another process: stop that process first",
    );
  });
});

Deno.test("what an earlier process left in the lock file does not remain", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "lock");
    await Deno.writeTextFile(path, "x".repeat(1_000));
    using _lock = await DirectoryLock.acquire(directory, NOW_MS);
    assertEquals(
      await Deno.readTextFile(path),
      `{"pid":${Deno.pid},"since":"2026-03-01T12:00:00.000Z"}\n`,
    );
  });
});

Deno.test("only the owner may read the lock file", async () => {
  await withDirectory(async (directory) => {
    using _lock = await DirectoryLock.acquire(directory, NOW_MS);
    assertEquals(await modeOf(join(directory, "lock")), 0o600);
  });
});

Deno.test({
  name: "the lock file that root makes is that of the directory's owner",
  ignore: Deno.uid() !== 0,
  fn: () =>
    withDirectory(async (directory) => {
      await Deno.chown(directory, 1234, 5678);
      using _lock = await DirectoryLock.acquire(directory, NOW_MS);
      const { uid, gid } = await Deno.stat(join(directory, "lock"));
      assertEquals({ uid, gid }, { uid: 1234, gid: 5678 });
    }),
});

Deno.test({
  name: "a lock file that is there stays whose it is",
  ignore: Deno.uid() !== 0,
  fn: () =>
    withDirectory(async (directory) => {
      const path = join(directory, "lock");
      (await DirectoryLock.acquire(directory, NOW_MS))[Symbol.dispose]();
      await Deno.chown(path, 1234, 5678);
      using _lock = await DirectoryLock.acquire(directory, NOW_MS);
      const { uid, gid } = await Deno.stat(path);
      assertEquals({ uid, gid }, { uid: 1234, gid: 5678 });
    }),
});

Deno.test("who only looks is told by whom it is held, and leaves the directory as it is", async () => {
  await withDirectory(async (directory) => {
    await DirectoryLock.probe(directory);
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
    const path = join(directory, "lock");
    let held = "";
    {
      using _lock = await DirectoryLock.acquire(directory, NOW_MS);
      held = await Deno.readTextFile(path);
      await assertRejects(
        () => DirectoryLock.probe(directory),
        StateError,
        `in use by process ${Deno.pid} since`,
      );
    }
    await DirectoryLock.probe(directory);
    assertEquals(await Deno.readTextFile(path), held);
  });
});

Deno.test("a directory that cannot be locked is told by name", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "missing");
    await assertRejects(
      () => DirectoryLock.acquire(missing, NOW_MS),
      StateError,
      `cannot lock the state directory ${missing}: `,
    );
    await Deno.mkdir(join(directory, "lock"));
    await assertRejects(
      () => DirectoryLock.acquire(directory, NOW_MS),
      StateError,
      `cannot lock the state directory ${directory}: `,
    );
  });
});
