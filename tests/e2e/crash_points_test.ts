import { join } from "node:path";
import { assertEquals } from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { runProgram } from "../fakes/program.ts";
import { generateRecording } from "../fakes/recordings.ts";
import { Ledger } from "./crash/ledger.ts";
import { readRemains } from "./crash/remains.ts";
import { NO_PROBLEMS } from "./crash/verdict.ts";
import { leaveGoState } from "./go_leftovers.ts";
import { KILL_AT } from "./other_mains.ts";
import { setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";

/** What the program does with files when it takes its directory. */
const LOCKING = ["open lock", "truncate lock", "write lock"];
/** When it saves its state. */
const SAVING = [
  "open state.json.tmp",
  "chmod state.json.tmp",
  "write state.json.tmp",
  "sync state.json.tmp",
  "rename state.json.tmp",
  "sync directory",
];
/** When it sets an event aside. */
const SETTING_ASIDE = [
  "mkdir rejected",
  "open jsonl",
  "truncate jsonl",
  "write jsonl",
  "sync jsonl",
  "sync rejected",
];

/** Runs the program until it is about to do that for the nth time, and is killed. */
async function killAt(
  point: string,
  nth: number,
  args: readonly string[],
): Promise<void> {
  const { signal, stderr } = await runProgram([String(nth), point, ...args], {
    main: KILL_AT,
  });
  assertEquals(signal, "SIGKILL", `${point}, ${nth}: ${stderr}`);
}

/** Some events, one of them refused, and a recording. */
function happen({ teleport: { log } }: Stage, ledger: Ledger): void {
  const timeMs = Date.now() - 1_000;
  for (const refused of [false, true, false]) {
    const event = logEvent("user.login", { timeMs });
    log.append(event);
    ledger.expect({ event, refused });
  }
  const sid = crypto.randomUUID();
  const upload = logEvent("session.upload", { timeMs, fields: { sid } });
  const { events } = generateRecording({
    seed: 1,
    sessionId: sid,
    endUs: timeMs * 1_000,
    length: 5,
  });
  log.putRecording(sid, [...events()]);
  ledger.expectRecording(
    sid,
    Array.from(events(), (event) => ({ event, refused: event.index === 4 })),
  );
  log.append(upload);
  ledger.expect({ event: upload, refused: false });
}

Deno.test("killed at each step of locking, saving and setting aside, half-way through a write too, it loses nothing", async () => {
  const ledger = new Ledger();
  await using stage = await setStage({ startMs: Date.now() - 60_000 }, {
    onStored: (tag, records, answered) =>
      ledger.arrived(tag, records, answered),
  });
  stage.fluentd.faults.add({
    kind: "status",
    status: 400,
    where: (record) => ledger.refuses(record),
  });
  const args = stage.start(EXIT, "--skip-session-types=");
  for (const nth of [1, 2]) {
    const points = [...SAVING, ...SETTING_ASIDE];
    if (nth === 1) points.unshift("mkdir directory", ...LOCKING);
    for (const point of points) {
      happen(stage, ledger);
      ledger.runBegins({ answersArrive: true });
      await killAt(point, nth, args);
      ledger.runEnded(await readRemains(stage));
    }
  }
  ledger.runBegins({ answersArrive: true });
  const { code, stderr } = await runProgram(args);
  ledger.runEnded(await readRemains(stage));
  assertEquals(code, 3, stderr);
  assertEquals(ledger.problems(), NO_PROBLEMS);
});

Deno.test("killed at each step of taking over the Go handler's state, it loses nothing", async () => {
  await using stage = await setStage({ size: 60, uploadEvery: 15 });
  const { received } = stage.fluentd;
  const args = stage.start(EXIT, "--window-size=8760h");
  for (const point of [...LOCKING, ...SAVING]) {
    const { expected, files } = await leaveGoState(stage);
    await killAt(point, 1, args);
    const { code, stderr } = await runProgram(args);
    assertEquals(code, 0, stderr);
    const { missing, unexpected } = received.compare(expected);
    assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
    for (const [name, content] of Object.entries(files)) {
      const path = join(stage.stateDirectory, name);
      assertEquals(await Deno.readFile(path), content);
    }
    await Deno.remove(stage.stateDirectory, { recursive: true });
  }
});
