import { deflateSync, gzipSync } from "node:zlib";
import { connect } from "node:tls";
import { once } from "node:events";
import { assertEquals, assertMatch, assertRejects } from "../assert.ts";
import { type FluentdOptions, startFluentd } from "./fluentd.ts";
import { connectTo, outwaitIdleTimeout, postTo } from "./fluentd_client.ts";
import { Received } from "./fluentd_received.ts";
import { fluentdTls } from "./fluentd_tls.ts";
import { fluentdPki, strangerPki } from "./pki.ts";
import { waitUntil } from "./wait_until.ts";

const pki = await fluentdPki();
const ca = pki.authority.certificatePem;

/** A stand-in with certificates, and a client that it trusts. */
async function start(options: FluentdOptions = {}) {
  const fluentd = await startFluentd({ tls: fluentdTls(pki), ...options });
  const client = connectTo(pki);
  return {
    fluentd,
    post: (tag: string, body: BodyInit, headers: HeadersInit = {}) =>
      postTo(`${fluentd.url}/${tag}`, { client, body, headers }),
    /** A new connection whose TLS session is new as well. */
    async postAnew(tag: string, body: BodyInit) {
      using fresh = connectTo(pki);
      return await postTo(`${fluentd.url}/${tag}`, { client: fresh, body });
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await fluentd.stop();
    },
  };
}

Deno.test("a client with a certificate of the right authority is served, by TLS 1.2", async () => {
  await using it = await start();
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);

  const socket = connect({
    port: it.fluentd.port,
    ca,
    cert: pki.client.certificatePem,
    key: pki.client.privateKeyPem,
  });
  await once(socket, "secureConnect");
  assertEquals(socket.getProtocol(), "TLSv1.2");
  socket.destroy();
  await once(socket, "close");
});

Deno.test("a client without a certificate is refused during the handshake", async () => {
  await using it = await start();
  using client = Deno.createHttpClient({ caCerts: [ca] });
  await assertRejects(
    () => postTo(it.fluentd.url, { client, body: "{}" }),
    TypeError,
  );
  await waitUntil(
    "the refusal to be counted",
    () => it.fluentd.connections.summary().refused === 1,
  );
  assertEquals(it.fluentd.received.summary().requests, 0);
});

Deno.test("a client with a certificate of another authority is refused during the handshake", async () => {
  await using it = await start();
  using client = connectTo(pki, { as: await strangerPki() });
  await assertRejects(
    () => postTo(it.fluentd.url, { client, body: "{}" }),
    TypeError,
  );
  await waitUntil(
    "the refusal to be counted",
    () => it.fluentd.connections.summary().refused === 1,
  );
  assertEquals(it.fluentd.received.summary().requests, 0);
});

Deno.test("a resumed TLS session is refused, and a new client gets through", async () => {
  await using it = await start();
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
  it.fluentd.connections.closeIdle();
  await waitUntil(
    "the connection to close",
    () => it.fluentd.connections.summary().open === 0,
  );
  await assertRejects(() => it.post("test.log", '{"uid":"b"}'), TypeError);
  assertEquals(it.fluentd.connections.summary().refusedResumptions, 1);
  assertEquals(await it.postAnew("test.log", '{"uid":"c"}'), 200);
  assertEquals(it.fluentd.received.ids("test.log"), ["a", "c"]);
});

Deno.test("objects and arrays, plain, gzip and deflate, are kept in order by tag", async () => {
  await using it = await start();
  const pair = (a: string, b: string) =>
    new TextEncoder().encode(JSON.stringify([{ uid: a, n: 1 }, { uid: b }]));
  await it.post("test.log", '{"uid":"a","n":null}');
  await it.post("test.log", pair("b", "c"));
  await it.post("test.log", new Uint8Array(gzipSync(pair("d", "e"))), {
    "content-encoding": "gzip",
  });
  await it.post("session.x.log", new Uint8Array(deflateSync(pair("f", "g"))), {
    "content-encoding": "deflate",
    "x-token": "secret",
  });
  await it.post("test.log", "[]");

  const { received } = it.fluentd;
  assertEquals(received.tags(), ["test.log", "session.x.log"]);
  assertEquals(received.ids("test.log"), ["a", "b", "c", "d", "e"]);
  assertEquals(received.records("session.x.log"), [
    { uid: "f", n: 1 },
    { uid: "g" },
  ]);
  assertEquals(received.requests[0]?.body, '{"uid":"a","n":null}');
  assertEquals(received.requests[3]?.headers["x-token"], "secret");
  assertEquals(received.summary(), {
    events: 7,
    tags: { "test.log": 5, "session.x.log": 2 },
    requests: 5,
    outcomes: { "200": 5 },
    maxConcurrentRequests: 1,
  });
});

