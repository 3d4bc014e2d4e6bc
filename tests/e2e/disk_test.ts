import { join } from "node:path";
import { assertEquals, assertMatch } from "../assert.ts";
import { namesIn } from "../fakes/directory.ts";
import type { JsonRecord } from "../fakes/fluentd_body.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
/** Files cannot grow beyond 4 KiB; deno's own caches bear it. */
const SMALL_FILES = `trap '' XFSZ; ulimit -f 8; exec "$@"`;
const CAN_MOUNT = await canMount();

/** Events so close together that the state, which names them, exceeds 4 KiB. */
async function setCrowdedStage(): Promise<Stage> {
  const startMs = Date.now() - 60 * 60_000;
  return await setStage({ size: 500, spacingMs: 1, startMs });
}

/** What is in the way is gone: the next run brings the rest, whatever that is. */
async function assertGoesOn(stage: Stage): Promise<void> {
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  const { missing, unexpected } = stage.fluentd.received.compare(
    stage.expectedIds(),
  );
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
}

Deno.test("a state that finds no room ends the run in words, and the next one goes on", async () => {
  await using stage = await setCrowdedStage();
  const { code, stderr } = await runProgram(stage.start(), {
    shell: SMALL_FILES,
  });
  assertEquals(code, 1, stderr);
  assertMatch(
    stderr,
    /cannot save the state file \S+state\.json: File too large.*nothing is lost/,
  );
  await assertGoesOn(stage);
});

Deno.test("a refused event that finds no room ends the run in words, and is not passed by", async () => {
  await using stage = await setStage({ startMs: Date.now() - 60 * 60_000 });
  const events = ["", "x".repeat(10_000), ""].map((padding) =>
    logEvent("exec", { timeMs: Date.now() - 60_000, fields: { padding } })
  );
  stage.teleport.append(...events);
  const [before, refused, after] = events.map(({ json }) => json);
  stage.fluentd.faults.add({ kind: "status", status: 400, where: isRefused });
  const full = await runProgram(stage.start(), { shell: SMALL_FILES });
  assertEquals(full.code, 1, full.stderr);
  assertMatch(
    full.stderr,
    /cannot set a refused event aside in \S+: File too large/,
  );
  const room = await runProgram(stage.start(EXIT));
  assertEquals(room.code, 3, room.stderr);
  const arrived = stage.fluentd.received.records("test.log");
  assertEquals(
    new Set(arrived.map(({ uid }) => uid)),
    new Set([before?.uid, after?.uid]),
  );
  assertEquals(await readSetAside(stage), [refused]);

  function isRefused({ padding }: JsonRecord): boolean {
    return padding !== "";
  }
});

async function readSetAside({ stateDirectory }: Stage): Promise<unknown[]> {
  const directory = join(stateDirectory, "rejected");
  const lines = [];
  for (const name of await namesIn(directory)) {
    const text = await Deno.readTextFile(join(directory, name));
    lines.push(...text.trim().split("\n"));
  }
  return lines.map((line) => JSON.parse(line).event);
}

Deno.test("events that were sent again and find no room to be taken off the list: it is told that they stay", async () => {
  await using stage = await setStage({ startMs: Date.now() - 60 * 60_000 });
  const [small, large] = ["", "x".repeat(10_000)].map((padding) =>
    logEvent("exec", { timeMs: Date.now() - 60_000, fields: { padding } })
  );
  const ids = [small?.id ?? "", large?.id ?? ""];
  stage.teleport.append(...[small, large].flatMap((event) => event ?? []));
  stage.fluentd.faults.add({ kind: "status", status: 400, ids });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);
  stage.fluentd.faults.clear();
  const retry = ["rejected", "retry", ...stage.start().filter(isForRetry)];
  const full = await runProgram([...retry, ids[0] ?? ""], {
    shell: SMALL_FILES,
  });
  assertEquals(full.code, 1, full.stderr);
  assertMatch(
    full.stderr,
    /1 delivered, but what stays on the list would be sent again: cannot take events off the list in \S+\.jsonl: File too large/,
  );
  const room = await runProgram(retry);
  assertEquals(room.stdout, "2 delivered, 0 still refused\n", room.stderr);
  assertEquals(
    stage.fluentd.received.compare(ids, "test.log"),
    { missing: [], duplicates: ids.slice(0, 1), unexpected: [] },
  );
});

Deno.test({
  name: "a full disk ends the run in words, and with room the next one goes on",
  ignore: !CAN_MOUNT,
  async fn() {
    await using stage = await setCrowdedStage();
    await using disk = await mountDisk(stage);
    await using program = new Program(stage.start("--timeout=100ms"));
    await stage.fluentd.received.until(({ events }) => events >= 500);
    await disk.fill();
    stage.teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
    const { code, stderr } = await program.outcome();
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /cannot save the state file .*No space left on device/);
    const locked = await runProgram(stage.start(EXIT));
    assertEquals(locked.code, 1, locked.stderr);
    assertMatch(locked.stderr, /No space left on device/);
    await disk.empty();
    await assertGoesOn(stage);
    assertEquals(
      new Set(stage.fluentd.received.ids("test.log")).size,
      stage.teleport.log.size,
    );
  },
});

