import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
} from "../assert.ts";
import { modeOf } from "../fakes/directory.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { identityText } from "../fakes/identity_file.ts";
import { logEvent } from "../fakes/log_event.ts";
import {
  EXPIRED,
  issueClient,
  strangerPki,
  teleportPki,
} from "../fakes/pki.ts";
import {
  writeFluentdPki,
  writeSecret,
  writeTeleportPki,
} from "../fakes/pki_files.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
/** No second attempt. */
const AT_ONCE = "--retry-timeout=1ms";

/** Credentials that nobody here trusts, in a directory of their own. */
async function strangerFiles(stage: Stage) {
  const directory = join(stage.directory, "stranger");
  await Deno.mkdir(directory);
  const pki = await strangerPki();
  return {
    teleport: await writeTeleportPki(directory, pki),
    fluentd: await writeFluentdPki(directory, pki),
  };
}

Deno.test("two processes on one directory: the second is told who holds it", async () => {
  await using stage = await setStage({ size: 10 });
  await using first = new Program(stage.start());
  await stage.fluentd.received.until(({ events }) => events === 10);
  const second = await runProgram(stage.start(EXIT));
  assertEquals(second.code, 1);
  assertMatch(
    second.stderr,
    new RegExp(`in use by process ${first.pid} since 20`),
  );
  first.kill("SIGTERM");
  assertEquals((await first.outcome()).code, 0);
});

Deno.test("a dry run gives Teleport up past retry-timeout, too", async () => {
  await using stage = await setStage();
  await stage.teleport.stop();
  const { code, stderr } = await runProgram(stage.start("--dry-run", AT_ONCE));
  assertEquals(code, 75, stderr);
  assertMatch(stderr, /gave up after .*connection refused/);
});

Deno.test("where logs are JSON, what ends a run is a line of JSON, too", async () => {
  await using stage = await setStage({ size: 10 });
  await stage.fluentd.stop();
  const json = "--log-format=json";
  const gaveUp = await runProgram(stage.start(EXIT, AT_ONCE, json));
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refused = await runProgram(
    stage.start(EXIT, json, `--listen=${other.addr.port}`),
  );
  assertEquals([gaveUp.code, refused.code], [75, 2]);
  for (
    const [{ stderr }, why] of [
      [gaveUp, /^gave up after .*connection refused/],
      [refused, /^listen: .*another process listens there/],
    ] as const
  ) {
    const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { level, message, error } = lines.at(-1);
    assertEquals([level, message], ["ERROR", "ended before its time"]);
    assertMatch(error, why);
  }
});

Deno.test("what is in events, and what is secret, is not logged with --debug either", async () => {
  await using stage = await setStage({ size: 60, uploadEvery: 20 });
  const { teleport, fluentd } = stage;
  const secretFile = join(stage.directory, "token");
  await Deno.writeTextFile(secretFile, "secret from a file");
  const refused = logEvent("user.login", {
    timeMs: stage.startMs,
    fields: { user: "somebody secret", method: "password" },
  });
  teleport.append(refused);
  const [sessionId = ""] = teleport.log.sessionIds();
  teleport.faults.add(
    { kind: "cut", after: 2, stream: sessionId, times: 1 },
    { kind: "status", code: "UNAVAILABLE", times: 1 },
  );
  fluentd.faults.add(
    { kind: "status", status: 503, times: 1 },
    { kind: "reset after body", stored: false, times: 1 },
    { kind: "status", status: 400, ids: [refused.id] },
  );
  const { code, stderr } = await runProgram(stage.start(
    EXIT,
    "--debug",
    "--fluentd-header=Authorization: secret as it is",
    `--fluentd-header=X-Token: @${secretFile}`,
  ));
  assertEquals(code, 3, stderr);
  assertMatch(stderr, / DEBUG recording delivered /);
  assertNotMatch(stderr, /secret/);
  const told = new Set([refused.type, refused.id]);
  for (const { json } of teleport.log.events()) {
    for (const [key, value] of Object.entries(json)) {
      const isLong = typeof value === "string" && value.length >= 12;
      // A recording is known by its session.
      if (!isLong || told.has(value) || key === "sid") continue;
      if (key === "cluster_name" || key === "time") continue;
      assert(!stderr.includes(value), `${key} ${value} is in:\n${stderr}`);
    }
  }
  const quiet = await runProgram(stage.start(EXIT));
  assertNotMatch(quiet.stderr, / DEBUG /);
});