Deno.test("what is not JSON is answered with 400 up to 1.16, and with 200 and dropped from 1.17 on", async () => {
  const malformed = [
    "",
    "{",
    "7",
    '{"uid":"a"}\n{"uid":"b"}\n',
    new Uint8Array([0x81, 0xa1, 0x61, 0x01]),
  ];
  await using old = await start({ version: "1.16" });
  for (const body of malformed) {
    assertEquals(await old.post("test.log", body), 400);
  }
  assertEquals(old.fluentd.received.events, 0);

  await using recent = await start({ version: "1.17" });
  for (const body of malformed) {
    assertEquals(await recent.post("test.log", body), 200);
  }
  assertEquals(recent.fluentd.received.events, 0);
});

Deno.test("one bad time refuses the whole array, a fraction and a zone do not", async () => {
  await using it = await start();
  const at = (time: unknown) => JSON.stringify([{ uid: "a" }, { time }]);
  assertEquals(await it.post("test.log", at("yesterday")), 400);
  assertEquals(await it.post("test.log", at(1_700_000_000)), 400);
  assertEquals(it.fluentd.received.events, 0);
  assertEquals(await it.post("test.log", at("2024-01-02T03:04:05.678Z")), 200);
  assertEquals(it.fluentd.received.events, 2);
});

Deno.test("a body that is no gzip although it says so is answered with 400", async () => {
  await using it = await start();
  const headers = { "content-encoding": "gzip" };
  assertEquals(await it.post("test.log", '{"uid":"a"}', headers), 400);
  assertEquals(it.fluentd.received.events, 0);
});

Deno.test("a body over the limit is answered with 413, and the connection is closed", async () => {
  await using it = await start({ bodyLimitBytes: 1000 });
  const body = JSON.stringify({ uid: "x".repeat(2000) });
  assertEquals(await it.post("test.log", body), 413);
  await waitUntil(
    "the connection to close",
    () => it.fluentd.connections.summary().open === 0,
  );
  assertEquals(it.fluentd.received.events, 0);
});

Deno.test("an idle connection is closed after the timeout, without notice", async () => {
  await using it = await start({ idleTimeoutMs: 100 });
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
  await waitUntil(
    "the connection to close",
    () => it.fluentd.connections.summary().open === 0,
  );
  assertEquals(it.fluentd.connections.summary().accepted, 1);
});

Deno.test("a busy connection outlives the idle timeout", async () => {
  await using it = await start({ idleTimeoutMs: 50 });
  it.fluentd.faults.add({ kind: "delay", ms: 200 });
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
});

Deno.test("a status can be dialled by count, and stores nothing unless it is a 2xx", async () => {
  await using it = await start();
  it.fluentd.faults.add(
    { kind: "status", status: 503, retryAfterS: 1, times: 2 },
    { kind: "status", status: 204 },
  );
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 503);
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 503);
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 204);
  assertEquals(it.fluentd.received.ids("test.log"), ["a"]);
  it.fluentd.faults.clear();
  assertEquals(await it.post("test.log", '{"uid":"b"}'), 200);
  assertEquals(it.fluentd.received.summary().outcomes, {
    "200": 1,
    "204": 1,
    "503": 2,
  });
});

Deno.test("Retry-After is sent with the status", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "status", status: 503, retryAfterS: 7 });
  using client = connectTo(pki);
  const response = await fetch(`${it.fluentd.url}/t`, {
    method: "POST",
    body: "{}",
    client,
  });
  await response.body?.cancel();
  assertEquals(response.headers.get("retry-after"), "7");
});

