import { assert, assertEquals, assertMatch } from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { setStage, type Stage } from "./stage.ts";

const MINUTE_MS = 60_000;
const EXIT = "--exit-on-last-event";
const LOCKS = [
  "--lock-enabled",
  "--lock-failed-attempts-count=3",
  "--lock-period=1m",
];

/** Somebody fails to log in so often, one second after the other. */
function failLogins(
  { teleport }: Stage,
  { user, times, fromMs }: { user: string; times: number; fromMs: number },
): void {
  const fields = { user, success: false };
  for (let i = 0; i < times; i++) {
    const timeMs = Math.floor(fromMs) + i * 1_000;
    teleport.append(logEvent("user.login", { timeMs, fields }));
  }
}

function lockNames({ teleport }: Stage): (string | undefined)[] {
  return teleport.locks.map(({ metadata }) => metadata?.name);
}

Deno.test("who fails to log in too often is locked, and who did so long ago is not", async () => {
  await using stage = await setStage({ size: 20 });
  const nowMs = Date.now();
  failLogins(stage, {
    user: "old",
    times: 9,
    fromMs: nowMs - 60 * MINUTE_MS,
  });
  failLogins(stage, { user: "alice", times: 5, fromMs: nowMs - MINUTE_MS });
  failLogins(stage, { user: "bob", times: 2, fromMs: nowMs - MINUTE_MS });
  const { code, stderr } = await runProgram(
    stage.start(EXIT, ...LOCKS, "--lock-for=1h"),
  );
  assertEquals(code, 0, stderr);
  assertEquals(lockNames(stage), ["event-handler-auto-lock-alice-"]);
  const expiresS = Number(stage.teleport.locks[0]?.spec?.expires?.seconds);
  assert(Math.abs(expiresS - (Date.now() / 1_000 + 3_600)) < 600);
  assertMatch(stderr, /user locked: too many failed logins user=alice until=/);
});

Deno.test("nobody is locked a second time for what is read again after a kill", async () => {
  await using stage = await setStage();
  // Nothing is delivered, so that everything will be read again.
  stage.fluentd.faults.add({ kind: "status", status: 503 });
  failLogins(stage, {
    user: "alice",
    times: 3,
    fromMs: Date.now() - MINUTE_MS,
  });
  await using program = new Program(stage.start(...LOCKS));
  await waitUntil("a lock", () => stage.teleport.locks.length === 1);
  const state = `${stage.stateDirectory}/state.json`;
  await waitUntil(
    "the saved lock",
    async () => (await Deno.readTextFile(state)).includes("alice"),
  );
  program.kill("SIGKILL");
  await program.outcome();
  stage.fluentd.faults.clear();
  failLogins(stage, {
    user: "bob",
    times: 3,
    fromMs: Date.now() - MINUTE_MS,
  });
  const { code, stderr } = await runProgram(stage.start(EXIT, ...LOCKS));
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.events, 6);
  assertEquals(lockNames(stage), [
    "event-handler-auto-lock-alice-",
    "event-handler-auto-lock-bob-",
  ]);
});

Deno.test("a role without the right to lock is told once, with its rule, and all events arrive", async () => {
  await using stage = await setStage();
  stage.teleport.faults.add({
    kind: "status",
    code: "PERMISSION_DENIED",
    method: "UpsertLock",
  });
  for (const user of ["alice", "bob", "carol"]) {
    failLogins(stage, { user, times: 3, fromMs: Date.now() - MINUTE_MS });
  }
  const { code, stderr } = await runProgram(stage.start(EXIT, ...LOCKS));
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.events, 9);
  assertEquals(stage.teleport.requests.UpsertLock.length, 3);
  assertEquals(
    stderr.match(/WARN .*the role needs the rule .*lock: create, update/g)
      ?.length,
    1,
    stderr,
  );
});

Deno.test("a lock that fails holds up no event, and is made in the end", async () => {
  await using stage = await setStage();
  stage.teleport.faults.add({
    kind: "status",
    code: "UNAVAILABLE",
    method: "UpsertLock",
    times: 2,
  });
  const fromMs = Date.now() - MINUTE_MS;
  failLogins(stage, { user: "alice", times: 3, fromMs });
  await using program = new Program(stage.start(...LOCKS, "--timeout=50ms"));
  await stage.fluentd.received.until(({ events }) => events === 3);
  await waitUntil("the lock", () => stage.teleport.locks.length === 1);
  assertEquals(stage.teleport.requests.UpsertLock.length, 3);
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
});

Deno.test("a dry run locks nobody", async () => {
  await using stage = await setStage();
  const fromMs = Date.now() - MINUTE_MS;
  failLogins(stage, { user: "alice", times: 9, fromMs });
  const { code, stdout, stderr } = await runProgram(
    stage.start(EXIT, ...LOCKS, "--dry-run"),
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trim().split("\n").length, 9);
  assertEquals(stage.teleport.requests.UpsertLock, []);
});

Deno.test("where types leaves out logins, it is said that nobody will be locked", async () => {
  await using stage = await setStage({ size: 5 });
  const { code, stderr } = await runProgram(
    stage.start(EXIT, ...LOCKS, "--types=exec"),
  );
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN .*lock-enabled has no effect: types leaves out/);
});
