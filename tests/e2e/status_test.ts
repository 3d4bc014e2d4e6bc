import { join } from "node:path";
import type { StatusReport } from "../../lib/operate/status_report.ts";
import { assertEquals, assertMatch } from "../assert.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { identityText } from "../fakes/identity_file.ts";
import { EXPIRED, issueClient, teleportPki } from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { type Outcome, runProgram } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { startListening } from "./listening.ts";
import { setStage, type Stage } from "./stage.ts";

function status(stage: Stage, ...more: string[]): Promise<Outcome> {
  return runProgram([
    "status",
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
    ...more,
  ]);
}

function parse({ stdout }: Outcome): StatusReport {
  return JSON.parse(stdout);
}

/** An address of this machine that other machines have a way to. */
function ownAddress(): string | undefined {
  return Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
}

Deno.test("status tells the position, recordings that fail, and what is set aside", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 40 });
  const none = await status(stage);
  assertEquals(none.code, 1);
  assertMatch(none.stderr, /there is no state in/);

  const [late] = [...stage.teleport.log.sessionIds()];
  stage.teleport.faults.add({ kind: "cut", after: 0, stream: late ?? "" });
  const [refused = ""] = [...stage.teleport.log.ids()];
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [refused] });
  assertEquals(
    (await runProgram(stage.start("--exit-on-last-event"))).code,
    3,
  );
  const outcome = await status(stage, "--json");
  const { cluster, position, recordings, setAside, run } = parse(outcome);
  assertEquals(cluster, "tele.example.com", outcome.stderr);
  assertEquals(
    Date.parse(position ?? ""),
    Math.floor(stage.teleport.log.timeUsAt(99) / 1e6) * 1_000,
  );
  assertEquals([recordings.pending, recordings.missing], [1, 0]);
  assertEquals(recordings.troubled[0]?.sessionId, late);
  assertEquals(setAside, 1);
  assertEquals(run, null);

  const { stdout } = await status(stage);
  assertMatch(stdout, /^cluster +tele\.example\.com$/m);
  assertMatch(stdout, /^recordings +1 pending, 0 missing\n {13}\S+ since 20/m);
  assertMatch(stdout, /^set aside +1$/m);
});

Deno.test("status asks the running process where listen is set, and reads the directory meanwhile too", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start("--timeout=50ms"));
  await listening.until(
    "everything to be delivered",
    ({ run }) => run?.state.name === "caught up",
  );
  const { host } = new URL(listening.url);
  const asked = await status(stage, "--json", `--listen=${host}`);
  const report = parse(asked);
  assertEquals(report.run?.events.audit.delivered, 10, asked.stderr);
  assertEquals(report.run?.state.name, "caught up");
  assertEquals(asked.stderr, "");
  const text = await status(stage, `--listen=${host}`);
  assertMatch(text.stdout, /^state +Caught up: every event/m);

  await waitUntil("the state to be saved", async () => {
    const path = join(stage.stateDirectory, "state.json");
    return (await Deno.readTextFile(path)).includes(report.position ?? "none");
  });
  const read = parse(await status(stage, "--json"));
  assertEquals(read.run, null);
  assertEquals(read.position, report.position);
  assertEquals(read.startTime, report.startTime);
});

Deno.test("where the program that listens there is of another Teleport, status says so", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start("--timeout=50ms"));
  const { host } = new URL(listening.url);
  const { code, stdout, stderr } = await runProgram([
    "status",
    `--storage=${stage.storage}`,
    "--teleport-addr=other.example.com:443",
    `--listen=${host}`,
  ]);
  assertEquals(code, 0);
  assertMatch(stdout, RegExp(`^teleport +${stage.teleport.address}: `, "m"));
  assertMatch(
    stderr,
    RegExp(
      `^teleport-event-handler: the program that listens on ${host} reads from ${stage.teleport.address}, ` +
        "and not from other.example.com:443: this is about that one\n$",
    ),
  );
});

Deno.test({
  name:
    "status asks this machine's own addresses, whatever HTTP proxy there is",
  ignore: ownAddress() === undefined,
  async fn() {
    const report = {
      cluster: "tele.example.com",
      position: null,
      recordings: {},
      setAside: 0,
      run: { sides: { teleport: { address: "tele.example.com:443" } } },
    };
    await using server = Deno.serve(
      { hostname: ownAddress() ?? "", port: 0, onListen: () => {} },
      () => Response.json(report),
    );
    const { hostname, port } = server.addr;
    const { stdout, stderr } = await runProgram([
      "status",
      "--json",
      "--storage=/nowhere",
      "--teleport-addr=tele.example.com:443",
      `--listen=${hostname}:${port}`,
    ], { env: { "HTTP_PROXY": `http://127.0.0.1:${findFreePort()}` } });
    assertEquals(stderr, "");
    assertEquals(JSON.parse(stdout), report);
  },
});

