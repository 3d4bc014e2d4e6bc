import { RejectedError, TimeoutError } from "../../lib/errors.ts";
import { AUDIT } from "../../lib/event.ts";
import { DeliveryThread } from "../../lib/fluentd/delivery_thread.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  unreachable,
} from "../assert.ts";
import { auditEvent, auditEvents, idsOf } from "../fakes/audit_events.ts";
import { fluentdPki, issueClient } from "../fakes/pki.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { clientTls, NEVER, sinkTo, startTlsFluentd } from "./setup.ts";

const OWN_THREAD = { ownThread: true };

Deno.test("what another thread sends is to the byte what this one sends, gzip or not", async () => {
  const events = [
    ...auditEvents(40),
    auditEvent("größer", {
      fields: { text: '表 "\\ \u0001', list: [1.5, null] },
    }),
    auditEvent("large", { fields: { text: "x".repeat(300_000) } }),
  ];
  for (const compress of ["none", "gzip"] as const) {
    await using fluentd = await startTlsFluentd();
    for (const ownThread of [false, true]) {
      using sink = await sinkTo(fluentd, { compress, ownThread });
      assertEquals(await sink.send(AUDIT, events, NEVER), events.length);
    }
    const [here, there] = fluentd.received.requests;
    assertEquals(there?.body, here?.body);
    assertEquals(there?.headers, here?.headers);
  }
});

Deno.test("as many events as fit one request are sent, on another thread too", async () => {
  await using fluentd = await startTlsFluentd();
  using byCount = await sinkTo(fluentd, { ...OWN_THREAD, maxEvents: 7 });
  assertEquals(await byCount.send(AUDIT, auditEvents(20), NEVER), 7);
  // An event is 12 bytes of JSON, and as many of protobuf.
  using bySize = await sinkTo(fluentd, { ...OWN_THREAD, maxBytes: 60 });
  assertEquals(await bySize.send(AUDIT, auditEvents(20), NEVER), 4);
  const large = auditEvent("large", { fields: { text: "x".repeat(100) } });
  assertEquals(await bySize.send(AUDIT, [large, large], NEVER), 1);
});

Deno.test("many requests at once arrive once each over the connections that there are", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { ...OWN_THREAD, maxConnections: 3 });
  await Promise.all(
    Array.from(
      { length: 60 },
      (_, i) => sink.send(AUDIT, auditEvents(5, { first: 5 * i }), NEVER),
    ),
  );
  assertEquals(
    fluentd.received.compare(idsOf(auditEvents(300))),
    { missing: [], duplicates: [], unexpected: [] },
  );
  assertEquals(fluentd.connections.summary().accepted, 3);
  assertEquals(fluentd.received.summary().maxConcurrentRequests, 3);
});

Deno.test("for another thread two requests more than connections are of use, and over a single one none", async () => {
  await using fluentd = await startTlsFluentd();
  for (const [maxConnections, ahead] of [[1, 0], [2, 1], [4, 2]] as const) {
    using there = await sinkTo(fluentd, { ...OWN_THREAD, maxConnections });
    assertEquals(there.maxRequests, maxConnections + ahead);
    using here = await sinkTo(fluentd, { maxConnections });
    assertEquals(here.maxRequests, maxConnections);
  }
});

Deno.test("a request that is ahead begins, and its time runs, when there is a connection for it", async () => {
  await using fluentd = await startTlsFluentd();
  let begun = 0;
  using sink = await sinkTo(fluentd, {
    ...OWN_THREAD,
    maxConnections: 2,
    timeoutMs: 1_000,
    observer: { watch: (_destination, send) => send(() => begun++) },
  });
  fluentd.faults.add({ kind: "hang", times: 2 });
  const send = (first: number) =>
    sink.send(AUDIT, auditEvents(1, { first }), NEVER);
  const hanging = [send(0), send(1)].map((sending) =>
    assertRejects(() => sending, TimeoutError)
  );
  const ahead = send(2);
  await fluentd.received.until(({ requests }) => requests.length === 2);
  await waitUntil("both to be told", () => begun === 2);
  await Promise.all(hanging);
  assertEquals(await ahead, 1);
  assertEquals(begun, 3);
  assertEquals(fluentd.received.ids("test.log"), ["e2"]);
});

Deno.test("killed while it is ahead, a request is not sent, and those after it are", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { ...OWN_THREAD, maxConnections: 2 });
  fluentd.faults.add({ kind: "hang", times: 2 });
  const reason = new Error("killed");
  const start = (first: number) => {
    const kill = new AbortController();
    const ended = assertRejects(() =>
      sink.send(AUDIT, auditEvents(1, { first }), kill.signal)
    );
    return async () => {
      kill.abort(reason);
      assertStrictEquals(await ended, reason);
    };
  };
  const killHanging = [start(0), start(1)];
  const killAhead = start(2);
  await fluentd.received.until(({ requests }) => requests.length === 2);
  await killAhead();
  for (const kill of killHanging) await kill();
  for (const first of [3, 4, 5]) {
    await sink.send(AUDIT, auditEvents(1, { first }), NEVER);
  }
  assertEquals(fluentd.received.ids("test.log"), ["e3", "e4", "e5"]);
  assertEquals(fluentd.received.requests.length, 5);
});

