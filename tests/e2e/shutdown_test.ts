import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import type { Comparison } from "../fakes/fluentd_received.ts";
import { type Outcome, Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { SHORT_GRACE } from "./other_mains.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

/** A log of a time that is not over, so that reading it comes to a rest. */
async function setRecentStage(size = 300, uploadEvery = 0): Promise<Stage> {
  const startMs = Date.now() - 60 * 60_000;
  return await setStage({ size, uploadEvery, startMs });
}

/** Sends the signal once the condition holds. */
async function stopWhen(
  program: Program,
  what: string,
  condition: () => boolean,
  signal: Deno.Signal = "SIGTERM",
): Promise<void> {
  await waitUntil(what, () => program.hasEnded || condition());
  assert(!program.hasEnded, program.stderr);
  program.kill(signal);
}

/** Another run brings the rest; what was ahead of it when all was cut off, again. */
async function assertRestArrives(stage: Stage): Promise<Comparison> {
  stage.teleport.faults.clear();
  stage.fluentd.faults.clear();
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  const comparison = stage.fluentd.received.compare(stage.expectedIds());
  const { missing, unexpected } = comparison;
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
  return comparison;
}

/** The same, and nothing comes twice. */
async function assertRestArrivesOnce(stage: Stage): Promise<void> {
  assertEquals(await assertRestArrives(stage), COMPLETE_AND_ONCE);
}

function assertDone({ code, stderr }: Outcome): void {
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /INFO .*stopped/);
}

/** Where a run may be when it is told to stop. */
const STATES: {
  readonly name: string;
  readonly args?: readonly string[];
  readonly prepare?: (stage: Stage) => Promise<void> | void;
  /** Whether it is there now. */
  readonly isThere: (stage: Stage) => boolean;
}[] = [
  {
    name: "before Teleport answers",
    prepare: ({ teleport }) =>
      teleport.faults.add({ kind: "hang", method: "Ping" }),
    isThere: ({ teleport }) => teleport.requests.Ping.length > 0,
  },
  {
    name: "while a page is waited for",
    prepare: ({ teleport }) =>
      teleport.faults.add({ kind: "hang", method: "GetUnstructuredEvents" }),
    isThere: ({ teleport }) =>
      teleport.requests.GetUnstructuredEvents.length > 0,
  },
  {
    name: "while pages are read",
    args: ["--batch=5", "--fluentd-batch=5"],
    prepare: ({ fluentd }) => fluentd.faults.add({ kind: "delay", ms: 10 }),
    isThere: ({ fluentd }) => fluentd.received.events > 20,
  },
  {
    name: "while a failed page waits for its next attempt",
    prepare: ({ teleport }) =>
      teleport.faults.add({
        kind: "status",
        code: "UNAVAILABLE",
        method: "GetUnstructuredEvents",
      }),
    isThere: ({ teleport }) =>
      teleport.requests.GetUnstructuredEvents.length > 2,
  },
  {
    name: "in the middle of a recording",
    args: ["--fluentd-batch=2"],
    prepare: ({ fluentd }) =>
      fluentd.faults.add({ kind: "delay", ms: 20, tag: "session.*" }),
    isThere: ({ fluentd }) => fluentd.received.tags().length > 1,
  },
  {
    name: "while a recording is waited for",
    prepare: ({ teleport }) =>
      teleport.faults.add({
        kind: "hang",
        method: "StreamUnstructuredSessionEvents",
      }),
    isThere: ({ teleport }) =>
      teleport.requests.StreamUnstructuredSessionEvents.length > 0,
  },
  {
    name: "while requests are in flight",
    prepare: ({ fluentd }) => fluentd.faults.add({ kind: "delay", ms: 200 }),
    isThere: ({ fluentd }) => fluentd.received.underWay > 0,
  },
  {
    name: "while its state is saved for the first time",
    isThere: ({ stateDirectory }) =>
      exists(join(stateDirectory, "state.json.tmp")) ||
      exists(join(stateDirectory, "state.json")),
  },
];

