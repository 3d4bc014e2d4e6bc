import { join } from "node:path";
import type { CheckReport } from "../../lib/check/report.ts";
import {
  type CertificateOptions,
  createAuthority,
  issueCertificate,
} from "../../lib/configure/certificates.ts";
import { formatDocument } from "../../lib/state/document.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { startConnectProxy } from "../fakes/connect_proxy.ts";
import { namesIn } from "../fakes/directory.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { identityText } from "../fakes/identity_file.ts";
import { CLUSTER_NAME, logEvent } from "../fakes/log_event.ts";
import { startNginx } from "../fakes/nginx.ts";
import {
  EXPIRED,
  fluentdPki,
  issueClient,
  issueServer,
  NOT_YET_VALID,
  strangerPki,
  teleportPki,
  VALID,
  webPki,
} from "../fakes/pki.ts";
import { ignoreWithoutOpenssl, issueVersion1 } from "../fakes/openssl.ts";
import { writeFluentdPki, writeSecret } from "../fakes/pki_files.ts";
import { Program, type ProgramOptions, runProgram } from "../fakes/program.ts";
import {
  ignoreWithoutFluentd,
  startRealFluentd,
} from "../fakes/real_fluentd.ts";
import { startReceiver } from "../fakes/receiver.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { sampleDocument } from "../state/sample_document.ts";
import { leaveGoState } from "./go_leftovers.ts";
import { setStage, type Stage } from "./stage.ts";

interface Checked {
  readonly code: number;
  /** What `--json` says: status and text, by `part/step`. */
  readonly found: Readonly<Record<string, string>>;
  /** The steps that failed. */
  readonly failed: readonly string[];
}

/** Options of a `start` on the stage, but for those that are replaced or left out. */
function options(
  stage: Stage,
  { replace = [], without = [] }: {
    replace?: readonly string[];
    without?: readonly string[];
  } = {},
): string[] {
  const names = [...replace, ...without].map((arg) => arg.split("=")[0]);
  const [, ...all] = stage.start();
  return [
    ...all.filter((arg) => !names.includes(arg.split("=")[0])),
    ...replace,
  ];
}

async function check(
  stage: Stage,
  changes: Parameters<typeof options>[1] & ProgramOptions = {},
): Promise<Checked> {
  const { code, stdout, stderr } = await runProgram(
    ["check", "--json", ...options(stage, changes)],
    changes,
  );
  assertEquals(stderr, "");
  const report: CheckReport = JSON.parse(stdout);
  assertEquals(report.ok, code === 0);
  const keyOf = ({ part, step }: { part: string; step: string }) =>
    `${part.replace(/ at .*/, "")}/${step}`;
  return {
    code,
    found: Object.fromEntries(
      report.findings.map((it) => [keyOf(it), `${it.status}: ${it.text}`]),
    ),
    failed: report.findings.filter(({ status }) => status === "failed")
      .map(keyOf),
  };
}

/** What is said of TLS with a Fluentd that has this certificate. */
async function fluentdProblem(
  stage: Stage,
  pki: Parameters<typeof fluentdTls>[0],
  more: readonly string[] = [],
): Promise<string> {
  await using fluentd = await startFluentd({ tls: fluentdTls(pki) });
  const { found, failed } = await check(stage, {
    replace: [
      `--fluentd-url=${fluentd.url}/test.log`,
      `--fluentd-session-url=${fluentd.url}/session`,
      ...more,
    ],
  });
  assertEquals(failed, ["Fluentd/TLS"], JSON.stringify(found));
  return found["Fluentd/TLS"] ?? "";
}

