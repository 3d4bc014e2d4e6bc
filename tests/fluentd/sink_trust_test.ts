import { AUDIT } from "../../lib/event.ts";
import type { FluentdTls as ClientTls } from "../../lib/fluentd/tls.ts";
import { assertEquals, assertMatch, assertRejects } from "../assert.ts";
import { auditEvents } from "../fakes/audit_events.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import type { FluentdTls } from "../fakes/fluentd_tls.ts";
import { findFreePort } from "../fakes/free_port.ts";
import {
  EXPIRED,
  fluentdPki,
  issueClient,
  issueServer,
  strangerPki,
} from "../fakes/pki.ts";
import {
  clientTls,
  NEVER,
  sinkTo,
  startTlsFluentd,
  TestSink,
} from "./setup.ts";

/** What `send` throws; in one line, and with nothing that differs each time. */
async function thrownBy(sink: TestSink): Promise<string> {
  const messages: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { message } = await assertRejects(
      () => sink.send(AUDIT, auditEvents(1), NEVER),
      Error,
    );
    messages.push(message);
  }
  assertEquals(messages[0], messages[1]);
  return messages[0] ?? "";
}

/** What is thrown when Fluentd shows a certificate of this kind. */
async function thrownAtServer(
  changes: Parameters<typeof issueServer>[2],
): Promise<string> {
  const pki = await fluentdPki();
  const server = await issueServer(pki, "localhost", changes);
  const tls: FluentdTls = {
    cert: server.certificatePem,
    key: server.privateKeyPem,
    ca: pki.authority.certificatePem,
  };
  await using fluentd = await startFluentd({ tls });
  using sink = await sinkTo(fluentd);
  return await thrownBy(sink);
}

/** What is thrown when we show and trust this. */
async function thrownWith(tls: ClientTls): Promise<string> {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { tls: () => tls });
  const message = await thrownBy(sink);
  assertEquals(fluentd.received.summary().requests, 0);
  return message;
}

Deno.test("a receiver of another CA: fluentd-ca is named", async () => {
  const [pki, stranger] = [await fluentdPki(), await strangerPki()];
  assertMatch(
    await thrownWith(clientTls(stranger, pki)),
    /^cannot send to https:\/\/localhost:\d+\/test\.log: its certificate is not signed by a CA that we trust: set fluentd-ca to the one that signed it \(invalid peer certificate: UnknownIssuer\)$/,
  );
});

Deno.test("no CA configured and a receiver of its own CA: fluentd-ca is named", async () => {
  const pki = await fluentdPki();
  assertMatch(
    await thrownWith({ ...clientTls(pki, pki), caCerts: [] }),
    /: set fluentd-ca to the one that signed it/,
  );
});

Deno.test("no client certificate: fluentd-cert and fluentd-key are named", async () => {
  assertMatch(
    await thrownWith(clientTls(await fluentdPki())),
    /: it demands a client certificate: set fluentd-cert and fluentd-key \(received fatal alert: CertificateRequired\)$/,
  );
});

Deno.test("a client certificate of another CA: fluentd-cert is named", async () => {
  const [pki, stranger] = [await fluentdPki(), await strangerPki()];
  assertMatch(
    await thrownWith(clientTls(pki, stranger)),
    /: it broke off the TLS handshake: .*it does not trust the CA that signed fluentd-cert/,
  );
});

Deno.test("a client certificate that has expired: fluentd-cert is named", async () => {
  const pki = await fluentdPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  assertMatch(
    await thrownWith(clientTls(pki, { client })),
    /: it broke off the TLS handshake: .*fluentd-cert/,
  );
});

