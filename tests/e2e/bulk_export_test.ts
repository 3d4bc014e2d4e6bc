import { join } from "node:path";
import type { StatusReport } from "../../lib/operate/status_report.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { startListening } from "./listening.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
const EXPORT = { exportSupported: true };
const DAY_MS = 24 * 60 * 60_000;

/** Several days, each in several chunks, with recordings. */
const LOG = {
  size: 3_000,
  spacingMs: 100_000,
  exportChunkEvents: 200,
  uploadEvery: 100,
};

/** The same until a few hours ago, so that its last days are still looked at. */
function recentLog(spacingMs: number, hours: number) {
  const endMs = Date.now() - hours * 60 * 60_000;
  const startMs = Math.floor((endMs - LOG.size * spacingMs) / 1_000) * 1_000;
  return { ...LOG, spacingMs, startMs };
}

/** Runs the program to the end of the log. */
async function runToEnd(stage: Stage, ...more: string[]): Promise<string> {
  const { code, stderr } = await runProgram(stage.start(EXIT, ...more));
  assertEquals(code, 0, stderr);
  return stderr;
}

async function storedPosition({ stateDirectory }: Stage) {
  const path = join(stateDirectory, "state.json");
  return JSON.parse(await Deno.readTextFile(path)).position;
}

function assertCompleteAndOnce(stage: Stage): void {
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
}

Deno.test("a bulk export of several days arrives complete and once, recordings too", async () => {
  await using stage = await setStage({ ...LOG, size: 6_000 }, EXPORT);
  assertMatch(await runToEnd(stage), /started .* by="?bulk export/);
  assertCompleteAndOnce(stage);
  const { requests, openCalls } = stage.teleport;
  assertEquals(requests.GetUnstructuredEvents.length, 0);
  assertEquals(openCalls, 0);
  // What is over is forgotten, and what is not read again: today and yesterday,
  // and the last two days with events, as no later event says that they are over.
  const { days } = await storedPosition(stage);
  assertEquals(Object.keys(days).length, 4);
  await runToEnd(stage);
  assertCompleteAndOnce(stage);
});

Deno.test("chunks that go from Teleport before they are read are left out, loudly and on record, and the rest arrives", async () => {
  await using stage = await setStage(LOG, EXPORT);
  await runToEnd(stage);
  const path = join(stage.stateDirectory, "state.json");
  const state = JSON.parse(await Deno.readTextFile(path));
  const day = "2025-12-15";
  state.position.days[day] = { done: ["read"], cursors: { lost: "7" } };
  await Deno.writeTextFile(path, JSON.stringify(state));

  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 3, stderr);
  assertMatch(stderr, /ERROR chunks .* gone from Teleport.* left out/);
  assertCompleteAndOnce(stage);
  assert(!(day in (await storedPosition(stage)).days));
  const list = await runProgram([
    ...["rejected", "list", "--json"],
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ]);
  const { between, reason } = JSON.parse(list.stdout);
  assertEquals(between, [
    "2025-12-15T00:00:00.000Z",
    "2025-12-16T00:00:00.000Z",
  ]);
  assertMatch(reason, /1 chunk of 2025-12-15 is gone from Teleport: lost$/);
});

Deno.test("every exported event arrives exactly as Teleport has it", async () => {
  await using stage = await setStage({ ...LOG, size: 600 }, EXPORT);
  await runToEnd(stage);
  const byId = new Map(
    stage.fluentd.received.records("test.log")
      .map((record) => [record.uid, record]),
  );
  for (const { id, json } of stage.teleport.log.events()) {
    assertEquals(byId.get(id), json);
  }
});

Deno.test("an export that is stopped by SIGTERM again and again delivers each event exactly once", async () => {
  await using stage = await setStage(LOG, EXPORT);
  stage.fluentd.faults.add({ kind: "delay", ms: 20 });
  const { received } = stage.fluentd;
  for (let stop = 1; stop <= 5; stop++) {
    await using program = new Program(stage.start("--fluentd-batch=20"));
    const before = received.events;
    await waitUntil("events to arrive", () => received.events > before + 100);
    program.kill("SIGTERM");
    const { code, stderr } = await program.outcome();
    assertEquals(code, 0, stderr);
    await waitUntil("no call to be open", () => stage.teleport.openCalls === 0);
  }
  await runToEnd(stage);
  assertCompleteAndOnce(stage);
});

