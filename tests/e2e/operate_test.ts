import { join } from "node:path";
import { assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { namesIn } from "../fakes/directory.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

/** Options of the commands on the state directory. */
function state(stage: Stage): string[] {
  return [
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ];
}

/** What `rejected retry` needs besides. */
function target(stage: Stage): string[] {
  return stage.start().filter((arg) =>
    /^--(fluentd|storage|teleport-addr)/.test(arg)
  );
}

Deno.test("where nothing was forwarded yet, it is told, and not that nothing was refused", async () => {
  await using stage = await setStage();
  for (
    const words of [
      ["list", ...state(stage)],
      ["retry", ...target(stage)],
      ["drop", ...state(stage), "an-id"],
    ]
  ) {
    const { code, stdout, stderr } = await runProgram(["rejected", ...words]);
    assertEquals([code, stdout, stderr], [
      1,
      "",
      `teleport-event-handler: there is no ${stage.stateDirectory}: ` +
      "nothing was forwarded yet, or storage or teleport-addr is another\n",
    ]);
  }
});

Deno.test("a file in the place of the storage is told by every command that looks into it", async () => {
  await using stage = await setStage();
  await Deno.writeTextFile(stage.storage, "");
  for (
    const words of [["rejected", "list"], ["recordings", "list"], ["status"]]
  ) {
    const { code, stderr } = await runProgram([...words, ...state(stage)]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^teleport-event-handler: cannot (look into the state directory|read the state file) /,
    );
    assertStringIncludes(stderr, stage.stateDirectory);
    assertStringIncludes(stderr, "Not a directory");
  }
});

Deno.test("refused events are listed, sent again, and dropped when told so", async () => {
  await using stage = await setStage({ size: 100 });
  const ids = [...stage.teleport.log.ids()];
  const refused = [ids[10] ?? "", ids[50] ?? ""];
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: refused });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);

  const list = await runProgram([
    "rejected",
    "list",
    "--json",
    ...state(stage),
  ]);
  assertEquals(
    list.stdout.trim().split("\n").map((line) => JSON.parse(line).id),
    refused,
  );
  const still = await runProgram(["rejected", "retry", ...target(stage)]);
  assertEquals(still.code, 3, still.stderr);
  assertMatch(still.stdout, /0 delivered, 2 still refused/);

  stage.fluentd.faults.clear();
  const retry = await runProgram([
    "rejected",
    "retry",
    ...target(stage),
    refused[0] ?? "",
  ]);
  assertEquals(retry.code, 0, retry.stderr);
  assertEquals(
    stage.fluentd.received.records("test.log").at(-1),
    stage.teleport.log.at(10).json,
  );
  const unknown = await runProgram([
    "rejected",
    "drop",
    ...state(stage),
    "nobody",
  ]);
  assertEquals(unknown.code, 2);
  assertMatch(unknown.stderr, /no event with the id nobody is set aside/);
  const drop = await runProgram([
    "rejected",
    "drop",
    ...state(stage),
    refused[1] ?? "",
  ]);
  assertEquals(drop.stdout, "1 dropped\n", drop.stderr);
  const empty = await runProgram(["rejected", "list", ...state(stage)]);
  assertEquals(empty.stdout, "");
  assertEquals(
    stage.fluentd.received.compare(ids.filter((id) => id !== refused[1])),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("a refused event of a recording is sent again to where that recording goes", async () => {
  await using stage = await setStage({ size: 50, uploadEvery: 50 });
  const { fluentd: { faults, received }, teleport: { log } } = stage;
  const [sessionId = ""] = log.sessionIds();
  const ids = [...stage.expectedRecording(sessionId)];
  faults.add({ kind: "status", status: 400, ids: ids.slice(0, 1) });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);
  const tag = `session.${sessionId}.log`;
  assertEquals(received.ids(tag), ids.slice(1));
  faults.clear();
  const retry = await runProgram(["rejected", "retry", ...target(stage)]);
  assertEquals(retry.code, 0, retry.stderr);
  assertEquals(received.ids(tag), [...ids.slice(1), ...ids.slice(0, 1)]);
  assertEquals(received.compare(stage.expectedIds()), COMPLETE_AND_ONCE);
});