Deno.test("a client certificate that has expired while we run is told as the cause, with its file and end", async () => {
  const pki = await fluentdPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const term = {
    name: "fluentd-cert",
    path: "/keys/client.crt",
    notBeforeMs: EXPIRED.notBefore.getTime(),
    notAfterMs: EXPIRED.notAfter.getTime(),
  };
  assertMatch(
    await thrownWith({ ...clientTls(pki, { client }), terms: [term] }),
    /: the certificate in \/keys\/client\.crt \(fluentd-cert\) expired on 2021-01-01T00:00:00\.000Z: renew it \(tls handshake eof\)$/,
  );
});

Deno.test("a receiver of another name: both names and what to do are told", async () => {
  assertMatch(
    await thrownAtServer({ dnsNames: ["fluentd.example.com"] }),
    /: its certificate is for another host name: use that name in fluentd-url, or issue a certificate for this one \(.*"localhost".*"fluentd\.example\.com".*\)$/,
  );
});

Deno.test("a receiver whose certificate has expired: since when is told", async () => {
  assertMatch(
    await thrownAtServer({ validity: EXPIRED }),
    /: its certificate has expired: renew it \(invalid peer certificate: certificate expired: not valid after 2021-01-01T00:00:00\.000Z\)$/,
  );
});

Deno.test("a receiver whose certificate is not valid yet: from when on is told", async () => {
  const validity = {
    notBefore: new Date("2045-01-01T00:00:00Z"),
    notAfter: new Date("2046-01-01T00:00:00Z"),
  };
  assertMatch(
    await thrownAtServer({ validity }),
    /: its certificate is not valid yet: are the clocks right\? \(.*not valid before 2045-01-01T00:00:00\.000Z\)$/,
  );
});

Deno.test("a receiver with a client's certificate: what to issue is told", async () => {
  assertMatch(
    await thrownAtServer({ usages: ["client"] }),
    /: its certificate is not meant for servers: issue one for server authentication/,
  );
});

Deno.test("nobody listens: the port is questioned", async () => {
  const pki = await fluentdPki();
  using sink = new TestSink({
    url: `https://localhost:${findFreePort()}/test.log`,
    tls: () => clientTls(pki, pki),
  });
  assertMatch(
    await thrownBy(sink),
    /: connection refused: is it running, and is the port in fluentd-url right\? \(tcp connect error: Connection refused \(os error 111\)\)$/,
  );
});

Deno.test("a name that cannot be resolved: the host is questioned", async () => {
  using sink = new TestSink({
    url: "https://fluentd.invalid:8888/test.log",
  });
  assertMatch(
    await thrownBy(sink),
    /^cannot send to https:\/\/fluentd\.invalid:8888\/test\.log: the host name cannot be resolved: is it right in fluentd-url\?/,
  );
});

Deno.test("where recordings go to another host, the option that names it is questioned", async () => {
  using sink = new TestSink({
    sessionUrl: `https://localhost:${findFreePort()}/session`,
  });
  const recording = { kind: "recording", sessionId: "s1" } as const;
  await assertRejects(
    () => sink.send(recording, auditEvents(1), NEVER),
    Error,
    "is the port in fluentd-session-url right?",
  );
});

Deno.test("https where plain HTTP is spoken, and the other way round: the scheme is questioned", async () => {
  await using plain = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(),
  );
  using encrypted = new TestSink({
    url: `https://localhost:${plain.addr.port}/test.log`,
  });
  assertMatch(
    await thrownBy(encrypted),
    /: it does not speak TLS there: .*should it begin with http:\/\/\?/,
  );
  await using fluentd = await startTlsFluentd();
  using open = new TestSink({
    url: `http://localhost:${fluentd.port}/test.log`,
  });
  assertMatch(
    await thrownBy(open),
    /: it does not speak HTTP there: .*should it begin with https:\/\/\?/,
  );
});

Deno.test("an address in the certificate is as good as a name", async () => {
  const pki = await fluentdPki();
  await using fluentd = await startTlsFluentd();
  using sink = new TestSink({
    url: `https://127.0.0.1:${fluentd.port}/test.log`,
    tls: () => clientTls(pki, pki),
  });
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});
