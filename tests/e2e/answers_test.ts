import { assert, assertEquals, assertMatch } from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { FAST_CLOCK, MISCOUNTING } from "./other_mains.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

/** The ids that `rejected list` shows. */
async function rejectedIds(stage: Stage): Promise<string[]> {
  const { stdout } = await runProgram([
    "rejected",
    "list",
    "--json",
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ]);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line).id);
}

Deno.test("what may be over soon is sent again, and arrives once", async () => {
  await using stage = await setStage({ size: 400 });
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    stage.fluentd.faults.add({ kind: "status", status, times: 1 });
  }
  const { code, stderr } = await runProgram(
    stage.start(EXIT, "--fluentd-batch=20"),
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
  assertMatch(stderr, /WARN +delivery of events fails, retrying/);
  assert(!stderr.includes("ERROR"), stderr);
  assertEquals(await rejectedIds(stage), []);
});

Deno.test("a receiver that names a time is not asked before it", async () => {
  await using stage = await setStage({ size: 10 });
  stage.fluentd.faults.add({
    kind: "status",
    status: 429,
    retryAfterS: 2,
    times: 1,
  });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  // Without Retry-After the first wait is at most half a second.
  assertMatch(stderr, /answered 429.*wait_seconds=2/);
  const [refused, taken] = stage.fluentd.received.requests;
  assertEquals([refused?.outcome, taken?.outcome], [429, 200]);
  assert((taken?.endedMs ?? 0) - (refused?.endedMs ?? 0) >= 2_000);
});

Deno.test("400, 413, 422 and 501 set aside the events that are the cause, and no others", async () => {
  await using stage = await setStage({ size: 300 });
  const ids = [...stage.teleport.log.ids()];
  const refused = new Map([[400, 20], [413, 100], [422, 101], [501, 299]]);
  for (const [status, place] of refused) {
    stage.fluentd.faults.add({
      kind: "status",
      status,
      ids: [ids[place] ?? ""],
    });
  }
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 3, stderr);
  const setAside = [...refused.values()].map((place) => ids[place] ?? "");
  assertEquals((await rejectedIds(stage)).toSorted(), setAside.toSorted());
  assertEquals(
    stage.fluentd.received.compare(ids.filter((id) => !setAside.includes(id))),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("an event larger than Fluentd's chunk is set aside, and the others arrive twice at most", async () => {
  await using stage = await setStage({ size: 1_000 });
  const timeMs = Date.UTC(2026, 0, 1, 0, 10);
  const huge = Array.from(
    { length: 3 },
    () => logEvent("exec", { timeMs, fields: { command: "x".repeat(40_000) } }),
  );
  stage.teleport.append(...huge);
  const hugeIds = huge.map(({ id }) => id);
  stage.fluentd.faults.add({ kind: "chunk limit", ids: hugeIds });
  const { code, stderr } = await runProgram(
    stage.start(EXIT, "--fluentd-max-connections=1", "--fluentd-batch=100"),
  );
  assertEquals(code, 3, stderr);
  assertEquals((await rejectedIds(stage)).toSorted(), hugeIds.toSorted());
  const expected = [...stage.teleport.log.ids()]
    .filter((id) => !hugeIds.includes(id));
  const { missing, unexpected, duplicates } = stage.fluentd.received
    .compare(expected);
  assertEquals([missing, unexpected], [[], []]);
  // One request was answered so, and each other event of it was kept once more.
  assert(duplicates.length < 100, `${duplicates.length} duplicates`);
  assertEquals(new Set(duplicates).size, duplicates.length);
});

Deno.test("a destination that is wrong as a whole is told as an error with what to fix, and nothing is set aside", async () => {
  await using stage = await setStage({ size: 400 });
  const remedies = [
    [401, "check fluentd-cert, fluentd-header"],
    [403, "check fluentd-cert, fluentd-header"],
    [404, "is the path in fluentd-url right"],
    [405, "is the path in fluentd-url right"],
    [415, "check fluentd-header and fluentd-compress"],
    [302, "correct fluentd-url"],
  ] as const;
  for (const [status] of remedies) {
    stage.fluentd.faults.add({ kind: "status", status, times: 1 });
  }
  const { code, stderr } = await runProgram(
    stage.start(EXIT, "--fluentd-batch=20"),
  );
  assertEquals(code, 0, stderr);
  for (const [status, remedy] of remedies) {
    assertMatch(
      stderr,
      new RegExp(`ERROR delivery .*answered ${status}: .*${remedy}`),
    );
  }
  assertEquals(await rejectedIds(stage), []);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("past retry-timeout the run ends with 75, and the next one goes on behind what arrived", async () => {
  await using stage = await setStage({ size: 300, uploadEvery: 100 });
  const ids = [...stage.teleport.log.ids()];
  stage.fluentd.faults.add({
    kind: "status",
    status: 503,
    ids: [ids[150] ?? ""],
  });
  const first = await runProgram(
    stage.start(
      EXIT,
      "--retry-timeout=1s",
      "--fluentd-batch=20",
      "--fluentd-max-connections=1",
    ),
  );
  assertEquals(first.code, 75, first.stderr);
  assertMatch(first.stderr, /gave up after .* answered 503/);
  assertEquals(stage.fluentd.received.ids("test.log").length, 140);
  stage.fluentd.faults.clear();
  const second = await runProgram(stage.start(EXIT));
  assertEquals(second.code, 0, second.stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("by default a receiver that does not let us in is retried until it does", async () => {
  await using stage = await setStage({ size: 10 });
  stage.fluentd.faults.add({ kind: "status", status: 401 });
  await using program = new Program(stage.start());
  await waitUntil(
    "three attempts",
    () => (stage.fluentd.received.summary().outcomes[401] ?? 0) >= 3,
  );
  stage.fluentd.faults.clear();
  await stage.fluentd.received.until(({ events }) => events === 10);
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
  assertEquals(await rejectedIds(stage), []);
});

Deno.test("a receiver that is away is asked again after half a second at most, and in the end half a minute", async () => {
  await using stage = await setStage({ size: 10 });
  await stage.fluentd.stop();
  await using program = new Program(stage.start(), {
    main: FAST_CLOCK,
  });
  const waits = () =>
    Array.from(
      program.stderr.matchAll(
        /delivery of events fails, .* attempt=(\d+) wait_seconds=(\d+)/g,
      ),
      ([, attempt, seconds]) => [Number(attempt), Number(seconds)] as const,
    );
  // It is told of once a minute.
  await waitUntil("twelve words of it", () => waits().length >= 12);
  for (const [attempt, seconds] of waits()) {
    assert(
      seconds <= Math.min(30, Math.ceil(0.5 * 2 ** (attempt - 1))),
      program.stderr,
    );
  }
  // Of so many waits up to 30 s, one is long.
  assert(waits().some(([, seconds]) => seconds > 10), program.stderr);
  await stage.fluentd.start();
  await stage.fluentd.received.until(({ events }) => events === 10);
});

Deno.test("an event that has no account is an error while the program runs, and ends with 1", async () => {
  await using stage = await setStage({ size: 10 });
  const options = { main: MISCOUNTING };
  const told = / ERROR events read are not the events .* missing=-\d/;
  {
    await using program = new Program(stage.start(), options);
    await waitUntil("an error", () => told.test(program.stderr));
    assert(!program.hasEnded);
  }
  await Deno.remove(stage.storage, { recursive: true });
  const { code, stderr } = await runProgram(stage.start(EXIT), options);
  assertEquals(code, 1, stderr);
  assertMatch(stderr, told);
});