Deno.test("where everything holds, each step says so, and nothing is left behind", async () => {
  await using stage = await setStage({ size: 5 });
  stage.teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
  const { code, found } = await check(stage, { replace: ["--lock-enabled"] });
  assertEquals(code, 0);
  assertEquals(Object.keys(found), [
    "Configuration/options",
    "Teleport's credentials/credentials",
    "Teleport/name",
    "Teleport/TCP",
    "Teleport/TLS",
    "Teleport/gRPC",
    "Teleport/events",
    "Teleport/recordings",
    "Teleport/locks",
    "Teleport/clock",
    "Fluentd's credentials/credentials",
    "Fluentd/name",
    "Fluentd/TCP",
    "Fluentd/TLS",
    "Fluentd/client certificate",
    "Fluentd/POST to fluentd-url",
    "Fluentd/POST to fluentd-session-url",
    "Fluentd/clock",
    "Storage/directory",
    "Storage/lock",
    "Storage/state",
  ]);
  for (const [step, text] of Object.entries(found)) {
    assertMatch(text, /^ok: /, step);
  }
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /teleport\.cluster\.local.*signed by tele\.example\.com, good until 2049-12-31/,
  );
  assertMatch(found["Teleport/gRPC"] ?? "", /cluster tele\.example\.com, ver/);
  assertMatch(found["Teleport/events"] ?? "", /may be listed$/);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /for localhost, 127\.0\.0\.1, signed by Fluentd CA, good until 2049-12-31/,
  );
  assertEquals(stage.teleport.locks, []);
  assertEquals(stage.fluentd.received.events, 0);
  assertEquals(
    stage.fluentd.received.requests.filter(({ body }) => body === "[]").length,
    2,
  );
  const names = await namesIn(stage.directory);
  assert(!names.some((name) => /storage|check/.test(name)));
});

Deno.test("people get a line for each step, the configuration before it, and the sum after it", async () => {
  await using stage = await setStage();
  const good = await runProgram(["check", "--print-config", ...options(stage)]);
  assertEquals(good.code, 0, good.stderr);
  assertMatch(good.stdout, /^config +none +default\n/);
  assertMatch(good.stdout, /storage .*--storage/);
  assertMatch(
    good.stdout,
    /\nTeleport at 127\.0\.0\.1:\d+\n {2}✓ name +127\.0\.0\.1 is an address\n {2}✓ TCP /,
  );
  assertMatch(good.stdout, /\nEverything holds\.\n$/);
  await stage.fluentd.stop();
  const bad = await runProgram(["check", ...options(stage)]);
  assertEquals(bad.code, 1);
  assertMatch(
    bad.stdout,
    / {2}✗ TCP +connection to localhost:\d+ refused: is it running, and is the port right in fluentd-url\?/,
  );
  assertMatch(bad.stdout, / {2}– TLS +not tried: TCP failed\n/);
  assertMatch(bad.stdout, /\n1 of \d+ steps failed\.\n$/);
  const json = await runProgram([
    "check",
    "--json",
    "--print-config",
    ...options(stage),
  ]);
  const { configuration }: CheckReport = JSON.parse(json.stdout);
  assert(configuration?.some(({ name }) => name === "storage"));
});

Deno.test("an identity with another cluster's CA: the one that was expected and the one that came are named", async () => {
  await using stage = await setStage();
  const { client } = await teleportPki();
  const { authority } = await strangerPki();
  const path = join(stage.directory, "wrong-ca");
  await writeSecret(
    path,
    await identityText({ pki: { ...await teleportPki(), client, authority } }),
  );
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-identity=${path}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport/TLS"]);
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /not signed by a CA of our credentials: are those in .*wrong-ca of this cluster.*signed by tele\.example\.com.*expected: one signed by tele\.example\.com, another CA of the same name$/,
  );
  assertMatch(found["Teleport/events"] ?? "", /^not tried: TLS failed$/);
  assertMatch(found["Storage/directory"] ?? "", /^ok/);
});

Deno.test("where the CAs are in a file of their own, that is the one to look at", async (test) => {
  await using stage = await setStage();
  const { client } = await teleportPki();
  const { authority } = await strangerPki();
  const directory = join(stage.directory, "tbot");
  await Deno.mkdir(directory);
  const path = (name: string) => join(directory, name);
  await writeSecret(path("tlscert"), client.certificatePem);
  await writeSecret(path("key"), client.privateKeyPem);
  await writeSecret(path("teleport-host-ca.crt"), authority.certificatePem);
  const ways = [[`--teleport-identity=${directory}`], [
    `--teleport-ca=${path("teleport-host-ca.crt")}`,
    `--teleport-cert=${path("tlscert")}`,
    `--teleport-key=${path("key")}`,
  ]];
  for (const replace of ways) {
    await test.step(replace.join(" ").replaceAll(directory, "…"), async () => {
      const { found } = await check(stage, {
        replace,
        without: ["--teleport-identity"],
      });
      assertMatch(
        found["Teleport's credentials/credentials"] ?? "",
        /tbot\/tlscert until .*tbot\/teleport-host-ca\.crt until /,
      );
      assertMatch(
        found["Teleport/TLS"] ?? "",
        /are those in .*\/teleport-host-ca\.crt of this cluster/,
      );
    });
  }
});

