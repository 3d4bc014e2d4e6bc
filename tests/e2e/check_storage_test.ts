import { join } from "node:path";
import { formatDocument } from "../../lib/state/document.ts";
import { assertEquals, assertMatch } from "../assert.ts";
import { CLUSTER_NAME } from "../fakes/log_event.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { sampleDocument } from "../state/sample_document.ts";
import { leaveGoState } from "./go_leftovers.ts";
import { check } from "./check_setup.ts";
import { setStage } from "./stage.ts";

Deno.test("a storage that cannot be written is told with its path", async () => {
  await using stage = await setStage();
  const file = join(stage.directory, "a-file");
  await Deno.writeTextFile(file, "");
  const { code, found, failed } = await check(stage, {
    replace: [`--storage=${file}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Storage/directory"]);
  assertMatch(found["Storage/directory"] ?? "", /cannot write in .*a-file/);
});

Deno.test("a storage that may not even be looked at is told with its path, and not taken for one to be created", async () => {
  await using stage = await setStage();
  // What is in /proc is closed to a program with limited permissions.
  const { code, found, failed } = await check(stage, {
    replace: ["--storage=/proc/storage"],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Storage/directory"]);
  assertMatch(
    found["Storage/directory"] ?? "",
    /cannot look at \/proc\/storage\/\S+: Deno keeps programs out of \/dev, \/proc and \/sys: name another storage$/,
  );
});

Deno.test("what is set aside and cannot be read, which no run begins with, is told", async () => {
  await using stage = await setStage({ size: 3 });
  const path = join(stage.stateDirectory, "rejected", "2026-01-01.jsonl");
  await Deno.mkdir(path, { recursive: true });
  const { found, failed } = await check(stage);
  assertEquals(failed, ["Storage/state"]);
  const { code, stderr } = await runProgram(stage.start());
  assertEquals(code, 1);
  for (const text of [found["Storage/state"] ?? "", stderr]) {
    assertMatch(
      text,
      RegExp(`: cannot read what is set aside in ${path}: Is a directory`),
    );
  }
});

Deno.test("a storage in use, and the state in it, are told", async () => {
  await using stage = await setStage({ size: 3 });
  await using program = new Program(stage.start());
  await stage.fluentd.received.until(({ events }) => events === 3);
  const { code, found, failed } = await check(stage);
  assertEquals(code, 1);
  assertEquals(failed, ["Storage/lock"]);
  assertMatch(
    found["Storage/lock"] ?? "",
    new RegExp(`in use by process ${program.pid} since`),
  );
  assertMatch(
    found["Storage/state"] ?? "",
    new RegExp(`^ok: of the cluster ${CLUSTER_NAME}`),
  );
  program.kill("SIGTERM");
  await program.outcome();
  assertEquals((await check(stage)).code, 0);
});

Deno.test("the Go handler's state is told, and what keeps it from being taken over", async () => {
  await using stage = await setStage({ size: 100 });
  await leaveGoState(stage);
  const { code, found } = await check(stage);
  assertEquals(code, 0);
  assertEquals(
    found["Storage/state"],
    "ok: the Go handler's, begun with 2026-01-01T00:00:00Z, is taken over",
  );
  await leaveGoState(stage, { "window_time": "last week" });
  const damaged = await check(stage);
  assertEquals(damaged.failed, ["Storage/state"]);
  assertMatch(damaged.found["Storage/state"] ?? "", /window_time.* is damaged/);
});

Deno.test("a start time that is not that of the state is told", async () => {
  await using stage = await setStage({ size: 100 });
  await leaveGoState(stage);
  const replace = ["--start-time=2025-12-31T00:00:00Z"];
  const told = /^failed: start-time is .* was begun with 2026-01-01T00:00:00Z/;
  const before = await check(stage, { replace });
  assertEquals(before.failed, ["Storage/state"]);
  assertMatch(before.found["Storage/state"] ?? "", told);
  assertEquals((await runProgram(stage.start("--exit-on-last-event"))).code, 0);
  const after = await check(stage, { replace });
  assertEquals(after.failed, ["Storage/state"]);
  assertMatch(after.found["Storage/state"] ?? "", told);
});

Deno.test("the state of another cluster is told", async () => {
  await using stage = await setStage();
  await Deno.mkdir(stage.stateDirectory, { recursive: true });
  await writeSecret(
    join(stage.stateDirectory, "state.json"),
    formatDocument({ ...sampleDocument(), cluster: "other.example.com" }),
  );
  const { code, found, failed } = await check(stage);
  assertEquals(code, 1);
  assertEquals(failed, ["Storage/state"]);
  assertMatch(
    found["Storage/state"] ?? "",
    /of the cluster other\.example\.com, but this one calls itself tele/,
  );
});