Deno.test("an export that is killed while chunks are cut and events appended loses nothing", async () => {
  await using stage = await setStage(recentLog(50_000, 6), EXPORT);
  const { teleport, fluentd: { faults, received } } = stage;
  faults.add({ kind: "delay", ms: 10 });
  teleport.faults.add({ kind: "cut", after: 90, times: 3 });
  for (let kill = 1; kill <= 5; kill++) {
    await using program = new Program(stage.start("--fluentd-batch=20"));
    const before = received.events;
    await waitUntil("events to arrive", () => received.events > before + 100);
    teleport.log.grow(50);
    program.kill("SIGKILL");
    assertEquals((await program.outcome()).signal, "SIGKILL");
  }
  await runToEnd(stage);
  const { missing, unexpected } = received.compare(stage.expectedIds());
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("outages of both sides while chunks are exported lose nothing", async () => {
  await using stage = await setStage({ ...LOG, size: 5_000 }, EXPORT);
  const { teleport, fluentd } = stage;
  fluentd.faults.add({ kind: "delay", ms: 5 });
  await using program = new Program(stage.start(EXIT, "--fluentd-batch=50"));
  await fluentd.received.until(({ events }) => events > 500);
  await teleport.restart();
  await fluentd.received.until(({ events }) => events > 1_500);
  await fluentd.restart();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  const { missing, unexpected } = fluentd.received.compare(stage.expectedIds());
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("types, and types to skip, hold for a bulk export, and so does the start time", async () => {
  await using stage = await setStage({ ...LOG, size: 2_000 }, EXPORT);
  const all = [...stage.teleport.log.events()];
  const names = [...new Set(all.map(({ type }) => type))]
    .filter((type) => type !== "session.upload");
  const [skipped = "", ...types] = names.slice(0, 8);
  // In the middle of a day, and of its chunks.
  const startMs = stage.startMs + DAY_MS + DAY_MS / 2;
  const args = stage.start(
    EXIT,
    `--types=${[skipped, ...types].join(",")}`,
    `--skip-event-types=${skipped}`,
  ).map((arg) =>
    arg.startsWith("--start-time=")
      ? `--start-time=${new Date(startMs).toISOString()}`
      : arg
  );
  const { code, stderr } = await runProgram(args);
  assertEquals(code, 0, stderr);
  const expected = all.filter(({ type, timeUs }) =>
    types.includes(type) && timeUs >= startMs * 1_000
  );
  assert(expected.length > 50 && expected.length < all.length / 2);
  assertEquals(
    stage.fluentd.received.compare(expected.map(({ id }) => id)),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("chunks that appear while the program runs arrive: today's, and yesterday's", async () => {
  await using stage = await setStage(
    { size: 50, startMs: Math.floor(Date.now() / 1_000) * 1_000 - 2 * DAY_MS },
    EXPORT,
  );
  await using program = new Program(stage.start("--timeout=100ms"));
  const { received } = stage.fluentd;
  await received.until(({ events }) => events === 50);
  for (const [i, ageMs] of [1_000, DAY_MS, 2_000].entries()) {
    const timeMs = Math.floor(Date.now()) - ageMs;
    stage.teleport.append(logEvent("user.login", { timeMs }));
    await received.until(({ events }) => events === 51 + i);
  }
  program.kill("SIGINT");
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertCompleteAndOnce(stage);
});

Deno.test("while an export catches up it is as far behind as its start, and not at all at its end", async () => {
  const size = 600;
  const startMs = Math.floor(Date.now() / 1_000 - size) * 1_000;
  await using stage = await setStage(
    { size, startMs, spacingMs: 1_000, exportChunkEvents: 100 },
    EXPORT,
  );
  stage.fluentd.faults.add({ kind: "delay", ms: 200 });
  await using listening = await startListening(
    stage.start("--fluentd-batch=50", "--fluentd-max-connections=1"),
  );
  const reports: StatusReport[] = [];
  await listening.until("everything to be delivered", (report) => {
    reports.push(report);
    return report.run?.state.name === "caught up";
  });
  const under = reports.filter(({ run }) => {
    const { delivered = 0 } = run?.events.audit ?? {};
    return delivered > 0 && delivered < size;
  });
  assert(under.length > 0);
  for (const { time, run } of under) {
    const behind = (Date.parse(time) - startMs) / 1_000;
    assert(Math.abs((run?.lagSeconds ?? 0) - behind) < 1, run?.state.text);
  }
  assertEquals(reports.at(-1)?.run?.lagSeconds, 0);
});

Deno.test("an export that hangs is stopped by SIGTERM at once, and goes on later", async () => {
  await using stage = await setStage({ ...LOG, size: 500 }, EXPORT);
  stage.teleport.faults.add({ kind: "stall", after: 20 });
  await using program = new Program(stage.start());
  // The list of the first day stalls nowhere: it has no 20 chunks.
  await stage.fluentd.received.until(({ events }) => events >= 60);
  program.kill("SIGTERM");
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  await waitUntil(
    "no call to be open",
    () => stage.teleport.openCalls === 0,
  );
  stage.teleport.faults.clear();
  await runToEnd(stage);
  assertCompleteAndOnce(stage);
});

Deno.test("an event of an export that is refused is set aside, and the rest arrives", async () => {
  await using stage = await setStage({ size: 300 }, EXPORT);
  const ids = [...stage.teleport.log.ids()];
  const refused = ids[123] ?? "";
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [refused] });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 3, stderr);
  assertEquals(
    stage.fluentd.received.compare(ids.filter((id) => id !== refused)),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("a dry run prints what a bulk export has", async () => {
  await using stage = await setStage({ size: 120 }, EXPORT);
  const { code, stdout, stderr } = await runProgram(stage.dryRun(EXIT));
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout.trim().split("\n").map((line) => JSON.parse(line).uid).sort(),
    [...stage.teleport.log.ids()].sort(),
  );
});

Deno.test("a cluster that gains bulk export, and loses it, and gains it again: nothing is lost", async () => {
  await using stage = await setStage(recentLog(10_000, 9));
  const { teleport, fluentd: { received } } = stage;
  await runToEnd(stage);
  assertEquals((await storedPosition(stage)).kind, "page");
  teleport.log.grow(500);
  teleport.exportSupported = true;
  await teleport.restart();
  // Old events: which of them pages have shown is known exactly.
  assertMatch(
    await runToEnd(stage),
    /caught up by pages, bulk export takes over/,
  );
  assertEquals((await storedPosition(stage)).kind, "export");
  assertCompleteAndOnce(stage);
  teleport.log.grow(500);
  await runToEnd(stage);
  assertCompleteAndOnce(stage);

  teleport.log.grow(500);
  teleport.exportSupported = false;
  await teleport.restart();
  assertMatch(await runToEnd(stage), /WARN .*no bulk export any more.* since=/);
  teleport.log.grow(500);
  teleport.exportSupported = true;
  await teleport.restart();
  await runToEnd(stage);
  const { missing, unexpected } = received.compare(stage.expectedIds());
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("pages that take over from bulk export send nothing of before the start time", async () => {
  const log = recentLog(10_000, 9);
  await using stage = await setStage(log, EXPORT);
  const { teleport, fluentd: { received } } = stage;
  const startMs = log.startMs + log.size * log.spacingMs / 2;
  const startTime = `--start-time=${new Date(startMs).toISOString()}`;
  const args = stage.start(EXIT, "--types=user.login,exec")
    .map((arg) => arg.startsWith("--start-time=") ? startTime : arg);
  assertEquals((await runProgram(args)).code, 0);
  teleport.exportSupported = false;
  await teleport.restart();
  const { code, stderr } = await runProgram(args);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN .*no bulk export any more/);
  const expected = Array.from(teleport.log.events())
    .filter(({ type, timeUs }) =>
      ["user.login", "exec"].includes(type) && timeUs >= startMs * 1_000
    );
  const ids = expected.map(({ id }) => id);
  const { missing, unexpected } = received.compare(ids);
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("a cluster that fails when it is asked for bulk export is asked again", async () => {
  await using stage = await setStage({ ...LOG, size: 400 }, EXPORT);
  const { faults } = stage.teleport;
  const method = "GetEventExportChunks";
  faults.add({ kind: "status", code: "UNAVAILABLE", method, times: 2 });
  assertMatch(await runToEnd(stage), / started .* by="bulk export"/);
  assertCompleteAndOnce(stage);
});

Deno.test("start-id is looked up in pages, and bulk export takes over from there", async () => {
  await using stage = await setStage(
    { ...LOG, size: 1_000, uploadEvery: 0 },
    EXPORT,
  );
  const ids = [...stage.teleport.log.ids()];
  const stderr = await runToEnd(stage, `--start-id=${ids[599]}`);
  assertMatch(stderr, /bulk export takes over/);
  assertEquals(
    stage.fluentd.received.compare(ids.slice(600)),
    COMPLETE_AND_ONCE,
  );
  assertEquals((await storedPosition(stage)).kind, "export");
});