Deno.test("an identity that has expired is told with its file and its end, and the rest is looked at", async () => {
  await using stage = await setStage();
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const path = join(stage.directory, "expired");
  await writeSecret(path, await identityText({ pki: { ...pki, client } }));
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-identity=${path}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport's credentials/credentials"]);
  assertMatch(
    found["Teleport's credentials/credentials"] ?? "",
    /expired expired on 2021-01-01T00:00:00\.000Z: renew it/,
  );
  assertMatch(found["Fluentd/POST to fluentd-url"] ?? "", /^ok/);
});

for (
  const [method, step, rule] of [
    ["GetUnstructuredEvents", "events", "event: list, read"],
    ["StreamUnstructuredSessionEvents", "recordings", "session: list, read"],
    ["UpsertLock", "locks", "lock: create, update"],
  ] as const
) {
  Deno.test(`a role that may not ${method} is told with the rule that it needs`, async () => {
    await using stage = await setStage();
    stage.teleport.faults.add({
      kind: "status",
      code: "PERMISSION_DENIED",
      method,
    });
    const { code, found, failed } = await check(stage, {
      replace: ["--lock-enabled"],
    });
    assertEquals(code, 1);
    assertEquals(failed, [`Teleport/${step}`]);
    assert(
      found[`Teleport/${step}`]?.includes(`the role needs the rule "${rule}"`),
      found[`Teleport/${step}`],
    );
  });
}

Deno.test("a Fluentd without TLS is looked at without the proxy for https, as it is delivered to", async () => {
  await using stage = await setStage();
  await using fluentd = await startFluentd();
  // This machine by a name that does not say so.
  const url = `http://0.0.0.0:${fluentd.port}`;
  const { code, found } = await check(stage, {
    replace: [
      `--fluentd-url=${url}/test.log`,
      `--fluentd-session-url=${url}/session`,
    ],
    env: {
      DENO_NO_UPDATE_CHECK: "1",
      HTTPS_PROXY: `http://127.0.0.1:${findFreePort()}`,
    },
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertEquals(
    found["Fluentd/TCP"],
    `ok: 0.0.0.0:${fluentd.port} accepts`,
  );
});

Deno.test("a Fluentd without TLS behind the proxy for http is left to that, and a POST tells whether it is there", async () => {
  await using stage = await setStage();
  const hosts: string[] = [];
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) => {
      hosts.push(new URL(url).host);
      return new Response("");
    },
  );
  const url = "http://fluentd.invalid:8888";
  const replace = [
    `--fluentd-url=${url}/test.log`,
    `--fluentd-session-url=${url}/session`,
  ];
  const env = {
    DENO_NO_UPDATE_CHECK: "1",
    HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}`,
  };
  const good = await check(stage, { replace, env });
  assertEquals(good.code, 0, JSON.stringify(good.found));
  assertEquals(
    [good.found["Fluentd/name"], good.found["Fluentd/TCP"]],
    Array(2).fill("ok: left to the HTTP proxy that HTTP_PROXY names"),
  );
  assertEquals(new Set(hosts), new Set(["fluentd.invalid:8888"]));
  await proxy.shutdown();
  const bad = await check(stage, { replace, env });
  assertEquals(bad.failed, [
    "Fluentd/POST to fluentd-url",
    "Fluentd/POST to fluentd-session-url",
  ]);
});

Deno.test("an HTTP proxy that cannot be reached is told as such, and neither Teleport nor Fluentd is blamed", async () => {
  await using stage = await setStage();
  const proxy = `127.0.0.1:${findFreePort()}`;
  const replace = ["--teleport-addr=teleport.invalid:443"];
  const env = (name: string) => ({
    DENO_NO_UPDATE_CHECK: "1",
    [name]: `http://${proxy}`,
  });
  const secure = await check(stage, {
    replace: [
      ...replace,
      "--fluentd-url=https://fluentd.invalid:8888/test.log",
      "--fluentd-session-url=https://fluentd.invalid:8888/session",
    ],
    env: env("HTTPS_PROXY"),
  });
  const refused =
    `the HTTP proxy ${proxy}: connection refused: is it running, and is its port right in HTTPS_PROXY or ALL_PROXY? ` +
    `(connect ECONNREFUSED ${proxy})`;
  assertEquals([secure.found["Teleport/TCP"], secure.found["Fluentd/TCP"]], [
    `failed: no connection to teleport.invalid:443: ${refused}`,
    `failed: no connection to fluentd.invalid:8888: ${refused}`,
  ]);
  const plain = await check(stage, {
    replace: [
      "--fluentd-url=http://fluentd.invalid:8888/test.log",
      "--fluentd-session-url=http://fluentd.invalid:8888/session",
    ],
    env: env("HTTP_PROXY"),
  });
  const said = plain.found["Fluentd/POST to fluentd-url"] ?? "";
  const expected =
    `the HTTP proxy ${proxy} cannot be reached: is it running, and is its address right in HTTP_PROXY or ALL_PROXY?`;
  assert(said.includes(expected), said);
});