Deno.test("a status can be dialled by tag, by uid and by predicate", async () => {
  await using it = await start();
  it.fluentd.faults.add(
    { kind: "status", status: 400, ids: ["bad"] },
    { kind: "status", status: 429, tag: "session.*" },
    { kind: "status", status: 500, where: (record) => record["size"] === 9 },
  );
  const array = '[{"uid":"good"},{"uid":"bad"}]';
  assertEquals(await it.post("test.log", array), 400);
  assertEquals(await it.post("session.1.log", '{"uid":"s"}'), 429);
  assertEquals(await it.post("test.log", '{"uid":"c","size":9}'), 500);
  assertEquals(await it.post("test.log", '{"uid":"good","size":8}'), 200);
  assertEquals(it.fluentd.received.ids("test.log"), ["good"]);
  assertEquals(it.fluentd.received.ids("session.1.log"), []);
});

Deno.test("a record over the chunk limit is answered with 500, and the others are stored", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "chunk limit", ids: ["huge"] });
  const array = '[{"uid":"a"},{"uid":"huge"},{"uid":"b"}]';
  assertEquals(await it.post("test.log", array), 500);
  assertEquals(it.fluentd.received.ids("test.log"), ["a", "b"]);
});

Deno.test("a dropped request is answered with 200, and nothing is stored", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "drop", times: 1 });
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
  assertEquals(it.fluentd.received.events, 0);
});

Deno.test("a request that hangs ends with its client or with the server", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "hang" });
  using client = connectTo(pki);
  const url = `${it.fluentd.url}/test.log`;
  const impatient = new AbortController();
  const first = postTo(url, { client, body: "{}", signal: impatient.signal });
  await it.fluentd.received.until(({ requests }) => requests.length === 1);
  impatient.abort();
  await assertRejects(() => first, DOMException);

  const second = assertRejects(() => it.post("test.log", "{}"), TypeError);
  await it.fluentd.received.until(({ requests }) => requests.length === 2);
  await it.fluentd.stop();
  await second;
  assertEquals(it.fluentd.received.summary().outcomes, { hung: 2 });
  assertEquals(it.fluentd.received.events, 0);
});

Deno.test("a request whose client has gone before it hangs is not under way any longer", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "delay", ms: 100 }, { kind: "hang" });
  using client = connectTo(pki);
  const url = `${it.fluentd.url}/test.log`;
  const impatient = new AbortController();
  const post = postTo(url, { client, body: "{}", signal: impatient.signal });
  const { received } = it.fluentd;
  await waitUntil("the request", () => received.underWay === 1);
  impatient.abort();
  await assertRejects(() => post, DOMException);
  await waitUntil("its end", () => received.underWay === 0);
});

Deno.test("a request that hangs keeps its connection open", async () => {
  await using it = await start({ idleTimeoutMs: 50 });
  it.fluentd.faults.add({ kind: "hang", times: 1 });
  const hanging = assertRejects(() => it.post("test.log", "{}"), TypeError);
  await it.fluentd.received.until(({ requests }) => requests.length === 1);
  it.fluentd.connections.closeIdle();
  await outwaitIdleTimeout(it.fluentd, pki);
  await waitUntil(
    "the idle connection alone to close",
    () => it.fluentd.connections.summary().open === 1,
  );
  await it.fluentd.stop();
  await hanging;
});

Deno.test("a connection can be dropped before the body is read", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "reset before body", times: 1 });
  const body = JSON.stringify({ uid: "x".repeat(8_000_000) });
  await assertRejects(() => it.post("test.log", body), TypeError);
  assertEquals(it.fluentd.received.requests.map(({ body }) => body), [""]);
  assertEquals(await it.postAnew("test.log", '{"uid":"a"}'), 200);
});

for (const stored of [false, true]) {
  Deno.test(`a connection can be dropped after the body was read and ${stored ? "" : "not "}stored`, async () => {
    await using it = await start();
    it.fluentd.faults.add({ kind: "reset after body", stored, times: 1 });
    await assertRejects(() => it.post("test.log", '{"uid":"a"}'), TypeError);
    assertEquals(it.fluentd.received.ids("test.log"), stored ? ["a"] : []);
    assertEquals(it.fluentd.received.summary().outcomes, { reset: 1 });
  });
}

