import { assertEquals, assertMatch } from "../assert.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { startListening } from "./listening.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

function recordings(stage: Stage, command: string, ...more: string[]) {
  return runProgram([
    "recordings",
    command,
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
    ...more,
  ]);
}

/** As after days of failures: the next attempts are an hour away. */
async function postpone(stage: Stage): Promise<void> {
  const path = `${stage.stateDirectory}/state.json`;
  const state = JSON.parse(await Deno.readTextFile(path));
  const notBeforeMs = Date.now() + 3_600_000;
  for (const sessionId of Object.keys(state.recordings)) {
    Object.assign(state.recordings[sessionId], { notBeforeMs });
  }
  await Deno.writeTextFile(path, JSON.stringify(state));
}

Deno.test("recordings are listed, and tried again by the running program when asked for", async () => {
  await using stage = await setStage({ size: 200, uploadEvery: 50 });
  const none = await recordings(stage, "list");
  assertEquals(none.code, 1);
  assertMatch(none.stderr, /there is no state in/);

  const [late = "", broken = ""] = [...stage.teleport.log.sessionIds()];
  for (const stream of [late, broken]) {
    stage.teleport.faults.add({ kind: "cut", after: 0, stream });
  }
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  const { stdout, stderr } = await recordings(stage, "list", "--json");
  const listed = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    listed.map(({ sessionId, attempts, missing }) => [
      sessionId,
      attempts,
      missing,
    ]),
    [[late, 3, false], [broken, 3, false]],
    stderr,
  );
  assertMatch(
    (await recordings(stage, "list")).stdout,
    /failing {2}3 attempts/,
  );

  const unknown = await recordings(stage, "retry", "nobody");
  assertEquals(unknown.code, 2);
  assertMatch(unknown.stderr, /no recording of a session nobody is pending/);

  await postpone(stage);
  stage.teleport.faults.clear();
  await using program = new Program(stage.start());
  await waitUntil("it to run", () => program.stderr.includes("started"));
  const asked = await recordings(stage, "retry", late);
  assertMatch(asked.stdout, /^1 asked for: a running program tries/);
  const { received } = stage.fluentd;
  const tag = `session.${late}.log`;
  await received.until(() =>
    received.ids(tag).length === [...stage.expectedRecording(late)].length
  );
  assertMatch(program.stderr, /recording is tried again, as asked for/);
  assertEquals(received.ids(`session.${broken}.log`), []);
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
});

Deno.test("recordings that are asked for while no program runs are tried by the next one, at once", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 50 });
  for (const stream of stage.teleport.log.sessionIds()) {
    stage.teleport.faults.add({ kind: "cut", after: 0, stream });
  }
  {
    await using program = new Program(stage.start());
    await waitUntil("failures", async () => {
      const { code, stdout } = await recordings(stage, "list", "--json");
      const lines = stdout.trim().split("\n").filter(Boolean);
      return code === 0 && lines.length === 2 &&
        lines.every((line) => JSON.parse(line).attempts > 0);
    });
    program.kill("SIGTERM");
    assertEquals((await program.outcome()).code, 0);
  }
  await postpone(stage);
  stage.teleport.faults.clear();
  assertMatch((await recordings(stage, "retry")).stdout, /^2 asked for/);
  await using program = new Program(stage.start());
  const { received } = stage.fluentd;
  const expected = [...stage.expectedIds()];
  await received.until(({ events }) => events >= expected.length);
  assertEquals(received.compare(expected), COMPLETE_AND_ONCE);
  await waitUntil(
    "nothing to be pending",
    async () => (await recordings(stage, "list")).stdout === "",
  );
  const retry = await recordings(stage, "retry");
  assertEquals(retry.stdout, "no recording is pending\n");
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
});

Deno.test("recordings that are given up are not tried again, and the others are, only while no program runs", async () => {
  await using stage = await setStage({ size: 200, uploadEvery: 50 });
  const [lost = "", late = ""] = [...stage.teleport.log.sessionIds()];
  for (const stream of [lost, late]) {
    stage.teleport.faults.add({ kind: "cut", after: 0, stream });
  }
  {
    await using program = new Program(stage.start());
    await waitUntil(
      "failures",
      () =>
        [lost, late].every((id) =>
          new RegExp(`recording cannot be read.*${id}`).test(program.stderr)
        ),
    );
    const inUse = await recordings(stage, "drop", lost);
    assertEquals(inUse.code, 1);
    assertMatch(inUse.stderr, new RegExp(`process ${program.pid}`));
    program.kill("SIGTERM");
    assertEquals((await program.outcome()).code, 0);
  }
  const nobody = await recordings(stage, "drop", lost, "nobody");
  assertEquals(nobody.code, 2);
  assertMatch(nobody.stderr, /no recording of a session nobody is pending/);
  const dropped = await recordings(stage, "drop", lost, lost);
  assertEquals(dropped.stdout, "1 dropped\n", dropped.stderr);

  stage.teleport.faults.clear();
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  const { received } = stage.fluentd;
  assertEquals(received.ids(`session.${lost}.log`), []);
  assertEquals(
    received.ids(`session.${late}.log`).length,
    [...stage.expectedRecording(late)].length,
  );
  assertEquals((await recordings(stage, "list")).stdout, "");
});

Deno.test("a role without the right to recordings is an error in the log, and counted, and events arrive", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 40 });
  stage.teleport.faults.add({
    kind: "status",
    code: "PERMISSION_DENIED",
    method: "StreamUnstructuredSessionEvents",
  });
  await using listening = await startListening(stage.start());
  const size = [...stage.teleport.log.ids()].length;
  await stage.fluentd.received.until(({ events }) => events === size);
  const { program } = listening;
  await waitUntil(
    "the error to be logged",
    () => /ERROR .*reading of recordings fails/.test(program.stderr),
  );
  assertMatch(program.stderr, /the role needs the rule .*session: list, read/);
  const retries = await listening.metric(
    'teleport_event_handler_retries_total{side="teleport",reason="permission_denied"}',
  );
  assertEquals((retries ?? 0) > 0, true);
});

Deno.test("types, and types to skip, leave out nothing of a recording", async () => {
  const types = ["session.upload", "session.start", "resize"];
  for (const option of ["types", "skip-event-types"]) {
    await using stage = await setStage({ size: 200, uploadEvery: 50 });
    const { log } = stage.teleport;
    const { code, stderr } = await runProgram(
      stage.start(EXIT, `--${option}=${types.join(",")}`),
    );
    assertEquals(code, 0, stderr);
    const expected = Array.from(log.events())
      .filter(({ type }) => types.includes(type) === (option === "types"))
      .map(({ id }) => id);
    for (const sessionId of log.sessionIds()) {
      expected.push(...stage.expectedRecording(sessionId));
    }
    assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
  }
});