Deno.test("a Fluentd whose CA we do not have: who signed it, and where to name the CA", async () => {
  await using stage = await setStage();
  const { code, found, failed } = await check(stage, {
    without: ["--fluentd-ca"],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /signed by Fluentd CA, which is none of the CAs that we trust, the system's \(fluentd-ca is not set\): set fluentd-ca to the file/,
  );
});

Deno.test("a Fluentd of another CA than that in fluentd-ca: both are named", async () => {
  await using stage = await setStage();
  const { ca } = stage.paths.teleport.client;
  const { found, failed } = await check(stage, {
    replace: [`--fluentd-ca=${ca}`],
  });
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /signed by Fluentd CA, which is none of the CAs that we trust, those in fluentd-ca \(tele\.example\.com\)/,
  );
});

Deno.test("a Fluentd that the system's roots vouch for is trusted, whatever fluentd-ca is", async () => {
  await using stage = await setStage();
  const { code, found } = await check(stage, {
    replace: [`--fluentd-ca=${stage.paths.teleport.client.ca}`],
    env: { DENO_CERT: stage.paths.fluentd.client.ca },
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertMatch(found["Fluentd/TLS"] ?? "", /^ok: .*one of the system's roots/);
});

Deno.test("a Fluentd whose certificate is for another name: both names are told", async () => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  const server = await issueCertificate(pki.authority, {
    commonName: "fluentd",
    keyType: "ecdsa-p256",
    validity: VALID,
    usages: ["server"],
    dnsNames: ["fluentd.example.com"],
  });
  await using fluentd = await startFluentd({
    tls: fluentdTls({ ...pki, server }),
  });
  const { code, found, failed } = await check(stage, {
    replace: [
      `--fluentd-url=${fluentd.url}/test.log`,
      `--fluentd-session-url=${fluentd.url}/session`,
    ],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /for another host name than localhost: use fluentd\.example\.com in fluentd-url, or issue a certificate for localhost/,
  );
});

const NOT_YET_VALID_TEXT =
  /its certificate is not valid before 2049-01-01T00:00:00\.000Z: are the clocks right\?/;
const NOT_FOR_SERVERS_TEXT =
  /its certificate is not meant for servers: issue one for server authentication/;
const BAD_CERTIFICATES: [
  what: string,
  changes: Partial<CertificateOptions>,
  says: RegExp,
][] = [
  ["expired", { validity: EXPIRED }, /its certificate expired on 2021-01-01T/],
  ["is not valid yet", { validity: NOT_YET_VALID }, NOT_YET_VALID_TEXT],
  ["is for clients", { usages: ["client"] }, NOT_FOR_SERVERS_TEXT],
];

for (const [what, changes, says] of BAD_CERTIFICATES) {
  Deno.test(`a Fluentd whose certificate ${what}: that, and no word of another CA`, async () => {
    await using stage = await setStage();
    const pki = await fluentdPki();
    const server = await issueServer(pki, "localhost", changes);
    const text = await fluentdProblem(stage, { ...pki, server });
    assertMatch(text, says);
    assert(!text.includes("CAs"), text);
  });

  Deno.test(`a Teleport whose certificate ${what}: that, and no word of another CA`, async () => {
    await using stage = await setStage();
    const pki = await teleportPki();
    const server = await issueServer(pki, "teleport.cluster.local", changes);
    await using teleport = await startTeleport({
      log: stage.teleport.log,
      tls: teleportTls({ ...pki, server }),
    });
    const { found, failed } = await check(stage, {
      replace: [`--teleport-addr=${teleport.address}`],
    });
    assertEquals(failed, ["Teleport/TLS"]);
    const text = found["Teleport/TLS"] ?? "";
    assertMatch(text, says);
    assert(!/expected|another CA/.test(text), text);
  });
}

Deno.test("a Fluentd whose certificate has its name only where it does not count: that, and how to name it", async (test) => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  await test.step("a common name and nothing else", async () => {
    const server = await issueServer(pki, "localhost", { dnsNames: [] });
    assertMatch(
      await fluentdProblem(stage, { ...pki, server }),
      /does not name localhost where it counts: issue one with DNS:localhost in subjectAltName; it shows a certificate for localhost,/,
    );
  });
  await test.step("a common name beside an address", async () => {
    const server = await issueServer(pki, "localhost", {
      dnsNames: [],
      ipAddresses: ["192.0.2.1"],
    });
    assertMatch(
      await fluentdProblem(stage, { ...pki, server }),
      /for another host name than localhost: use 192\.0\.2\.1 in fluentd-url, or issue a certificate for localhost/,
    );
  });
  await test.step("an address as a host name", async () => {
    const server = await issueServer(pki, "127.0.0.1", {});
    await using fluentd = await startFluentd({
      tls: fluentdTls({ ...pki, server }),
    });
    const { found, failed } = await check(stage, {
      replace: ["test.log", "session"].map((path, place) =>
        `--fluentd-${place === 0 ? "" : "session-"}url=https://127.0.0.1:${
          new URL(fluentd.url).port
        }/${path}`
      ),
    });
    assertEquals(failed, ["Fluentd/TLS"], JSON.stringify(found));
    assertMatch(
      found["Fluentd/TLS"] ?? "",
      /does not name 127\.0\.0\.1 where it counts: issue one with IP:127\.0\.0\.1 in subjectAltName/,
    );
  });
});

Deno.test({
  name:
    "a Fluentd whose certificate openssl made without extensions: that, and what to do",
  ignore: ignoreWithoutOpenssl(),
  async fn() {
    await using stage = await setStage();
    const pki = await fluentdPki();
    const server = await issueVersion1(pki.authority, stage.directory);
    assertMatch(
      await fluentdProblem(stage, { ...pki, server }),
      /is of X\.509 version 1, .*: issue one of version 3 \(openssl x509 -req needs -extfile\)/,
    );
  },
});

Deno.test("what has nothing to do with our certificate is not blamed on it", async () => {
  await using stage = await setStage();
  const { found, failed } = await check(stage, {
    env: { DENO_CERT: join(stage.directory, "missing.crt") },
  });
  assertEquals(failed, ["Fluentd/client certificate"]);
  assertMatch(
    found["Fluentd/client certificate"] ?? "",
    /^failed: cannot send to https:.*: Failed opening CA file/,
  );
});

Deno.test("a Fluentd with the certificate of a CA: that, whatever its name is, and whether we trust it or not", async () => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  const says = /its certificate is that of a CA: give it one of its own/;
  const other = await fluentdProblem(stage, { ...pki, server: pki.authority });
  assertMatch(other, says);
  const server = await createAuthority({
    commonName: "localhost",
    keyType: "ecdsa-p256",
    validity: VALID,
  });
  const untrusted = await fluentdProblem(stage, { ...pki, server });
  assertMatch(untrusted, says);
  const ca = join(stage.directory, "self-signed.crt");
  await writeSecret(ca, server.certificatePem);
  const trusted = await fluentdProblem(stage, { ...pki, server }, [
    `--fluentd-ca=${ca}`,
  ]);
  assertMatch(trusted, says);
});

Deno.test("a proxy without TLS routing: that, and what to do", async () => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport, {
    mode: "separate ports",
  });
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-addr=${proxy.address}`],
    env: { DENO_CERT: ca },
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport/TLS"]);
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /this proxy does no TLS routing.*turn on proxy_listener_mode: multiplex.*\(port 3025 by default\)$/,
  );
});

Deno.test("through a proxy with TLS routing everything holds", async () => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport);
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const { code, found } = await check(stage, {
    replace: [`--teleport-addr=${proxy.address}`],
    env: { DENO_CERT: ca },
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertMatch(found["Teleport/TLS"] ?? "", /a proxy passes TLS on/);
  assertEquals(found["Teleport/clock"], "ok: as ours");
});

Deno.test("each address is looked at, and one that does not work is a failure", async () => {
  await using stage = await setStage();
  const nobody = `127.0.0.1:${findFreePort()}`;
  const { code, stdout } = await runProgram([
    "check",
    ...options(stage, {
      replace: [
        `--teleport-addr=${stage.teleport.address},${nobody},nowhere.invalid:443`,
      ],
    }),
  ]);
  assertEquals(code, 1);
  assertMatch(stdout, /\n {2}✓ gRPC /);
  assertMatch(stdout, /✗ TCP +connection to .* refused: .*in teleport-addr\?/);
  assertMatch(
    stdout,
    /✗ name +the name nowhere\.invalid cannot be resolved: is it right in teleport-addr/,
  );
  assertMatch(stdout, /\n2 of \d+ steps failed\.\n/);
});

Deno.test("of a host alone one port has to work, the first that does is looked at, and the state is that of the first", async (test) => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport);
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const checkHost = async (hosts: Record<string, number>) => {
    await using connect = await startConnectProxy({ hosts });
    const { code, stdout } = await runProgram([
      "check",
      ...options(stage, { replace: ["--teleport-addr=proxy.example.com"] }),
    ], {
      env: {
        DENO_NO_UPDATE_CHECK: "1",
        DENO_CERT: ca,
        HTTPS_PROXY: connect.url,
      },
    });
    const asked = new Set(connect.asked);
    return { code, stdout, asked };
  };
  await test.step("the proxy's", async () => {
    const { code, stdout, asked } = await checkHost({
      "proxy.example.com:443": proxy.port,
    });
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /Teleport at proxy\.example\.com:443\n/);
    assertMatch(stdout, /\nEverything holds\.\n$/);
    assertEquals(asked, new Set(["proxy.example.com:443"]));
    assert(!stdout.includes("3025"), stdout);
    assertMatch(stdout, /proxy\.example\.com_443/);
  });
  await test.step("the auth service's", async () => {
    const { code, stdout } = await checkHost({
      "proxy.example.com:3025": stage.teleport.port,
    });
    assertEquals(code, 0, stdout);
    assertMatch(
      stdout,
      /\n {2}✓ TCP +not needed, since proxy\.example\.com:3025 answers \(no connection to proxy\.example\.com:443: .*\)\nTeleport at proxy\.example\.com:3025\n/,
    );
    assertMatch(stdout, /\nEverything holds\.\n$/);
  });
  await test.step("none", async () => {
    const { code, stdout } = await checkHost({});
    assertEquals(code, 1, stdout);
    assertMatch(stdout, /✗ TCP +no connection to proxy\.example\.com:443: /);
    assertMatch(stdout, /✗ TCP +no connection to proxy\.example\.com:3025: /);
    assertMatch(stdout, /\n2 of \d+ steps failed\.\n/);
  });
});

Deno.test("a Fluentd that trusts another CA than ours: fluentd-cert is named", async () => {
  await using stage = await setStage();
  const { client } = await strangerPki();
  await writeFluentdPki(stage.directory, { ...await fluentdPki(), client });
  const { code, found, failed } = await check(stage);
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /does not trust the CA that signed fluentd-cert/,
  );
});

Deno.test("a receiver that refuses our certificate only after the handshake is told as such", async () => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  await using receiver = await startReceiver("Vector", fluentdTls(pki));
  const replace = [
    `--fluentd-url=https://${receiver.host}/events`,
    `--fluentd-session-url=https://${receiver.host}/sessions`,
  ];
  const good = await check(stage, { replace });
  assertEquals(good.code, 0, JSON.stringify(good.found));
  const { client } = await strangerPki();
  await writeFluentdPki(stage.directory, { ...pki, client });
  const { found, failed } = await check(stage, { replace });
  assertEquals(failed, ["Fluentd/client certificate"]);
  assertMatch(
    found["Fluentd/client certificate"] ?? "",
    /does not take ours: fluentd-cert must be signed by the CA/,
  );
  assertMatch(found["Fluentd/clock"] ?? "", /^not tried/);
  const none = await check(stage, {
    replace,
    without: ["--fluentd-cert", "--fluentd-key"],
  });
  assertEquals(none.failed, ["Fluentd/client certificate"]);
  assertMatch(
    none.found["Fluentd/client certificate"] ?? "",
    /demands a client certificate: set fluentd-cert and fluentd-key/,
  );
});