Deno.test({
  name: "while the disk is full, no run sends again what cannot be noted",
  ignore: !CAN_MOUNT,
  async fn() {
    await using stage = await setStage({
      size: 10,
      startMs: Date.now() - 60 * 60_000,
    });
    await using disk = await mountDisk(stage);
    assertEquals((await runProgram(stage.start(EXIT))).code, 0);
    const { events } = stage.fluentd.received;
    await disk.fill();
    const startMs = Date.now() - 60_000;
    for (let i = 0; i < 2_000; i++) {
      stage.teleport.append(logEvent("exec", { timeMs: startMs + i }));
    }
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /cannot save the state file .*No space left on device/);
    assertEquals(stage.fluentd.received.events, events);
    await disk.empty();
    await assertGoesOn(stage);
    assertEquals(
      stage.fluentd.received.compare(stage.expectedIds()),
      COMPLETE_AND_ONCE,
    );
  },
});

Deno.test({
  name:
    "a directory that becomes read-only ends the run in words, and the next one goes on",
  ignore: !CAN_MOUNT,
  async fn() {
    await using stage = await setCrowdedStage();
    await using disk = await mountDisk(stage);
    assertEquals((await runProgram(stage.start(EXIT))).code, 0);
    await disk.remount("ro");
    stage.teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, 1, stderr);
    assertMatch(
      stderr,
      /cannot lock the state directory .*Read-only file system/,
    );
    await disk.remount("rw");
    await assertGoesOn(stage);
    assertEquals(
      stage.fluentd.received.compare(stage.expectedIds()),
      COMPLETE_AND_ONCE,
    );
  },
});

/** Names in the state directory that something else has taken, and what is said then. */
const IN_THE_WAY: [name: string, message: RegExp][] = [
  ["lock", /cannot lock the state directory/],
  ["state.json", /cannot read the state file \S+state\.json/],
  ["state.json.tmp", /cannot save the state file \S+state\.json/],
];
for (const [name, message] of IN_THE_WAY) {
  Deno.test(`a directory in the place of ${name} is told, and nothing lost`, async () => {
    await using stage = await setCrowdedStage();
    const path = join(stage.stateDirectory, name);
    await Deno.mkdir(path, { recursive: true });
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, 1, stderr);
    assertMatch(stderr, message);
    await Deno.remove(path);
    await assertGoesOn(stage);
  });
}

Deno.test("a file in the place of the storage is told", async () => {
  await using stage = await setCrowdedStage();
  await Deno.writeTextFile(stage.storage, "");
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /cannot create the state directory/);
  assertEquals(stage.fluentd.received.events, 0);
});

/** Changes to a state after which it is not ours to go on from. */
const UNUSABLE: [
  what: string,
  change: (text: string) => string,
  expected: { readonly status: number; readonly message: RegExp },
][] = [
  ["is cut off", (text) => text.slice(0, text.length / 2), {
    status: 1,
    message: /state\.json is damaged: it is not JSON/,
  }],
  ["is empty", () => "", {
    status: 1,
    message: /state\.json is damaged: it is not JSON/,
  }],
  [
    "has another version",
    (text) => text.replace('"version": 1', '"version": 2'),
    {
      status: 1,
      message: /state\.json has version 2/,
    },
  ],
  [
    "is of another cluster",
    (text) => text.replace("tele.example.com", "other"),
    {
      status: 2,
      message:
        /is of the cluster other, but this one calls itself tele\.example\.com/,
    },
  ],
];
for (const [what, change, { status, message }] of UNUSABLE) {
  Deno.test(`a state that ${what} is told, kept as it is, and nothing is sent`, async () => {
    await using stage = await setCrowdedStage();
    assertEquals((await runProgram(stage.start(EXIT))).code, 0);
    const path = join(stage.stateDirectory, "state.json");
    const text = change(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, text);
    const { events } = stage.fluentd.received;
    stage.teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, status, stderr);
    assertMatch(stderr, message);
    assertEquals(stage.fluentd.received.events, events);
    assertEquals(await Deno.readTextFile(path), text);
  });
}

/** A small file system below the storage, which is gone in the end. */
async function mountDisk({ stateDirectory }: Stage) {
  await Deno.mkdir(stateDirectory, { recursive: true });
  await command(
    "mount",
    "-t",
    "tmpfs",
    "-o",
    "size=256k",
    "tmpfs",
    stateDirectory,
  );
  const filler = join(stateDirectory, "filler");
  return {
    async fill() {
      await command("sh", "-c", `cat /dev/zero > ${filler} || true`);
    },
    empty: () => Deno.remove(filler),
    remount: (mode: "ro" | "rw") =>
      command("mount", "-o", `remount,${mode}`, stateDirectory),
    [Symbol.asyncDispose]: () => command("umount", stateDirectory),
  };
}

/** Whether file systems may be mounted here, which takes an administrator. */
async function canMount(): Promise<boolean> {
  const directory = await Deno.makeTempDir();
  try {
    await command("mount", "-t", "tmpfs", "tmpfs", directory);
    await command("umount", directory);
    return true;
  } catch {
    return false;
  } finally {
    await Deno.remove(directory);
  }
}

async function command(name: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** What `rejected retry` takes of what `start` does. */
function isForRetry(arg: string): boolean {
  return /^--(fluentd|storage|teleport-addr)/.test(arg);
}
