import { join } from "node:path";
import { StateError } from "../../lib/state/document.ts";
import {
  countRejected,
  readRejected,
  removeRejected,
} from "../../lib/state/rejected_files.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";

/** Larger than what is read at once. */
const TEXT = "é日🦕".repeat(20_000);

Deno.test("what is set aside is read oldest first, whatever its size and its characters", async () => {
  await withFiles({
    "2026-03-02.jsonl": [{ id: "c" }, { id: "d", reason: TEXT }],
    "2026-03-01.jsonl": [{ id: "a", reason: TEXT }, { id: "b" }],
  }, async ({ stateDirectory }) => {
    assertEquals(
      await Array.fromAsync(
        readRejected(stateDirectory),
        ({ id, reason }) => ({ id, reason }),
      ),
      [
        { id: "a", reason: TEXT },
        { id: "b", reason: "400" },
        { id: "c", reason: "400" },
        { id: "d", reason: TEXT },
      ],
    );
    assertEquals(await countRejected(stateDirectory), 4);
  });
});

Deno.test("days are read in their order, in whatever order a directory has them", async () => {
  const days = Array.from({ length: 20 }, (_, i) => `2026-03-${10 + i}`);
  const files = days.toReversed().map((id) => [`${id}.jsonl`, [{ id }]]);
  await withFiles(Object.fromEntries(files), async ({ stateDirectory }) => {
    assertEquals(await idsIn(stateDirectory), days);
  });
});

Deno.test("where nothing was ever set aside there is nothing to read or remove", async () => {
  await withDirectory(async (stateDirectory) => {
    assertEquals(await idsIn(stateDirectory), []);
    assertEquals(await removeRejected(stateDirectory, () => true), 0);
  });
});

Deno.test("no file is read as a whole, which a string may be too small for", async () => {
  await withFiles({
    "2026-03-01.jsonl": [{ id: "a" }, { id: "b" }, { id: "c" }],
  }, async ({ stateDirectory }) => {
    using _ = refuseWholeFiles();
    assertEquals(await idsIn(stateDirectory), ["a", "b", "c"]);
    assertEquals(
      await removeRejected(stateDirectory, ({ id }) => id === "b"),
      1,
    );
    assertEquals(await idsIn(stateDirectory), ["a", "c"]);
  });
});

Deno.test("events are there to be used before those behind them are read", async () => {
  await withFiles({
    "2026-03-01.jsonl": [{ id: "a" }, "damaged"],
  }, async ({ stateDirectory, directory }) => {
    const events = readRejected(stateDirectory);
    assertEquals((await events.next()).value?.id, "a");
    await assertRejects(
      () => events.next(),
      StateError,
      `line 2 of ${join(directory, "2026-03-01.jsonl")} is no JSON`,
    );
  });
});

Deno.test("what is set aside and cannot be read is told by its name", async () => {
  for (const use of [idsIn, countRejected, removeAll]) {
    await withFiles({}, async ({ stateDirectory, directory }) => {
      const path = join(directory, "2026-03-01.jsonl");
      await Deno.mkdir(path);
      await assertRejects(
        () => use(stateDirectory),
        StateError,
        `cannot read what is set aside in ${path}: `,
      );
      await Deno.remove(directory, { recursive: true });
      await Deno.writeTextFile(directory, "no directory");
      await assertRejects(
        () => use(stateDirectory),
        StateError,
        `cannot read what is set aside in ${directory}: `,
      );
    });
  }
});

Deno.test("a line that is JSON but no event that was set aside is told, and nothing is removed", async () => {
  const event = {
    time: "2026-03-01T12:00:00.000Z",
    reason: "400",
    destination: { kind: "audit" },
    type: "exec",
    id: "b",
    event: {},
  };
  const lines = [
    null,
    5,
    [],
    {},
    { ...event, time: undefined },
    { ...event, reason: 5 },
    { ...event, type: null },
    { ...event, id: 7 },
    { ...event, event: null },
    { ...event, event: [] },
    { ...event, event: undefined },
    { ...event, event: undefined, payload: 5 },
    { ...event, event: undefined, between: "2026" },
    { ...event, destination: "audit" },
    { ...event, destination: { kind: "other" } },
    { ...event, destination: { kind: "recording" } },
  ];
  for (const line of lines) {
    const text = JSON.stringify(line);
    await withFiles({
      "2026-03-01.jsonl": [{ id: "a" }, text],
    }, async ({ stateDirectory, directory }) => {
      const path = join(directory, "2026-03-01.jsonl");
      for (const use of [idsIn, removeAll]) {
        await assertRejects(
          () => use(stateDirectory),
          StateError,
          `line 2 of ${path} is no event that was set aside: repair or remove it`,
          text,
        );
      }
    });
  }
});