Deno.test("a receiver behind nginx that says by HTTP whom it does not let in is told as such", async () => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  await using nginx = await startNginx(fluentdTls(pki));
  const replace = [
    `--fluentd-url=${nginx.url}/events`,
    `--fluentd-session-url=${nginx.url}/sessions`,
  ];
  const step = "Fluentd/client certificate";
  const good = await check(stage, { replace });
  assertEquals([good.code, good.found[step]], [0, "ok: demanded"]);
  const { client } = await strangerPki();
  await writeFluentdPki(stage.directory, { ...pki, client });
  const { found, failed } = await check(stage, { replace });
  assertEquals(failed, [step]);
  assertMatch(
    found[step] ?? "",
    /does not take ours: .*it answers 400 "The SSL certificate error"/,
  );
  const none = await check(stage, {
    replace,
    without: ["--fluentd-cert", "--fluentd-key"],
  });
  assertEquals(none.failed, [step]);
  assertMatch(
    none.found[step] ?? "",
    /demands a client certificate: set fluentd-cert and fluentd-key/,
  );
});

Deno.test("a Fluentd that demands a certificate where we have none is told as such", async () => {
  await using stage = await setStage();
  const { found, failed } = await check(stage, {
    without: ["--fluentd-cert", "--fluentd-key"],
  });
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /demands a client certificate: set fluentd-cert and fluentd-key/,
  );
});