Deno.test("an expired identity is told with its file and its date", async () => {
  await using stage = await setStage();
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const path = join(stage.directory, "expired");
  await writeSecret(path, await identityText({ pki: { ...pki, client } }));
  const { code, stderr } = await runProgram(
    stage.start(EXIT, `--teleport-identity=${path}`),
  );
  assertEquals(code, 2);
  assertMatch(
    stderr,
    new RegExp(
      `teleport-identity.*${path} expired on 2021-01-01T00:00:00.000Z`,
    ),
  );
});

Deno.test("credentials of both sides that are no good are told at once", async () => {
  await using stage = await setStage();
  const { identity } = stage.paths.teleport;
  await writeSecret(identity, "nothing");
  const { cert } = stage.paths.fluentd.client;
  await writeSecret(cert, "nothing");
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 2);
  const lines = stderr.trimEnd().split("\n");
  assertEquals(lines.length, 2, stderr);
  assertMatch(lines[0] ?? "", /: teleport-identity: .* is no identity file/);
  assertMatch(lines[1] ?? "", /: fluentd-cert: .* holds no certificate/);
});

Deno.test("a cluster that our credentials do not belong to is told as such", async () => {
  await using stage = await setStage();
  const { teleport } = await strangerFiles(stage);
  const { code, stderr } = await runProgram(
    stage.start(EXIT, AT_ONCE, `--teleport-identity=${teleport.identity}`),
  );
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /not signed by a CA of our credentials/);
});

Deno.test("a client certificate that Teleport does not know is told as such", async () => {
  await using stage = await setStage();
  const { teleport } = await strangerFiles(stage);
  const args = stage.start(EXIT, AT_ONCE)
    .filter((arg) => !arg.startsWith("--teleport-identity"));
  const { code, stderr } = await runProgram([
    ...args,
    `--teleport-ca=${stage.paths.teleport.client.ca}`,
    `--teleport-cert=${teleport.client.cert}`,
    `--teleport-key=${teleport.client.key}`,
  ]);
  assertEquals(code, 75, stderr);
  assertMatch(stderr, /does not accept our client certificate/);
});

Deno.test("certificate, key and CA files do as well as an identity file", async () => {
  await using stage = await setStage({ size: 10 });
  const { ca, cert, key } = stage.paths.teleport.client;
  const args = stage.start(EXIT)
    .filter((arg) => !arg.startsWith("--teleport-identity"));
  const { code, stderr } = await runProgram([
    ...args,
    `--teleport-ca=${ca}`,
    `--teleport-cert=${cert}`,
    `--teleport-key=${key}`,
  ]);
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.events, 10);
});

Deno.test("a Teleport that is not there is waited for", async () => {
  await using stage = await setStage({ size: 10 });
  await stage.teleport.stop();
  const once = await runProgram(stage.start(EXIT, AT_ONCE));
  assertEquals(once.code, 75, once.stderr);
  assertMatch(once.stderr, /connection refused: is it running/);
  await using program = new Program(stage.start(EXIT));
  await waitUntil("a warning", () => program.stderr.includes("retrying"));
  await stage.teleport.start();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.events, 10);
});