Deno.test("another thread says in the same words what is wrong", async () => {
  await using fluentd = await startTlsFluentd();
  const broken = auditEvent("broken", { payload: Uint8Array.of(0xff) });
  const pki = await fluentdPki();
  const untrusted = { ...clientTls(pki, pki), caCerts: [] };
  const said = async (ownThread: boolean) => {
    const messages: string[] = [];
    const trouble = async (
      events = auditEvents(2),
      options: Parameters<typeof sinkTo>[1] = {},
    ) => {
      using sink = await sinkTo(fluentd, { ownThread, ...options });
      const error = await assertRejects(
        () => sink.send(AUDIT, events, NEVER),
        Error,
      );
      messages.push(`${error.name}: ${error.message}`);
    };
    await trouble([broken, ...auditEvents(1)]);
    for (const status of [400, 404, 503]) {
      fluentd.faults.add({ kind: "status", status, times: 1 });
      await trouble();
    }
    fluentd.faults.add({ kind: "reset before body", times: 1 });
    await trouble();
    await trouble(undefined, { tls: () => untrusted });
    fluentd.faults.add({ kind: "hang", times: 1 });
    await trouble(undefined, { timeoutMs: 200 });
    return messages;
  };
  const here = await said(false);
  assertEquals(await said(true), here);
  assertEquals(new Set(here).size, 7);
});

Deno.test("an event that is no Struct is refused alone, and those behind it are sent", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, OWN_THREAD);
  const broken = auditEvent("broken", { payload: Uint8Array.of(0xff) });
  const error = await assertRejects(
    () => sink.send(AUDIT, [broken, ...auditEvents(2)], NEVER),
    RejectedError,
  );
  assertEquals(error.count, 1);
  assertEquals(await sink.send(AUDIT, auditEvents(2), NEVER), 2);
});

Deno.test("killed while another thread sends, it throws the reason, and the connection works again", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { ...OWN_THREAD, maxConnections: 1 });
  fluentd.faults.add({ kind: "hang", times: 1 });
  const kill = new AbortController();
  const sending = sink.send(AUDIT, auditEvents(1), kill.signal);
  await fluentd.received.until(({ requests }) => requests.length > 0);
  const reason = new Error("killed");
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => sending), reason);
  assertStrictEquals(
    await assertRejects(() => sink.send(AUDIT, auditEvents(1), kill.signal)),
    reason,
  );
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});

Deno.test("renewed certificates and headers are those of the next request, on another thread too", async () => {
  await using fluentd = await startTlsFluentd();
  const pki = await fluentdPki();
  let tls = clientTls(pki, pki);
  let headers = [{ name: "X-Token", value: "one" }];
  using sink = await sinkTo(fluentd, {
    ...OWN_THREAD,
    tls: () => tls,
    headers: () => headers,
  });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.connections.summary().accepted, 1);
  tls = clientTls(pki, { client: await issueClient(pki) });
  headers = [{ name: "X-Token", value: "two" }];
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.connections.summary().accepted, 2);
  assertEquals(
    fluentd.received.requests.map(({ headers }) => headers["x-token"]),
    ["one", "one", "two"],
  );
});

/** Says of every request that a receiver took it. */
const TAKING = `onmessage = ({ data: { kind, exchange } }) => {
  const outcome = { answer: { status: 200, retryAfter: null, text: "" } };
  if (kind === "send") {
    postMessage({ kind: "sent", exchange, count: 1, bytes: 2, outcome });
  }
}`;

/** A thread that runs what it is told to each time it begins. */
function startThread(text: () => string): DeliveryThread {
  return new DeliveryThread({
    maxEvents: 10,
    maxBytes: 1_000,
    compress: "none",
    maxConnections: 1,
    tls: () => ({ caCerts: [], client: undefined }),
    headers: () => [],
  }, () => new URL(`data:text/javascript,${encodeURIComponent(text())}`));
}

Deno.test("what is aborted before it is handed to another thread is not sent", async () => {
  const thread = startThread(() => TAKING);
  const reason = new Error("killed");
  const sending = thread.create().send({
    url: "http://localhost/test.log",
    events: auditEvents(1),
    signal: AbortSignal.abort(reason),
    onBegun: unreachable,
  });
  assertStrictEquals(await assertRejects(() => sending), reason);
  thread.close();
});

Deno.test("a thread that ends fails the requests that it has, and the next one begins another", async () => {
  let text = "onmessage = () => { throw new Error('broken'); }";
  let begun = 0;
  const thread = startThread(() => text);
  const exchange = thread.create();
  const sending = {
    url: "http://localhost/test.log",
    events: auditEvents(1),
    signal: NEVER,
    onBegun: () => void begun++,
  };
  await assertRejects(
    () => exchange.send(sending),
    Error,
    "the thread that delivers ended: ",
  );
  text = TAKING;
  const { count, bytes, outcome } = await exchange.send(sending);
  assertEquals([count, bytes, begun], [1, 2, 2]);
  assert("answer" in outcome);
  thread.close();
});

Deno.test("closing a sink ends its thread and what that has under way", async () => {
  await using fluentd = await startTlsFluentd();
  const sink = await sinkTo(fluentd, OWN_THREAD);
  fluentd.faults.add({ kind: "hang" });
  const sending = sink.send(AUDIT, auditEvents(1), NEVER);
  await fluentd.received.until(({ requests }) => requests.length > 0);
  sink.close();
  await assertRejects(() => sending, Error, "the sink is closed");
  await waitUntil(
    "the connections to close",
    () => fluentd.connections.summary().open === 0,
  );
});