Deno.test("a receiver that lets in everybody, by another clock, is worth a warning each", async () => {
  await using stage = await setStage();
  const { server } = await fluentdPki();
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  await using receiver = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: server.certificatePem,
    key: server.privateKeyPem,
    onListen() {},
  }, () => new Response("", { headers: { date } }));
  const url = `https://localhost:${receiver.addr.port}`;
  const { code, found } = await check(stage, {
    replace: [
      `--fluentd-url=${url}/test.log`,
      `--fluentd-session-url=${url}/session`,
    ],
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertMatch(
    found["Fluentd/client certificate"] ?? "",
    /^warning: it does not demand a client certificate.*client_cert_auth true/,
  );
  assertMatch(
    found["Fluentd/clock"] ?? "",
    /^warning: 3[56]\d\d s ahead of ours: does every machine follow NTP/,
  );
});

Deno.test("events of the future tell that our clock is behind", async () => {
  await using stage = await setStage();
  const timeMs = Date.now() + 3_600_000;
  stage.teleport.append(logEvent("exec", { timeMs }));
  const { code, found } = await check(stage);
  assertEquals(code, 0);
  assertMatch(found["Teleport/clock"] ?? "", /^warning: an event is 3\d{3} s/);
});

Deno.test("a URL that is refused is told with its option, and the other one is tried", async () => {
  await using stage = await setStage();
  stage.fluentd.faults.add({
    kind: "status",
    status: 404,
    tag: "session*",
  });
  const { code, found, failed } = await check(stage);
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd/POST to fluentd-session-url"]);
  assertMatch(
    found["Fluentd/POST to fluentd-session-url"] ?? "",
    /session\.00000000-.*\.log answered 404.*fluentd-session-url/,
  );
});

