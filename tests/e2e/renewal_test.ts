import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { identityText } from "../fakes/identity_file.ts";
import { logEvent } from "../fakes/log_event.ts";
import {
  fluentdPki,
  issueClient,
  type Pki,
  strangerPki,
  teleportPki,
} from "../fakes/pki.ts";
import { writeFluentdPki, writeSecret } from "../fakes/pki_files.ts";
import { Program } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { startListening } from "./listening.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

/** So long that only watching notices anything. */
const REFRESH = [
  "--teleport-refresh-enabled",
  "--teleport-refresh-interval=24h",
  "--timeout=50ms",
];

/** Appends events of now and waits until as many have arrived. */
async function forward(stage: Stage, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    stage.teleport.append(logEvent("exec", { timeMs: Date.now() }));
  }
  const { size } = stage.teleport.log;
  await stage.fluentd.received.until(({ events }) => events === size);
}

Deno.test("renewed certificates of Fluentd are taken while running, and damaged ones are not", async () => {
  await using stage = await setStage();
  const { cert } = stage.paths.fluentd.client;
  await using program = new Program(stage.start(...REFRESH));
  await forward(stage, 5);

  const whole = await Deno.readTextFile(cert);
  await writeSecret(cert, whole.slice(0, whole.length / 2));
  await waitUntil(
    "the warning",
    () => program.stderr.includes("cannot be used, so the old ones stay"),
  );
  assertMatch(program.stderr, /WARN .*fluentd-cert: .*client\.crt/);
  await forward(stage, 5);

  // From now on both ends know other authorities only.
  const pki = await strangerPki();
  const { received: before } = stage.fluentd;
  await stage.fluentd.stop();
  await using successor = await startFluentd({
    tls: fluentdTls(pki),
    port: stage.fluentd.port,
  });
  await writeFluentd(stage, pki);
  stage.teleport.append(logEvent("exec", { timeMs: Date.now() }));
  await successor.received.until(({ events }) => events === 1);
  assertMatch(
    program.stderr,
    /INFO .*renewed credentials are in use side=fluentd until=2049/,
  );
  program.kill("SIGTERM");
  assertEquals((await program.outcome()).code, 0);
  const ids = [...stage.teleport.log.ids()];
  assertEquals(before.compare(ids.slice(0, 10)), COMPLETE_AND_ONCE);
  assertEquals(successor.received.compare(ids.slice(10)), COMPLETE_AND_ONCE);
});

Deno.test("a renewed identity is taken while events flow, and none of them lost", async () => {
  await using stage = await setStage({ size: 5_000, uploadEvery: 500 });
  await using program = new Program(stage.start(...REFRESH));
  await stage.fluentd.received.until(({ events }) => events > 500);
  const client = await issueClient(await teleportPki());
  const path = stage.paths.teleport.identity;
  await writeSecret(`${path}.new`, await identityText({ client }));
  await Deno.rename(`${path}.new`, path);
  const { serialNumber } = new X509Certificate(client.certificatePem);
  await waitUntil("the renewal", () => {
    stage.teleport.append(logEvent("exec", { timeMs: Date.now() }));
    return stage.teleport.callers.at(-1) === serialNumber;
  });
  const ids = new Set(stage.expectedIds());
  await stage.fluentd.received.until(({ events }) => events === ids.size);
  program.kill("SIGTERM");
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.compare(ids), COMPLETE_AND_ONCE);
  assertMatch(
    stderr,
    /INFO .*renewed credentials are in use side=teleport until=2049-12-31T00:00:00.000Z/,
  );
});

