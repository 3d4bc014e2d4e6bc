import { assert, assertEquals } from "../assert.ts";
import type { FaultRule } from "../fakes/fluentd_faults.ts";
import { Program, runProgram } from "../fakes/program.ts";
import type { Fault } from "../fakes/teleport_faults.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
/** Small requests, so that there are many for something to go wrong with. */
const ARGS = [EXIT, "--fluentd-batch=20", "--batch=25"];

async function setBusyStage(exportSupported = false): Promise<Stage> {
  const startMs = Date.now() - 60 * 60_000;
  return await setStage({ size: 400, uploadEvery: 40, startMs }, {
    exportSupported,
  });
}

/** What Fluentd may do, and whether events have been stored without our knowing. */
const FLUENTD: {
  readonly name: string;
  readonly fault: FaultRule;
  readonly args?: readonly string[];
  readonly storesUnseen?: boolean;
}[] = [
  {
    name: "hangs",
    fault: { kind: "hang", times: 3 },
    args: ["--fluentd-timeout=500ms"],
  },
  {
    name: "takes events and hangs",
    fault: { kind: "hang", stored: true, times: 3 },
    args: ["--fluentd-timeout=500ms"],
    storesUnseen: true,
  },
  { name: "answers slowly", fault: { kind: "delay", ms: 100 } },
  {
    name: "drops connections before the body",
    fault: { kind: "reset before body", times: 6 },
  },
  {
    name: "drops connections after the body",
    fault: { kind: "reset after body", stored: false, times: 6 },
  },
  {
    name: "takes events and drops connections",
    fault: { kind: "reset after body", stored: true, times: 6 },
    storesUnseen: true,
  },
  {
    name: "drops connections after it answered",
    fault: { kind: "close after answer", times: 20 },
  },
  { name: "fails", fault: { kind: "status", status: 500, times: 6 } },
  {
    name: "is overloaded",
    fault: { kind: "status", status: 429, retryAfterS: 1, times: 4 },
  },
];

for (const { name, fault, args = [], storesUnseen = false } of FLUENTD) {
  const times = storesUnseen ? "at least once" : "once";
  Deno.test(`through a Fluentd that ${name} everything arrives, ${times}`, async () => {
    await using stage = await setBusyStage();
    stage.fluentd.faults.add(fault);
    const { code, stderr } = await runProgram(stage.start(...ARGS, ...args));
    assertEquals(code, 0, stderr);
    const { duplicates, ...rest } = stage.fluentd.received.compare(
      stage.expectedIds(),
    );
    assertEquals({ ...rest, duplicates: [] }, COMPLETE_AND_ONCE);
    assertEquals(duplicates.length > 0, storesUnseen, `${duplicates}`);
  });
}

const TELEPORT: { readonly name: string; readonly faults: readonly Fault[] }[] =
  [
    {
      name: "throttles",
      faults: [{ kind: "status", code: "RESOURCE_EXHAUSTED", times: 3 }],
    },
    {
      name: "is away now and then",
      faults: [{ kind: "status", code: "UNAVAILABLE", times: 3 }],
    },
    { name: "answers slowly", faults: [{ kind: "slow", delayMs: 40 }] },
    { name: "cuts streams", faults: [{ kind: "cut", after: 7, times: 2 }] },
    {
      name: "has recordings late",
      faults: [
        { kind: "late recording", as: "empty", times: 1 },
        { kind: "late recording", as: "NOT_FOUND", times: 1 },
      ],
    },
  ];

for (const { name, faults } of TELEPORT) {
  for (const exportSupported of [false, true]) {
    const how = exportSupported ? "by bulk export" : "by pages";
    Deno.test(`from a Teleport that ${name} everything arrives, once, ${how}`, async () => {
      await using stage = await setBusyStage(exportSupported);
      stage.teleport.faults.add(...faults);
      const { code, stderr } = await runProgram(stage.start(...ARGS));
      assertEquals(code, 0, stderr);
      assertEquals(
        stage.fluentd.received.compare(stage.expectedIds()),
        COMPLETE_AND_ONCE,
      );
    });
  }
}

Deno.test("recordings that Teleport goes away from for longer than one is asked for are delivered by the same run", async () => {
  await using stage = await setBusyStage();
  const { received } = stage.fluentd;
  const method = "StreamUnstructuredSessionEvents";
  stage.teleport.faults.add({ kind: "slow", delayMs: 20, method });
  await using program = new Program(stage.start(...ARGS, "--debug"));
  await received.until((it) => it.tags().length > 1);
  await stage.teleport.stop();
  await waitUntil(
    "more tries than a recording has that is not there",
    () => /recording still cannot be read .*attempts=4/.test(program.stderr),
  );
  await stage.teleport.start();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertEquals(received.compare(stage.expectedIds()), COMPLETE_AND_ONCE);
});

for (const exportSupported of [false, true]) {
  const how = exportSupported ? "by bulk export" : "by pages";
  Deno.test(`while both ends restart again and again everything arrives, ${how}`, async () => {
    await using stage = await setBusyStage(exportSupported);
    const { received, faults } = stage.fluentd;
    faults.add({ kind: "delay", ms: 30 });
    await using program = new Program(stage.start(...ARGS));
    for (let restart = 1; restart <= 4; restart++) {
      await received.until(({ events }) => events >= 60 * restart);
      await stage.fluentd.restart();
      await stage.teleport.restart({ goodbye: restart % 2 === 0 });
    }
    const { code, stderr } = await program.outcome();
    assertEquals(code, 0, stderr);
    // A recording that Teleport did not give three times is named, and left for the next run.
    const left = [...stage.teleport.log.sessionIds()].filter((sessionId) =>
      stderr.includes(`left for the next run session=${sessionId}`)
    );
    const owed = left.flatMap((id) => [...stage.expectedRecording(id)]);
    const first = received.compare(stage.expectedIds());
    assertEquals(first.missing.filter((id) => !owed.includes(id)), [], stderr);
    const next = await runProgram(stage.start(...ARGS));
    assertEquals(next.code, 0, next.stderr);
    const { missing, unexpected } = received.compare(stage.expectedIds());
    assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
    assert(stderr.includes("works again"), stderr);
  });
}