Deno.test("two hosts are looked at one after the other", async () => {
  await using stage = await setStage();
  await using other = await startFluentd({
    tls: fluentdTls(await fluentdPki()),
  });
  const { code, stdout } = await runProgram([
    "check",
    ...options(stage, {
      replace: [`--fluentd-session-url=${other.url}/session`],
    }),
  ]);
  assertEquals(code, 0, stdout);
  assert(stdout.includes(`Fluentd at ${stage.fluentd.url}\n`));
  assert(stdout.includes(`Fluentd at ${other.url}\n`));
});

Deno.test("a check that is stopped says so, and does not speak of deliveries", async () => {
  await using stage = await setStage();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using program = new Program([
    "check",
    ...options(stage, {
      replace: [`--teleport-addr=127.0.0.1:${silent.addr.port}`],
    }),
  ]);
  (await silent.accept()).close();
  using _connection = await silent.accept();
  program.kill("SIGINT");
  const { code, stderr } = await program.outcome();
  assertEquals([code, stderr], [
    130,
    "teleport-event-handler: stopped by SIGINT while checking\n",
  ]);
});

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

Deno.test("a private key that others can read is told, and that alone is no failure", async () => {
  await using stage = await setStage();
  const { key } = stage.paths.fluentd.client;
  await Deno.chmod(key, 0o644);
  const { code, stderr } = await runProgram(["check", ...options(stage)]);
  assertEquals(code, 0);
  assertMatch(stderr, /WARN +a private key can be read by others.*fluentd-key/);
  assert(stderr.includes(key));
});

