import { join } from "node:path";
import { createServer } from "node:tls";
import { createAuthority } from "../../lib/configure/certificates.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { listening } from "../fakes/listening.ts";
import { startNginx } from "../fakes/nginx.ts";
import { fluentdPki, issueServer, strangerPki, VALID } from "../fakes/pki.ts";
import { ignoreWithoutOpenssl, issueVersion1 } from "../fakes/openssl.ts";
import { writeFluentdPki, writeSecret } from "../fakes/pki_files.ts";
import { runProgram } from "../fakes/program.ts";
import {
  ignoreWithoutFluentd,
  startRealFluentd,
} from "../fakes/real_fluentd.ts";
import { startReceiver } from "../fakes/receiver.ts";
import { BAD_CERTIFICATES, check, options } from "./check_setup.ts";
import { fluentdUrls, setStage, type Stage } from "./stage.ts";

/** What is said of TLS with a Fluentd that has this certificate. */
async function fluentdProblem(
  stage: Stage,
  pki: Parameters<typeof fluentdTls>[0],
  more: readonly string[] = [],
): Promise<string> {
  await using fluentd = await startFluentd({ tls: fluentdTls(pki) });
  const { found, failed } = await check(stage, {
    replace: [
      ...fluentdUrls(fluentd.url),
      ...more,
    ],
  });
  assertEquals(failed, ["Fluentd/TLS"], JSON.stringify(found));
  return found["Fluentd/TLS"] ?? "";
}

Deno.test("a Fluentd without TLS is looked at without the proxy for https, as it is delivered to", async () => {
  await using stage = await setStage();
  await using fluentd = await startFluentd();
  // This machine by a name that does not say so.
  const url = `http://0.0.0.0:${fluentd.port}`;
  const { code, found } = await check(stage, {
    replace: fluentdUrls(url),
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
  const replace = fluentdUrls("http://fluentd.invalid:8888");
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

Deno.test("an HTTP proxy that may be the one that answers, without TLS, is named", async () => {
  await using stage = await setStage();
  // As squid does whose rules do not allow the host.
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("<title>ERROR: Access Denied</title>", { status: 403 }),
  );
  const url = "http://fluentd.invalid:8888";
  const address = `127.0.0.1:${proxy.addr.port}`;
  const { found } = await check(stage, {
    replace: fluentdUrls(url),
    env: { DENO_NO_UPDATE_CHECK: "1", HTTP_PROXY: `http://${address}` },
  });
  const said = found["Fluentd/POST to fluentd-url"] ?? "";
  const expected =
    `${url}/test.log through the HTTP proxy ${address} answered 403`;
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
    /signed by Fluentd CA, which is none of the CAs that we trust, the system's and Mozilla's \(fluentd-ca is not set\): set fluentd-ca to the file/,
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

Deno.test("a Fluentd whose CA the system trusts is trusted, whatever fluentd-ca is", async () => {
  await using stage = await setStage();
  const { code, found } = await check(stage, {
    replace: [`--fluentd-ca=${stage.paths.teleport.client.ca}`],
    env: { DENO_CERT: stage.paths.fluentd.client.ca },
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /^ok: .*by a CA that the system or Mozilla trusts/,
  );
});

Deno.test("a Fluentd whose certificate is for another name: both names are told", async () => {
  await using stage = await setStage();
  const pki = await fluentdPki();
  const server = await issueServer(pki, "fluentd.example.com");
  await using fluentd = await startFluentd({
    tls: fluentdTls({ ...pki, server }),
  });
  const { code, found, failed } = await check(stage, {
    replace: fluentdUrls(fluentd.url),
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /for another host name than localhost: use fluentd\.example\.com in fluentd-url, or issue a certificate for localhost/,
  );
});

for (const [what, changes, says] of BAD_CERTIFICATES) {
  Deno.test(`a Fluentd whose certificate ${what}: that, and no word of another CA`, async () => {
    await using stage = await setStage();
    const pki = await fluentdPki();
    const server = await issueServer(pki, "localhost", changes);
    const text = await fluentdProblem(stage, { ...pki, server });
    assertMatch(text, says);
    assert(!text.includes("CAs"), text);
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
    const server = await issueServer(pki, "127.0.0.1");
    await using fluentd = await startFluentd({
      tls: fluentdTls({ ...pki, server }),
    });
    const { found, failed } = await check(stage, {
      replace: fluentdUrls(`https://127.0.0.1:${fluentd.port}`),
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

Deno.test("a receiver that is away behind what ends TLS for it may be that, and not our certificate", async () => {
  await using stage = await setStage();
  // As stunnel does where nobody listens behind it: who is let in is cut off.
  const tls = fluentdTls(await fluentdPki());
  await using server = await listening(createServer(
    { ...tls, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.destroy(),
  ));
  const { found, failed } = await check(stage, {
    replace: fluentdUrls(`https://localhost:${server.port}`),
  });
  assertEquals(failed, ["Fluentd/client certificate"]);
  assertMatch(
    found["Fluentd/client certificate"] ?? "",
    /without a word of that, is what it passes requests on to running\?/,
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
    replace: fluentdUrls(url),
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

for (
  const [name, tlsVersion] of [
    ["a real Fluentd", undefined],
    ["a real Fluentd by TLS 1.3", "TLSv1_3"],
  ] as const
) {
  Deno.test({
    name: `${name} holds, and has nothing written by it`,
    ignore: ignoreWithoutFluentd(),
    async fn() {
      await using stage = await setStage();
      await using fluentd = await startRealFluentd({
        tls: fluentdTls(await fluentdPki()),
        ...tlsVersion && { tlsVersion },
      });
      const { code, found } = await check(stage, {
        replace: fluentdUrls(fluentd.url),
      });
      assertEquals(code, 0, JSON.stringify(found));
      assertMatch(found["Fluentd/client certificate"] ?? "", /^ok: demanded/);
      assertEquals(await fluentd.written("test.log"), []);
    },
  });
}
