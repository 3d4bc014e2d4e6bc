import { assertEquals, assertMatch } from "../assert.ts";
import { runProgram } from "../fakes/program.ts";
import { COMPLETE_AND_ONCE, setStage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

Deno.test("an event that Teleport cannot answer with is left out, loudly and on record, and the rest arrives", async () => {
  await using stage = await setStage({ size: 300 });
  const { log } = stage.teleport;
  const fat = log.at(123);
  stage.teleport.faults.add({ kind: "page too large", id: fat.id });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 3, stderr);
  assertEquals(
    stage.fluentd.received.compare(
      [...log.ids()].filter((id) => id !== fat.id),
    ),
    COMPLETE_AND_ONCE,
  );
  assertMatch(stderr, /ERROR an event is too large for Teleport .*left out/);

  const where = [
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ];
  const list = await runProgram(["rejected", "list", "--json", ...where]);
  const { id, between: [from, to], reason } = JSON.parse(list.stdout);
  const timeMs = fat.timeUs / 1_000;
  assertEquals(
    Date.parse(from) <= timeMs && timeMs < Date.parse(to),
    true,
    `${from} to ${to}`,
  );
  assertMatch(reason, /too large for Teleport to answer with/);

  const target = stage.start().filter((arg) =>
    /^--(fluentd|stor|teleport-addr)/.test(arg)
  );
  const retry = await runProgram(["rejected", "retry", ...target]);
  assertEquals(retry.code, 3);
  assertMatch(retry.stdout, /Teleport has not sent it/);
  const drop = await runProgram(["rejected", "drop", ...where, id]);
  assertEquals(drop.stdout, "1 dropped\n", drop.stderr);
});

Deno.test("a Teleport that throttles is waited for", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 50 });
  stage.teleport.faults.add(
    {
      kind: "status",
      code: "RESOURCE_EXHAUSTED",
      details: "rate limit exceeded",
      method: "GetUnstructuredEvents",
      times: 3,
    },
    {
      kind: "status",
      code: "RESOURCE_EXHAUSTED",
      details: "rate limit exceeded",
      method: "StreamUnstructuredSessionEvents",
      times: 2,
    },
  );
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN +reading from Teleport fails.*rate limit exceeded/);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("cursors that lead nowhere are told, and the log is read past them", async () => {
  await using stage = await setStage({ size: 300 });
  stage.teleport.faults.add(
    { kind: "empty page", times: 3 },
    { kind: "stuck cursor", lastKey: "same", times: 2 },
  );
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /INFO +cursor shows nothing, reading from the newest/);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});