Deno.test("certificates of our own that are not good yet are told with their beginning", async () => {
  await using stage = await setStage();
  const { certificatePem, privateKeyPem } = await issueClient(
    await fluentdPki(),
    { validity: NOT_YET_VALID },
  );
  const { cert, key } = stage.paths.fluentd.client;
  await writeSecret(cert, certificatePem);
  await writeSecret(key, privateKeyPem);
  const client = await issueClient(await teleportPki(), {
    validity: NOT_YET_VALID,
  });
  await writeSecret(
    stage.paths.teleport.identity,
    await identityText({ client }),
  );
  const { code, found } = await check(stage);
  assertEquals(code, 1);
  for (const side of ["Teleport", "Fluentd"]) {
    assertMatch(
      found[`${side}'s credentials/credentials`] ?? "",
      /^warning: .* not before 2049-01-01T00:00:00Z, .*clock/,
    );
  }
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

Deno.test("credentials that do not belong together are told, and Teleport is looked at", async () => {
  await using stage = await setStage();
  const { code, found, failed } = await check(stage, {
    replace: [`--fluentd-key=${stage.paths.teleport.client.key}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd's credentials/credentials"]);
  assertMatch(
    found["Fluentd's credentials/credentials"] ?? "",
    /fluentd-key.*does not belong to the certificate/,
  );
  assertMatch(found["Teleport/recordings"] ?? "", /^ok/);
});

Deno.test("options that cannot be used are told as for any command", async () => {
  await using stage = await setStage();
  const { code, stderr } = await runProgram([
    "check",
    ...options(stage, { replace: ["--batch=many"] }),
  ]);
  assertEquals(code, 2);
  assertMatch(stderr, /--batch/);
});

Deno.test({
  name: "a real Fluentd holds, and has nothing written by it",
  ignore: ignoreWithoutFluentd(),
  async fn() {
    await using stage = await setStage();
    await using fluentd = await startRealFluentd({
      tls: fluentdTls(await fluentdPki()),
    });
    const { code, found } = await check(stage, {
      replace: [
        `--fluentd-url=${fluentd.url}/test.log`,
        `--fluentd-session-url=${fluentd.url}/session`,
      ],
    });
    assertEquals(code, 0, JSON.stringify(found));
    assertMatch(found["Fluentd/client certificate"] ?? "", /^ok: demanded/);
    assertEquals(await fluentd.written("test.log"), []);
  },
});