Deno.test("a refused event without an id is sent again and dropped by what the list calls it", async () => {
  await using stage = await setStage({ size: 0 });
  const timeMs = stage.startMs;
  stage.teleport.append(
    logEvent("exec", { timeMs, id: "", fields: { number: 1 } }),
    logEvent("exec", { timeMs, id: "with-one" }),
  );
  stage.fluentd.faults.add({ kind: "status", status: 400 });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);

  const retry = await runProgram(
    ["rejected", "retry", ...target(stage), "(no id)"],
  );
  assertEquals(retry.code, 3, retry.stderr);
  assertMatch(
    retry.stdout,
    /^\(no id\): .*400\n0 delivered, 1 still refused\n$/,
  );
  const unset = await runProgram(
    ["rejected", "drop", ...state(stage), "with-one", ""],
  );
  assertEquals(unset.code, 2, unset.stdout);
  const drop = await runProgram(
    ["rejected", "drop", ...state(stage), "(no id)"],
  );
  assertEquals(drop.stdout, "1 dropped\n", drop.stderr);
  const left = await runProgram(["rejected", "list", ...state(stage)]);
  assertMatch(left.stdout, /^\S+ {2}with-one {2}.*\n$/);
});

Deno.test("events that are sent again to a receiver that does not answer stay set aside, and it is left with 75", async () => {
  await using stage = await setStage({ size: 20 });
  const id = [...stage.teleport.log.ids()][10] ?? "";
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [id] });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);
  stage.fluentd.faults.clear();
  stage.fluentd.faults.add({ kind: "status", status: 503 });

  const retry = await runProgram(["rejected", "retry", ...target(stage)]);
  assertEquals(retry.code, 75, retry.stderr);
  assertMatch(
    retry.stderr,
    /0 delivered, 0 still refused; the others could not be sent.*503/,
  );
  assertEquals(retry.stdout, "");
  stage.fluentd.faults.clear();
  const again = await runProgram(["rejected", "retry", ...target(stage)]);
  assertEquals(again.code, 0, again.stderr);
  assertEquals(
    stage.fluentd.received.compare([...stage.teleport.log.ids()]),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("what a receiver said of a refused event does not command the terminal", async () => {
  await using stage = await setStage({ size: 20 });
  const id = [...stage.teleport.log.ids()][10] ?? "";
  stage.fluentd.faults.add({
    kind: "status",
    status: 400,
    ids: [id],
    body: "no \x1b[2Jthanks",
  });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);
  const list = await runProgram(["rejected", "list", ...state(stage)]);
  const retry = await runProgram(["rejected", "retry", ...target(stage)]);
  for (const { stdout } of [list, retry]) {
    assertMatch(stdout, /no \\u001b\[2Jthanks/);
  }
});

Deno.test("what either side said as the last thing does not command the terminal", async () => {
  await using stage = await setStage({ size: 20 });
  const id = [...stage.teleport.log.ids()][10] ?? "";
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [id] });
  assertEquals((await runProgram(stage.start(EXIT))).code, 3);
  stage.fluentd.faults.clear();
  const body = "no \x1b[2Jthanks";
  stage.fluentd.faults.add({ kind: "status", status: 503, body });
  const retry = await runProgram(["rejected", "retry", ...target(stage)]);
  assertEquals(retry.code, 75, retry.stderr);
  assertMatch(retry.stderr, /no \\u001b\[2Jthanks"\n$/);
  stage.teleport.faults.add({
    kind: "status",
    code: "PERMISSION_DENIED",
    details: "no \x1b[2Jway",
  });
  const check = await runProgram(["check", ...stage.start().slice(1)]);
  assertMatch(check.stdout, /access denied.* \(no \\u001b\[2Jway\)\n/);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`a long list that nobody reads further ends at ${signal}`, async () => {
    await using stage = await setStage({ size: 20 });
    const id = [...stage.teleport.log.ids()][10] ?? "";
    stage.fluentd.faults.add({ kind: "status", status: 400, ids: [id] });
    assertEquals((await runProgram(stage.start(EXIT))).code, 3);
    await repeatSetAside(stage, 5_000);
    const pipe = join(stage.directory, "pipe");
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    await using program = new Program(["rejected", "list", ...state(stage)], {
      shell: `exec "$@" >${pipe}`,
    });
    using reader = await Deno.open(pipe);
    await reader.read(new Uint8Array(100));
    program.kill(signal);
    await waitUntil("the program to end", () => program.hasEnded);
    assertEquals((await program.outcome()).signal, signal);
  });
}

/** As if so many events like those that are set aside had been. */
async function repeatSetAside(
  { stateDirectory }: Stage,
  times: number,
): Promise<void> {
  const directory = join(stateDirectory, "rejected");
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.repeat(times));
  }
}