for (const { name, args = [], prepare, isThere } of STATES) {
  for (const mode of [[], [EXIT]]) {
    const how = [name, ...mode].join(", with ");
    Deno.test(`stopped ${how}, it ends by itself and repeats nothing later`, async () => {
      await using stage = await setRecentStage(300, 30);
      await prepare?.(stage);
      await using program = new Program(stage.start(...mode, ...args));
      await stopWhen(program, name, () => isThere(stage));
      assertDone(await program.outcome());
      await assertRestArrivesOnce(stage);
    });
  }
}

Deno.test("stopped while it waits for events to come, it ends at once and repeats nothing later", async () => {
  await using stage = await setRecentStage();
  await using program = new Program(stage.start("--timeout=1h"));
  await stopWhen(
    program,
    "all events",
    () => stage.fluentd.received.events === stage.teleport.log.size,
    "SIGINT",
  );
  assertDone(await program.outcome());
  await assertRestArrivesOnce(stage);
});

Deno.test("stopped while Fluentd is away, it delivers what is in flight as soon as that is back", async () => {
  await using stage = await setRecentStage();
  await stage.fluentd.stop();
  await using program = new Program(stage.start());
  await stopWhen(
    program,
    "a warning",
    () => program.stderr.includes("fails, retrying"),
  );
  await stage.fluentd.start();
  assertDone(await program.outcome());
  assert(stage.fluentd.received.events > 0);
  await assertRestArrivesOnce(stage);
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  for (const mode of [[], [EXIT]]) {
    const how = [`a second ${signal}`, ...mode].join(", with ");
    Deno.test(`${how}, ends it while Fluentd is away, and nothing is lost`, async () => {
      await using stage = await setRecentStage(300, 30);
      // Some arrives, and the rest cannot.
      const { received } = stage.fluentd;
      stage.fluentd.faults.add({ kind: "delay", ms: 20, times: 4 }, {
        kind: "status",
        status: 503,
        where: () => received.events > 40,
      });
      await using program = new Program(
        stage.start(...mode, "--fluentd-batch=20"),
      );
      await stopWhen(
        program,
        "a warning",
        () => program.stderr.includes("fails, retrying"),
        signal,
      );
      // Two that come together may be taken for one.
      await waitUntil("the end", () => {
        program.kill(signal);
        return program.hasEnded;
      });
      const { code, stderr } = await program.outcome();
      assertEquals(code, status, stderr);
      assertMatch(stderr, new RegExp(`stopped by ${signal} before everything`));
      await assertRestArrives(stage);
    });
  }
}

Deno.test("stopped while Fluentd stays away, it ends after its grace, and nothing is lost", async () => {
  await using stage = await setRecentStage();
  stage.fluentd.faults.add({ kind: "hang" });
  await using program = new Program(stage.start("--fluentd-timeout=20s"), {
    main: SHORT_GRACE,
  });
  await stopWhen(
    program,
    "a request",
    () => stage.fluentd.received.underWay > 0,
  );
  const { code, stderr } = await program.outcome();
  assertEquals(code, 143, stderr);
  assertMatch(stderr, /stopped by SIGTERM before everything in flight/);
  await assertRestArrives(stage);
});

Deno.test({
  name:
    "stopped while nobody reads what a dry run prints, it ends after its grace",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using stage = await setRecentStage(600);
    const path = join(stage.directory, "unread");
    await new Deno.Command("mkfifo", { args: [path] }).output();
    await using program = new Program(stage.dryRun("--batch=600"), {
      main: SHORT_GRACE,
      shell: `exec "$@" >'${path}'`,
    });
    // A page is more than the pipe takes, and once its first byte is here, the
    // rest is under way.
    using pipe = await Deno.open(path);
    await pipe.read(new Uint8Array(1));
    program.kill("SIGTERM");
    await waitUntil("the end", () => program.hasEnded);
    const { code, stderr } = await program.outcome();
    assertEquals(code, 143, stderr);
    assertMatch(stderr, /stopped by SIGTERM before everything in flight/);
  },
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