Deno.test("a Fluentd that is not there: the message says so, and nothing is lost", async () => {
  await using stage = await setStage({ size: 10 });
  const refused = await runProgram(
    stage.startAt(`https://localhost:${findFreePort()}`, EXIT, AT_ONCE),
  );
  assertEquals(refused.code, 75, refused.stderr);
  assertMatch(refused.stderr, /connection refused: is it running/);
  const { code } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("a Fluentd with a certificate of another CA is told as such", async () => {
  await using stage = await setStage({ size: 10 });
  const { fluentd } = await strangerFiles(stage);
  const { code, stderr } = await runProgram(
    stage.start(EXIT, AT_ONCE, `--fluentd-ca=${fluentd.client.ca}`),
  );
  assertEquals(code, 75, stderr);
  assertMatch(stderr, /not signed by a CA that we trust/);
});

Deno.test("a Fluentd that does not accept our client certificate: nothing is lost", async () => {
  await using stage = await setStage({ size: 10 });
  const { fluentd } = await strangerFiles(stage);
  const { code, stderr } = await runProgram(
    stage.start(
      EXIT,
      AT_ONCE,
      `--fluentd-cert=${fluentd.client.cert}`,
      `--fluentd-key=${fluentd.client.key}`,
    ),
  );
  assertEquals(code, 75, stderr);
  assertMatch(stderr, /does not trust the CA that signed fluentd-cert/);
  assertEquals(stage.fluentd.received.events, 0);
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  assertEquals(stage.fluentd.received.events, 10);
});

Deno.test("outages of both sides while events flow lose nothing", async () => {
  await using stage = await setStage({ size: 5_000 });
  stage.fluentd.faults.add({ kind: "delay", ms: 5 });
  await using program = new Program(stage.start(EXIT, "--fluentd-batch=50"));
  const { received } = stage.fluentd;
  await received.until(({ events }) => events > 500);
  await stage.teleport.restart();
  await received.until(({ events }) => events > 1_500);
  await stage.fluentd.restart();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  const { missing, unexpected } = received.compare(stage.expectedIds());
  assertEquals({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("a second signal ends a program that cannot deliver, and says what it means", async () => {
  await using stage = await setStage({ size: 10 });
  stage.fluentd.faults.add({ kind: "hang" });
  await using program = new Program(stage.start());
  await waitUntil(
    "a request",
    () => stage.fluentd.received.summary().maxConcurrentRequests > 0,
  );
  program.kill("SIGTERM");
  program.kill("SIGTERM");
  await waitUntil("the end", () => {
    program.kill("SIGTERM");
    return program.hasEnded;
  });
  const { code, stderr } = await program.outcome();
  assertEquals(code, 143, stderr);
  assertMatch(stderr, /stopped by SIGTERM before everything in flight/);
  stage.fluentd.faults.clear();
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  assertEquals(stage.fluentd.received.compare(stage.expectedIds()).missing, []);
});

Deno.test("another start-time than the stored one is refused with the way to start over", async () => {
  await using stage = await setStage({ size: 10 });
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  const { code, stderr } = await runProgram(
    stage.start(EXIT, "--start-time=2026-01-02T00:00:00Z"),
  );
  assertEquals(code, 2);
  assertMatch(stderr, /start-time is 2026-01-02.*move that directory away/);
});

Deno.test("a run that finds no state and no start time warns that nothing of before is sent", async () => {
  await using stage = await setStage({ size: 10 });
  const noStart = (arg: string) => !arg.startsWith("--start-time");
  const run = (args: readonly string[]) =>
    runProgram([...args.filter(noStart), EXIT, "--log-level=warning"]);
  assertEquals((await run(stage.dryRun())).stderr, "");
  const { code, stderr } = await run(stage.start());
  assertEquals(code, 0);
  assertMatch(
    stderr,
    RegExp(
      `^\\S+ WARN .*there is no state.*give start-time directory=${stage.stateDirectory} from=20\\S+\n$`,
    ),
  );
  assertEquals((await run(stage.start())).stderr, "");
  await Deno.remove(stage.storage, { recursive: true });
  const since = await runProgram(stage.start(EXIT, "--log-level=warning"));
  assertEquals(since.stderr, "");
});

Deno.test("the state is for its owner alone", async () => {
  await using stage = await setStage({ size: 10 });
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  assertEquals(await modeOf(stage.stateDirectory), 0o700);
  assertEquals(await modeOf(join(stage.stateDirectory, "state.json")), 0o600);
});