Deno.test("removing leaves the other lines as they were, byte by byte, for the owner only", async () => {
  const many = Array.from({ length: 3_000 }, (_, i) => ({ id: `event ${i}` }));
  await withFiles({
    "2026-03-01.jsonl": [{ id: "a", reason: TEXT }, ...many, { id: "z" }],
    "2026-03-02.jsonl": [{ id: "event 7" }],
    "2026-03-03.jsonl": [{ id: "y" }],
  }, async ({ stateDirectory, directory }) => {
    const path = join(directory, "2026-03-01.jsonl");
    const before = (await Deno.readTextFile(path)).split("\n");
    const untouched = await Deno.stat(join(directory, "2026-03-03.jsonl"));
    const isRemoved = ({ id }: { id: string }) => /^event \d*7$/.test(id);
    assertEquals(await removeRejected(stateDirectory, isRemoved), 301);
    const after = (await Deno.readTextFile(path)).split("\n");
    assertEquals(
      after,
      before.filter((line) => line === "" || !isRemoved(JSON.parse(line))),
    );
    assertEquals(await modeOf(path), 0o600);
    assertEquals(await namesIn(directory), [
      "2026-03-01.jsonl",
      "2026-03-03.jsonl",
    ]);
    assertEquals(
      (await Deno.stat(join(directory, "2026-03-03.jsonl"))).ino,
      untouched.ino,
    );
  });
});

Deno.test({
  name: "what root leaves of a list stays the program's own user's",
  ignore: Deno.uid() !== 0,
  fn: () =>
    withFiles({
      "2026-03-01.jsonl": [{ id: "a" }, { id: "b" }],
    }, async ({ stateDirectory, directory }) => {
      const path = join(directory, "2026-03-01.jsonl");
      await Deno.chown(path, 1234, 5678);
      await removeRejected(stateDirectory, ({ id }) => id === "a");
      const { uid, gid } = await Deno.stat(path);
      assertEquals({ uid, gid }, { uid: 1234, gid: 5678 });
    }),
});

Deno.test("nothing is removed from a file with a line that cannot be read", async () => {
  await withFiles({
    "2026-03-01.jsonl": [{ id: "a" }, { id: "b" }, "damaged"],
  }, async ({ stateDirectory, directory }) => {
    const path = join(directory, "2026-03-01.jsonl");
    const before = await Deno.readTextFile(path);
    await assertRejects(
      () => removeRejected(stateDirectory, ({ id }) => id === "a"),
      StateError,
      "line 3 of ",
    );
    assertEquals(await Deno.readTextFile(path), before);
    assertEquals(await namesIn(directory), ["2026-03-01.jsonl"]);
  });
});

Deno.test("where the rest cannot be written all of it stays, and nothing lies beside it", async () => {
  await withFiles({
    "2026-03-01.jsonl": [{ id: "a" }, { id: "b" }],
  }, async ({ stateDirectory, directory }) => {
    using _ = refuseSyncs();
    const path = join(directory, "2026-03-01.jsonl");
    await assertRejects(
      () => removeRejected(stateDirectory, ({ id }) => id === "a"),
      StateError,
      `cannot take events off the list in ${path}: no space left`,
    );
    assertEquals(await idsIn(stateDirectory), ["a", "b"]);
    assertEquals(await namesIn(directory), ["2026-03-01.jsonl"]);
  });
});

/** Reading a file as a whole fails, as that of a very large one does. */
function refuseWholeFiles(): Disposable {
  const { readTextFile, readFile } = Deno;
  const refuse = () => Promise.reject(new RangeError("string too long"));
  Object.assign(Deno, { readTextFile: refuse, readFile: refuse });
  return {
    [Symbol.dispose]: () => Object.assign(Deno, { readTextFile, readFile }),
  };
}

function refuseSyncs(): Disposable {
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = () => Promise.reject(new Error("no space left"));
  return {
    [Symbol.dispose]() {
      Deno.FsFile.prototype.sync = sync;
    },
  };
}

interface Files {
  readonly stateDirectory: string;
  readonly directory: string;
}

/** @param files Lines by name: what is told of an event, or a line as it is */
async function withFiles(
  files: Readonly<
    Record<string, readonly (string | { id: string; reason?: string })[]>
  >,
  use: (files: Files) => Promise<void>,
): Promise<void> {
  await withDirectory(async (stateDirectory) => {
    const directory = join(stateDirectory, "rejected");
    await Deno.mkdir(directory);
    for (const [name, lines] of Object.entries(files)) {
      const text = lines.map((line) =>
        typeof line === "string" ? line : JSON.stringify({
          time: "2026-03-01T12:00:00.000Z",
          reason: "400",
          destination: { kind: "audit" },
          type: "exec",
          ...line,
          event: {},
        })
      );
      await Deno.writeTextFile(
        join(directory, name),
        text.map((line) => `${line}\n`).join(""),
        { mode: 0o600 },
      );
    }
    await use({ stateDirectory, directory });
  });
}

function idsIn(stateDirectory: string): Promise<string[]> {
  return Array.fromAsync(readRejected(stateDirectory), ({ id }) => id);
}

function removeAll(stateDirectory: string): Promise<number> {
  return removeRejected(stateDirectory, () => true);
}