Deno.test("a connection can be closed right after the answer", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "close after answer", times: 1 });
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
  await waitUntil(
    "the connection to close",
    () => it.fluentd.connections.summary().open === 0,
  );
});

Deno.test("while it is stopped it refuses, and it comes back on its port with its memory", async () => {
  await using it = await start();
  assertEquals(await it.post("test.log", '{"uid":"a"}'), 200);
  const { url } = it.fluentd;
  await it.fluentd.stop();
  const error = await assertRejects(
    () => it.postAnew("test.log", '{"uid":"b"}'),
    TypeError,
  );
  assertMatch(String(error.cause ?? error), /refused/);
  await it.fluentd.start();
  await it.fluentd.restart();
  assertEquals(it.fluentd.url, url);
  assertEquals(await it.postAnew("test.log", '{"uid":"c"}'), 200);
  assertEquals(it.fluentd.received.ids("test.log"), ["a", "c"]);
});

Deno.test("where its port is taken for a moment, it comes back a moment later", async () => {
  await using it = await start();
  await it.fluentd.stop();
  const { port } = it.fluentd;
  const other = Deno.listen({ hostname: "127.0.0.1", port });
  const started = it.fluentd.start();
  // It has tried by then.
  await new Promise((resolve) => setTimeout(resolve));
  other.close();
  await started;
  assertEquals(await it.postAnew("test.log", '{"uid":"a"}'), 200);
});

Deno.test("stopping ends a delayed request, and stores nothing of it", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "delay", ms: 60_000 });
  const slow = assertRejects(
    () => it.post("test.log", '{"uid":"a"}'),
    TypeError,
  );
  await waitUntil(
    "the request",
    () => it.fluentd.received.summary().maxConcurrentRequests === 1,
  );
  await it.fluentd.stop();
  await slow;
  assertEquals(it.fluentd.received.events, 0);
});

Deno.test("requests and connections at the same time are counted", async () => {
  await using it = await start();
  it.fluentd.faults.add({ kind: "hang", times: 3 });
  const hanging = [1, 2, 3].map((n) =>
    assertRejects(() => it.postAnew("test.log", `{"n":${n}}`), TypeError)
  );
  await it.fluentd.received.until(({ requests }) => requests.length === 3);
  assertEquals(it.fluentd.received.summary().maxConcurrentRequests, 3);
  assertEquals(it.fluentd.connections.summary().maxOpen, 3);
  await it.fluentd.stop();
  await Promise.all(hanging);
});

Deno.test("plain HTTP is served where no certificates are given", async () => {
  await using fluentd = await startFluentd();
  using client = Deno.createHttpClient({});
  const url = `${fluentd.url}/test.log`;
  assertEquals(await postTo(url, { client, body: '{"uid":"a"}' }), 200);
  assertEquals(fluentd.received.ids("test.log"), ["a"]);
});

Deno.test("a GET, as health checks send it, is no event", async () => {
  await using fluentd = await startFluentd();
  using client = Deno.createHttpClient({});
  const response = await fetch(fluentd.url, { client });
  assertEquals([response.status, await response.text()], [200, ""]);
  assertEquals(fluentd.received.events, 0);
});

Deno.test("missing, duplicate and unexpected events are told apart", () => {
  const received = new Received({ keepBodies: false });
  const store = (tag: string, ...ids: string[]) =>
    received.store(tag, ids.map((uid) => ({ uid })));
  store("test.log", "a", "b", "b", "b", "x", "");
  store("session.1.log", "s");
  assertEquals(received.compare(["a", "b", "c", "c", "", "s"]), {
    missing: ["c", "c"],
    duplicates: ["b", "b"],
    unexpected: ["x"],
  });
  assertEquals(received.compare(["s", "t"], "session.1.log"), {
    missing: ["t"],
    duplicates: [],
    unexpected: [],
  });
  assertEquals(received.records("test.log"), []);
});

Deno.test("waiting in vain says what had arrived", async () => {
  const received = new Received({ keepBodies: false });
  await assertRejects(
    () => received.until(() => false, AbortSignal.abort()),
    Error,
    'received so far: {"events":0',
  );
});