Deno.test("where nobody answers, status says why and reads the directory", async () => {
  await using stage = await setStage({ size: 10 });
  await runProgram(stage.start("--exit-on-last-event"));
  const nobody = await status(
    stage,
    "--json",
    `--listen=127.0.0.1:${findFreePort()}`,
  );
  assertEquals(nobody.code, 0);
  assertEquals(parse(nobody).run, null);
  assertMatch(
    nobody.stderr,
    /127\.0\.0\.1:\d+\/status does not answer: connection refused: the program does not run, or listens elsewhere: this is from the state directory alone\n$/,
  );
});

Deno.test("where another program answers, be it with a page, status says so and reads the directory", async () => {
  await using stage = await setStage({ size: 10 });
  await runProgram(stage.start("--exit-on-last-event"));
  let answer = () => Response.json({ status: "success" });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => answer(),
  );
  for (
    const other of [
      answer,
      () => new Response("<!DOCTYPE html><title>Prometheus</title>"),
      () => new Response("not found", { status: 404 }),
      () => Response.redirect(`http://127.0.0.1:${server.addr.port}/login`),
    ]
  ) {
    answer = other;
    const outcome = await status(
      stage,
      "--json",
      `--listen=127.0.0.1:${server.addr.port}`,
    );
    assertEquals([outcome.code, parse(outcome).run], [0, null]);
    assertMatch(
      outcome.stderr,
      /\/status answers with something else: another program listens there: this is from the state directory alone\n$/,
    );
  }
});

Deno.test("status tells until when the configured certificates are good, also one that has ended", async () => {
  await using stage = await setStage({ size: 10 });
  await runProgram(stage.start("--exit-on-last-event"));
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const path = join(stage.directory, "expired");
  await writeSecret(path, await identityText({ pki: { ...pki, client } }));
  const outcome = await runProgram([
    "status",
    "--json",
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ], {
    env: {
      FDFWD_TELEPORT_IDENTITY: path,
      FDFWD_FLUENTD_CERT: stage.paths.fluentd.client.cert,
      FDFWD_FLUENTD_CA: join(stage.directory, "nowhere"),
    },
  });
  const { credentials } = parse(outcome);
  assertEquals(
    credentials.map(({ name, endsSoon }) => [name, endsSoon]),
    [
      ["teleport-identity", true],
      ["teleport-identity (CA)", false],
      ["fluentd-cert", false],
    ],
  );
  assertEquals(credentials[0]?.notAfter, "2021-01-01T00:00:00.000Z");
  assertMatch(outcome.stderr, /fluentd-ca: cannot read .*no such file/);
});

Deno.test("status tells the certificates in a directory of tbot's, in one file or in several", async (test) => {
  await using stage = await setStage({ size: 10 });
  await runProgram(stage.start("--exit-on-last-event"));
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const outputs: Record<string, Record<string, string>> = {
    identity: { identity: await identityText({ pki: { ...pki, client } }) },
    application: {
      "tlscert": client.certificatePem,
      "key": client.privateKeyPem,
      "teleport-host-ca.crt": pki.authority.certificatePem,
    },
  };
  for (const [type, files] of Object.entries(outputs)) {
    await test.step(type, async () => {
      const directory = join(stage.directory, `tbot-${type}`);
      await Deno.mkdir(directory);
      for (const [name, text] of Object.entries(files)) {
        await writeSecret(join(directory, name), text);
      }
      const outcome = await runProgram([
        "status",
        "--json",
        `--storage=${stage.storage}`,
        `--teleport-addr=${stage.teleport.address}`,
      ], { env: { FDFWD_TELEPORT_IDENTITY: directory } });
      assertEquals(outcome.stderr, "");
      assertEquals(
        parse(outcome).credentials.map(({ name, notAfter }) => [
          name,
          notAfter,
        ]),
        [
          ["teleport-identity", "2021-01-01T00:00:00.000Z"],
          ["teleport-identity (CA)", "2049-12-31T00:00:00.000Z"],
        ],
      );
    });
  }
});

Deno.test("a file that tbot's directory lacks is told by status as by every command", async () => {
  await using stage = await setStage({ size: 10 });
  await runProgram(stage.start("--exit-on-last-event"));
  const directory = join(stage.directory, "tbot");
  await Deno.mkdir(directory);
  const { client } = await teleportPki();
  await writeSecret(join(directory, "tlscert"), client.certificatePem);
  const { code, stderr } = await runProgram([
    "status",
    `--storage=${stage.storage}`,
    `--teleport-addr=${stage.teleport.address}`,
  ], { env: { FDFWD_TELEPORT_IDENTITY: directory } });
  assertEquals([code, stderr], [
    0,
    `teleport-event-handler: teleport-identity (CA): cannot read ${directory}/teleport-host-ca.crt: there is no such file\n`,
  ]);
});