Deno.test("status and metrics tell until when the certificates in use are good", async () => {
  await using stage = await setStage();
  await using listening = await startListening(stage.start(...REFRESH));
  const ends = async () => {
    const { credentials } = await listening.report();
    return Object.fromEntries(
      credentials.map(({ name, notAfter }) => [name, notAfter]),
    );
  };
  const expiry = (name: string) =>
    listening.metric(
      `teleport_event_handler_credential_expiry_timestamp_seconds{credential="${name}"}`,
    );
  const before = "2049-12-31T00:00:00.000Z";
  const all = {
    "teleport-identity": before,
    "teleport-identity (CA)": before,
    "fluentd-cert": before,
    "fluentd-ca": before,
  };
  assertEquals(await ends(), all);
  assertEquals(await expiry("fluentd-cert"), Date.parse(before) / 1_000);

  const notAfter = new Date("2048-12-31T00:00:00Z");
  const notBefore = new Date("2020-01-01T00:00:00Z");
  const client = await issueClient(await teleportPki(), {
    validity: { notBefore, notAfter },
  });
  const path = stage.paths.teleport.identity;
  await writeSecret(`${path}.new`, await identityText({ client }));
  await Deno.rename(`${path}.new`, path);
  const after = notAfter.toISOString();
  // Answers are held for a moment: the log is ahead of them.
  await listening.until(
    "the renewal",
    ({ credentials }) => credentials.some((it) => it.notAfter === after),
  );
  assertEquals(await ends(), { ...all, "teleport-identity": after });
  await waitUntil(
    "the metric",
    async () =>
      await expiry("teleport-identity") === notAfter.getTime() / 1_000,
  );
});

Deno.test("a header that comes from a file is read again", async () => {
  await using stage = await setStage();
  const token = join(stage.directory, "token");
  await writeSecret(token, "Bearer old\n");
  await using program = new Program(
    stage.start(...REFRESH, `--fluentd-header=Authorization: @${token}`),
  );
  await forward(stage, 1);
  await writeSecret(`${token}.new`, "Bearer new\n");
  await Deno.rename(`${token}.new`, token);
  await waitUntil(
    "the renewal",
    () => program.stderr.includes("renewed credentials are in use"),
  );
  await forward(stage, 1);
  assertEquals(
    stage.fluentd.received.requests.map(({ headers }) =>
      headers["authorization"]
    ),
    ["Bearer old", "Bearer new"],
  );
  assert(!program.stderr.includes("Bearer"));
});

Deno.test("a named pipe that appears beside the credentials does not hold up what is forwarded", async () => {
  await using stage = await setStage();
  const token = join(stage.directory, "token");
  await writeSecret(token, "Bearer 0\n");
  await using program = new Program(
    stage.start(
      "--teleport-refresh-enabled",
      "--teleport-refresh-interval=100ms",
      "--timeout=50ms",
      `--fluentd-header=Authorization: @${token}`,
    ),
  );
  await forward(stage, 1);
  const pipe = join(stage.directory, "pipe");
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  for (let renewal = 1; renewal <= 2; renewal++) {
    await writeSecret(token, `Bearer ${renewal}\n`);
    await waitUntil(
      "a renewal",
      () =>
        program.stderr.split("renewed credentials are in use").length > renewal,
    );
    await forward(stage, 1);
  }
});

Deno.test("without teleport-refresh-enabled nothing is read again", async () => {
  await using stage = await setStage();
  await using program = new Program(stage.start("--timeout=50ms"));
  await forward(stage, 1);
  await writeFluentd(stage, await strangerPki());
  await forward(stage, 1);
  program.kill("SIGTERM");
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0);
  assert(!stderr.includes("renewed credentials"), stderr);
});

Deno.test("a certificate that ends soon is told at the start", async () => {
  await using stage = await setStage({ size: 1 });
  const pki = await fluentdPki();
  const now = Date.now();
  const client = await issueClient(pki, {
    validity: {
      notBefore: new Date(now - 90 * 86_400_000),
      notAfter: new Date(now + 5 * 86_400_000),
    },
  });
  await writeFluentd(stage, { ...pki, client });
  await using program = new Program(stage.start("--exit-on-last-event"));
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertMatch(
    stderr,
    /WARN .*a certificate ends soon: renew it certificate=fluentd-cert .*left="4 d 23 h"/,
  );
  assertEquals(stderr.match(/ends soon/g)?.length, 1);
});

async function writeFluentd(stage: Stage, pki: Pki): Promise<void> {
  await writeFluentdPki(stage.directory, pki);
}
