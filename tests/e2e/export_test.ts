import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
} from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

Deno.test("100,000 events with 1,000 recordings arrive complete and once", async () => {
  await using stage = await setStage({ size: 100_000, uploadEvery: 100 });
  const { code, stderr } = await runProgram(
    stage.start(EXIT, "--window-size=8760h"),
  );
  assertEquals(code, 0, stderr);
  const { received } = stage.fluentd;
  assertEquals(received.compare(stage.expectedIds()), COMPLETE_AND_ONCE);
  assertEquals(received.tags().length, 1_001);
});

Deno.test("every event arrives exactly as Teleport has it, recordings in their order", async () => {
  await using stage = await setStage({ size: 600, uploadEvery: 20 });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  const { received } = stage.fluentd;
  const byId = new Map(
    received.records("test.log").map((record) => [record.uid, record]),
  );
  for (const { id, json } of stage.teleport.log.events()) {
    assertEquals(byId.get(id), json);
  }
  let recordings = 0;
  for (const sessionId of stage.teleport.log.sessionIds()) {
    assertEquals(
      received.ids(`session.${sessionId}.log`),
      [...stage.expectedRecording(sessionId)],
    );
    recordings++;
  }
  assert(recordings > 0);
});

Deno.test("a run that is stopped by SIGTERM ten times delivers each event exactly once", async () => {
  await using stage = await setStage({ size: 3_000, uploadEvery: 100 });
  stage.fluentd.faults.add({ kind: "delay", ms: 20 });
  const { received } = stage.fluentd;
  for (let stop = 1; stop <= 10; stop++) {
    // However late the last run was stopped, there is something left for this one.
    const timeMs = Date.now() - 1_000;
    stage.teleport.append(
      ...Array.from({ length: 300 }, () => logEvent("exec", { timeMs })),
    );
    await using program = new Program(stage.start("--fluentd-batch=20"));
    const before = received.events;
    await waitUntil(
      "events to arrive",
      () => received.events > before + 60 && received.events > stop * 100,
    );
    program.kill("SIGTERM");
    const { code, stderr } = await program.outcome();
    assertEquals(code, 0, stderr);
  }
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertEquals(received.compare(stage.expectedIds()), COMPLETE_AND_ONCE);
});

Deno.test("what is appended while the program runs arrives, and polling goes on", async () => {
  await using stage = await setStage({ size: 50 });
  await using program = new Program(stage.start("--timeout=100ms"));
  const { received } = stage.fluentd;
  await received.until(({ events }) => events === 50);
  for (let i = 0; i < 3; i++) {
    stage.teleport.append(
      logEvent("user.login", { timeMs: Date.now() - 1_000 }),
    );
    await received.until(({ events }) => events === 51 + i);
  }
  program.kill("SIGINT");
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertEquals(received.compare(stage.expectedIds()), COMPLETE_AND_ONCE);
});

Deno.test("blank ids, unknown types, shared times and an event of 2 MiB pass through", async () => {
  await using stage = await setStage();
  const timeMs = Date.UTC(2026, 0, 2);
  const events = [
    logEvent("user.login", { timeMs, id: "" }),
    logEvent("user.login", { timeMs, id: "", fields: { user: "bob" } }),
    logEvent("from.the.future", { timeMs, fields: { deep: [{ n: null }] } }),
    logEvent("exec", {
      timeMs,
      fields: { command: "x".repeat(2 * 1024 ** 2) },
    }),
    logEvent("user.login", { timeMs }),
  ];
  stage.teleport.append(...events);
  const { code, stderr } = await runProgram(stage.start(EXIT, "--batch=2"));
  assertEquals(code, 0, stderr);
  // Several requests are in flight, so that the order is not given.
  assertEquals(
    stage.fluentd.received.records("test.log")
      .map((record) => JSON.stringify(record)).sort(),
    events.map(({ json }) => JSON.stringify(json)).sort(),
  );
});

Deno.test("types are left out as told, and pages full of them are turned", async () => {
  await using stage = await setStage({ size: 2_000 });
  const { log } = stage.teleport;
  const types = new Set(Array.from(log.events(), ({ type }) => type));
  assert(types.size >= 30, `only ${types.size} types`);
  const skipped = [...types].slice(0, 10);
  const { code, stderr } = await runProgram(
    stage.start(EXIT, `--skip-event-types=${skipped.join(",")}`),
  );
  assertEquals(code, 0, stderr);
  const expected = Array.from(log.events())
    .filter(({ type }) => !skipped.includes(type)).map(({ id }) => id);
  assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
});

Deno.test("fluentd-batch=1 sends plain objects, otherwise arrays are sent", async () => {
  await using stage = await setStage({ size: 10 });
  assertEquals(
    (await runProgram(stage.start(EXIT, "--fluentd-batch=1"))).code,
    0,
  );
  const bodies = stage.fluentd.received.requests.map(({ body }) => body);
  assertEquals(bodies.length, 10);
  for (const body of bodies) assertMatch(body, /^\{.*\}$/s);
});

Deno.test("start-id begins after the event with this id, and needs it to be there", async () => {
  await using stage = await setStage({ size: 100 });
  const ids = [...stage.teleport.log.ids()];
  const missing = await runProgram(stage.start(EXIT, "--start-id=nobody"));
  assertEquals(missing.code, 2);
  assertMatch(missing.stderr, /start-id: there is no event with the id nobody/);
  assertEquals(stage.fluentd.received.events, 0);
  const { code } = await runProgram(stage.start(EXIT, `--start-id=${ids[59]}`));
  assertEquals(code, 0);
  assertEquals(
    stage.fluentd.received.compare(ids.slice(60)),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("start-id counts where nothing is stored: left in, it is in no later run's way", async () => {
  // In the window that is not over, so that more may come.
  const startMs = Date.now() - 60 * 60_000;
  await using stage = await setStage({ size: 100, startMs });
  const { log } = stage.teleport;
  const args = stage.start(EXIT, `--start-id=${[...log.ids()][59]}`);
  for (let run = 1; run <= 2; run++) {
    const { code, stderr } = await runProgram(args);
    assertEquals(code, 0, stderr);
    assertEquals(
      stage.fluentd.received.compare([...log.ids()].slice(60)),
      COMPLETE_AND_ONCE,
    );
    log.grow(20);
  }
});

Deno.test("start-id is found although a cursor shows nothing", async () => {
  // In the window that is not over, where there is always more to come.
  const startMs = Date.now() - 60 * 60_000;
  await using stage = await setStage({ size: 100, startMs });
  stage.teleport.faults.add({ kind: "stuck cursor", lastKey: "none" });
  const ids = [...stage.teleport.log.ids()];
  await using program = new Program(stage.start(`--start-id=${ids[59]}`));
  const { received } = stage.fluentd;
  await received.until(({ events }) => events >= 40);
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
  assertEquals(received.compare(ids.slice(60)), COMPLETE_AND_ONCE);
});

/** Runs the program, again and again, where 40 of 100 events are before a cursor. */
async function assertSentOnceBehindCursor(
  argsOfRuns: (stage: Stage, cursor: string) => string[][],
): Promise<void> {
  await using stage = await setStage({ size: 100 });
  const elsewhere = `--storage=${stage.directory}/elsewhere`;
  const whole = await runProgram(stage.start(EXIT, "--batch=40", elsewhere));
  assertEquals(whole.code, 0, whole.stderr);
  const { GetUnstructuredEvents: pages } = stage.teleport.requests;
  const cursor = pages.map(({ startKey }) => startKey).find(Boolean) ?? "";
  const { received } = stage.fluentd;
  const before = received.ids("test.log").length;
  for (const args of argsOfRuns(stage, cursor)) {
    const { code, stderr } = await runProgram(args);
    assertEquals(code, 0, stderr);
    assertEquals(
      received.ids("test.log").slice(before).toSorted(),
      [...stage.teleport.log.ids()].slice(40).toSorted(),
    );
  }
}

Deno.test("a cursor is where a first run begins, and no other one", async () => {
  await assertSentOnceBehindCursor((stage, cursor) =>
    [cursor, "of another log"].map((given) =>
      stage.start(EXIT, `--cursor=${given}`, "--retry-timeout=1s")
    )
  );
});

Deno.test("a cursor without a start time has all that is behind it sent", async () => {
  await assertSentOnceBehindCursor((stage, cursor) => {
    const args = stage.start(EXIT, `--cursor=${cursor}`)
      .filter((arg) => !arg.startsWith("--start-time"));
    return [args, args];
  });
});

Deno.test("where a first run begins is kept although nothing came of it, and the next one begins there", async () => {
  await using stage = await setStage({ size: 0 });
  const args = stage.start(EXIT)
    .filter((arg) => !arg.startsWith("--start-time"));
  assertEquals((await runProgram(args)).code, 0);
  const { startTime } = JSON.parse(
    await Deno.readTextFile(`${stage.stateDirectory}/state.json`),
  );
  const event = logEvent("exec", { timeMs: Date.parse(startTime) });
  stage.teleport.log.append(event);
  assertEquals((await runProgram(args)).code, 0);
  assertEquals(stage.fluentd.received.compare([event.id]), COMPLETE_AND_ONCE);
});

Deno.test("a first run begins when it was started, however long Teleport is away then", async () => {
  await using stage = await setStage({ size: 0 });
  const { faults, log, requests } = stage.teleport;
  faults.add({ kind: "status", code: "UNAVAILABLE" });
  const args = stage.start(EXIT)
    .filter((arg) => !arg.startsWith("--start-time"));
  await using program = new Program(args);
  await waitUntil("Teleport to be asked", () => requests.Ping.length > 0);
  const timeMs = Date.now();
  const event = logEvent("exec", { timeMs });
  log.append(event);
  await waitUntil("another second", () => Date.now() > timeMs + 1_000);
  faults.clear();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.compare([event.id]), COMPLETE_AND_ONCE);
});

Deno.test("a recording that is not there yet stays for the next run and is named", async () => {
  await using stage = await setStage({ size: 200, uploadEvery: 50 });
  const [late, broken] = [...stage.teleport.log.sessionIds()];
  assert(late !== undefined && broken !== undefined);
  stage.teleport.faults.add(
    { kind: "cut", after: 0, stream: late },
    { kind: "cut", after: 0, stream: broken, code: "DATA_LOSS" },
  );
  const first = await runProgram(stage.start(EXIT));
  assertEquals(first.code, 0, first.stderr);
  for (const sessionId of [late, broken]) {
    assertMatch(
      first.stderr,
      new RegExp(`left for the next run.*${sessionId}`),
    );
  }
  stage.teleport.faults.clear();
  const second = await runProgram(stage.start(EXIT));
  assertEquals(second.code, 0, second.stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

for (
  const [what, method, exportSupported] of [
    ["recordings", "StreamUnstructuredSessionEvents", false],
    ["chunks of a bulk export", "ExportUnstructuredEvents", true],
  ] as const
) {
  Deno.test(`as many ${what} are read at once as concurrency says`, async () => {
    await using stage = await setStage(
      { size: 200, uploadEvery: 20, exportChunkEvents: 20 },
      { exportSupported },
    );
    const { faults, requests } = stage.teleport;
    faults.add({ kind: "hang", method });
    await using program = new Program(stage.start("--concurrency=7"));
    await waitUntil("seven of ten to be asked for", () => {
      assert(!program.hasEnded, program.stderr);
      return requests[method].length >= 7;
    });
    // More of them would have been asked for together with these.
    program.kill("SIGTERM");
    assertEquals((await program.outcome()).code, 0);
    assertEquals(requests[method].length, 7);
  });
}

Deno.test("an event refused with 400 is set aside and the rest arrives", async () => {
  await using stage = await setStage({ size: 300 });
  const ids = [...stage.teleport.log.ids()];
  const refused = ids[123] ?? "";
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [refused] });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 3, stderr);
  assertEquals(
    stage.fluentd.received.compare(ids.filter((id) => id !== refused)),
    COMPLETE_AND_ONCE,
  );
  const directory = `${stage.stateDirectory}/rejected`;
  const [{ name } = { name: "" }] = Array.from(Deno.readDirSync(directory));
  const line = JSON.parse(await Deno.readTextFile(`${directory}/${name}`));
  assertEquals(line.event, stage.teleport.log.at(123).json);
});

Deno.test("a dry run prints JSON lines and needs no Fluentd and no storage", async () => {
  await using stage = await setStage({ size: 120 });
  const { code, stdout, stderr } = await runProgram(stage.dryRun(EXIT));
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout.trim().split("\n").map((line) => JSON.parse(line)),
    Array.from(stage.teleport.log.events(), ({ json }) => json),
  );
});

Deno.test({
  name:
    "on a terminal, too, a dry run prints each event on a line of its own, and nothing that commands it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using stage = await setStage({ size: 10 });
    stage.teleport.append(
      logEvent("user.login", {
        timeMs: stage.startMs,
        fields: { user: "\u009b31mbob" },
      }),
    );
    // While nothing has arrived, a progress line would be drawn.
    stage.teleport.faults.add({ kind: "slow", delayMs: 1_000, times: 5 });
    const { code, stdout } = await runProgram(stage.dryRun(EXIT), {
      shell: `exec script -qec "$*" /dev/null </dev/null`,
    });
    assertEquals(code, 0, stdout);
    assertNotMatch(stdout, /\u009b/);
    const printed = stdout.split("\r\n").filter((line) => /{"ei"/.test(line));
    assertEquals(
      printed.map((line) => JSON.parse(line)),
      Array.from(stage.teleport.log.events(), ({ json }) => json),
    );
  },
});

Deno.test({
  name:
    "of a private key that comes through a pipe it is told that it needs a file",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using stage = await setStage();
    const { key } = stage.paths.fluentd.client;
    const { code, stderr } = await runProgram([
      ...stage.start().filter((arg) => !arg.startsWith("--fluentd-key=")),
      "--fluentd-key=/dev/fd/3",
      EXIT,
    ], { shell: `cat '${key}' | { exec 3<&0; exec "$@"; }` });
    assertEquals(code, 2, stderr);
    assertMatch(
      stderr,
      /fluentd-key: \/dev\/fd\/3 is no file but, as it seems, a pipe/,
    );
  },
});
