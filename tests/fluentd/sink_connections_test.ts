import {
  BusyError,
  DestinationError,
  RejectedError,
} from "../../lib/errors.ts";
import { AUDIT, type Destination } from "../../lib/event.ts";
import { gzip } from "../../lib/fluentd/gzip.ts";
import { Lane } from "../../lib/fluentd/lane.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "../assert.ts";
import { auditEvents, idsOf } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { outwaitIdleTimeout } from "../fakes/fluentd_client.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { never } from "../fakes/never.ts";
import { fluentdPki, issueClient } from "../fakes/pki.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import {
  clientTls,
  NEVER,
  sinkTo,
  startTlsFluentd,
  TestSink,
} from "./setup.ts";

const RECORDING: Destination = { kind: "recording", sessionId: "s1" };

Deno.test("one connection serves request after request", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (let i = 0; i < 20; i++) {
    await sink.send(AUDIT, auditEvents(1, { first: i }), NEVER);
    await sink.clock.advance(7_000);
  }
  assertEquals(fluentd.received.summary().events, 20);
  assertEquals(fluentd.connections.summary().accepted, 1);
});

Deno.test("a connection that was idle for more than 8 s is not trusted again", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await sink.clock.advance(8_000);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.connections.summary().accepted, 1);
  await sink.clock.advance(8_001);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  const { accepted, refusedResumptions } = fluentd.connections.summary();
  assertEquals([accepted, refusedResumptions], [2, 0]);
});

Deno.test("a connection that the receiver closed while it was idle is no error", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (let i = 0; i < 10; i++) {
    await sink.send(AUDIT, auditEvents(1, { first: i }), NEVER);
    fluentd.connections.closeIdle();
  }
  assertEquals(
    fluentd.received.compare(idsOf(auditEvents(10))),
    { missing: [], duplicates: [], unexpected: [] },
  );
});

Deno.test("what is sent again over a new connection is what it was, whatever was encoded meanwhile", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 3 });
  const events = auditEvents(90);
  for (let first = 0; first < events.length; first += 9) {
    await Promise.all([0, 3, 6].map((offset) => {
      const from = first + offset;
      return sink.send(AUDIT, events.slice(from, from + 3), NEVER);
    }));
    fluentd.connections.closeIdle();
  }
  assertEquals(
    fluentd.received.compare(idsOf(events)),
    { missing: [], duplicates: [], unexpected: [] },
  );
});

Deno.test("a receiver that ends idle connections by its own clock is no error", async () => {
  const pki = await fluentdPki();
  await using fluentd = await startFluentd({
    tls: fluentdTls(pki),
    idleTimeoutMs: 50,
  });
  using sink = await sinkTo(fluentd);
  for (let i = 0; i < 3; i++) {
    await sink.send(AUDIT, auditEvents(1, { first: i }), NEVER);
    await outwaitIdleTimeout(fluentd, pki);
  }
  assertEquals(fluentd.received.ids("test.log"), ["e0", "e1", "e2"]);
});

Deno.test("a receiver that closes after each answer is no error", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  fluentd.faults.add({ kind: "close after answer" });
  for (let i = 0; i < 10; i++) {
    await sink.send(AUDIT, auditEvents(1, { first: i }), NEVER);
  }
  assertEquals(
    fluentd.received.compare(idsOf(auditEvents(10))),
    { missing: [], duplicates: [], unexpected: [] },
  );
});

Deno.test("after a restart of the receiver sending goes on", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 2 });
  for (let i = 0; i < 3; i++) {
    await Promise.all([
      sink.send(AUDIT, auditEvents(1, { first: 2 * i }), NEVER),
      sink.send(AUDIT, auditEvents(1, { first: 2 * i + 1 }), NEVER),
    ]);
    await fluentd.restart();
  }
  assertEquals(
    fluentd.received.compare(idsOf(auditEvents(6))),
    { missing: [], duplicates: [], unexpected: [] },
  );
});

Deno.test("while the receiver is away sending fails, and works when it is back", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await fluentd.stop();
  for (let i = 0; i < 3; i++) {
    await assertRejects(
      () => sink.send(AUDIT, auditEvents(1), NEVER),
      Error,
      "connection refused: is it running",
    );
  }
  await fluentd.start();
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});

Deno.test("a connection that is dropped before or after the body is told, and the next one works", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (
    const fault of [
      { kind: "reset before body" },
      { kind: "reset after body", stored: false },
      { kind: "reset after body", stored: true },
    ] as const
  ) {
    // Twice, for a connection that was kept is tried anew at once.
    fluentd.faults.add({ ...fault, times: 2 });
    await assertRejects(
      () => sink.send(AUDIT, auditEvents(1), NEVER),
      Error,
      "the connection broke before the answer",
    );
    fluentd.faults.clear();
    assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
  }
  assertEquals(fluentd.connections.summary().refusedResumptions, 0);
});

Deno.test("who watches requests is told of one that was sent again, as the connection it was kept on broke", async () => {
  for (const ownThread of [false, true]) {
    await using fluentd = await startTlsFluentd();
    const told: [broken: boolean, ok: boolean][] = [];
    using sink = await sinkTo(fluentd, {
      ownThread,
      observer: {
        async watch(_destination, send) {
          const sent = await send(() => {});
          told.push([sent.brokenMs !== undefined, sent.error === undefined]);
          return sent;
        },
      },
    });
    await sink.send(AUDIT, auditEvents(1), NEVER);
    fluentd.faults.add({ kind: "reset after body", stored: true, times: 1 });
    await sink.send(AUDIT, auditEvents(1, { first: 1 }), NEVER);
    await sink.send(AUDIT, auditEvents(1, { first: 2 }), NEVER);
    assertEquals(told, [[false, true], [true, true], [false, true]]);
    assertEquals(fluentd.received.ids("test.log"), ["e0", "e1", "e1", "e2"]);
  }
});

Deno.test("many at once share the connections that there are", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 3 });
  fluentd.faults.add({ kind: "delay", ms: 5 });
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      sink.send(
        i % 2 === 0 ? AUDIT : RECORDING,
        auditEvents(1, { first: i }),
        NEVER,
      )),
  );
  assertEquals(fluentd.received.summary().events, 40);
  assertEquals(fluentd.received.summary().maxConcurrentRequests, 3);
  const { accepted, maxOpen } = fluentd.connections.summary();
  assertEquals([accepted, maxOpen], [3, 3]);
});

Deno.test("failing requests give their connections back", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 2, timeoutMs: 1_000 });
  fluentd.faults.add(
    { kind: "status", status: 400, times: 5 },
    { kind: "reset after body", stored: false, times: 5 },
    { kind: "hang", times: 2 },
  );
  const kill = AbortSignal.timeout(10_000);
  await Promise.allSettled(
    Array.from({ length: 12 }, () => sink.send(AUDIT, auditEvents(1), kill)),
  );
  fluentd.faults.clear();
  const sent = await Promise.all(
    Array.from({ length: 10 }, () => sink.send(AUDIT, auditEvents(1), kill)),
  );
  assertEquals(sent.length, 10);
  assertLessOrEqual(fluentd.connections.summary().open, 2);
});

Deno.test("two receivers do not share connections: one that hangs is not in the way of the other", async () => {
  await using events = await startTlsFluentd();
  await using recordings = await startTlsFluentd();
  using sink = await sinkTo(events, {
    sessionUrl: `${recordings.url}/session`,
    maxConnections: 1,
  });
  recordings.faults.add({ kind: "hang" });
  const kill = new AbortController();
  const hanging = sink.send(RECORDING, auditEvents(1), kill.signal);
  hanging.catch(() => {});
  await recordings.received.until(({ requests }) => requests.length > 0);
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
  kill.abort(new Error("killed"));
  await assertRejects(() => hanging, Error, "killed");
  assertEquals(events.received.tags(), ["test.log"]);
});

Deno.test("a receiver that does not answer in time is told so, and the next request works", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { timeoutMs: 1_000 });
  fluentd.faults.add({ kind: "hang", times: 1 });
  await assertRejects(
    () => sink.send(AUDIT, auditEvents(1), NEVER),
    Error,
    `no answer from ${fluentd.url}/test.log within 1 s`,
  );
  assertEquals(
    await sink.send(AUDIT, auditEvents(1, { first: 1 }), NEVER),
    1,
  );
  assertEquals(fluentd.received.ids("test.log"), ["e1"]);
});

Deno.test("killed in the middle of a request, it throws the reason", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 1 });
  fluentd.faults.add({ kind: "hang", times: 1 });
  const kill = new AbortController();
  const reason = new Error("killed");
  const sending = sink.send(AUDIT, auditEvents(1), kill.signal);
  const waiting = sink.send(AUDIT, auditEvents(1), kill.signal);
  waiting.catch(() => {});
  await fluentd.received.until(({ requests }) => requests.length > 0);
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => sending), reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  assertStrictEquals(
    await assertRejects(() => sink.send(AUDIT, auditEvents(1), kill.signal)),
    reason,
  );
  assertEquals(fluentd.received.summary().requests, 1);
});

/** What comes of two events when this is all that is answered, and nothing more. */
async function sendForAnswer(
  answer: string,
  { ends }: { ends: boolean },
): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using sink = new TestSink({
    url: `http://127.0.0.1:${listener.addr.port}/test.log`,
    timeoutMs: 1_000,
  });
  const sending = sink.send(AUDIT, auditEvents(2), NEVER);
  // It may fail before it is looked at.
  sending.catch(() => {});
  using connection = await listener.accept();
  await connection.read(new Uint8Array(10_000));
  await connection.write(new TextEncoder().encode(answer));
  if (ends) await connection.closeWrite();
  return await sending;
}

Deno.test("killed the moment it gets a connection, it throws the reason and sends nothing", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 1 });
  const kill = new AbortController();
  const reason = new Error("killed");
  const first = sink.send(AUDIT, auditEvents(1), NEVER)
    .then(() => kill.abort(reason));
  const second = sink.send(AUDIT, auditEvents(1), kill.signal);
  const thrown = assertRejects(() => second);
  await first;
  assertStrictEquals(await thrown, reason);
  assertEquals(fluentd.received.requests.length, 1);
});

Deno.test("an acknowledgement counts although the rest of the answer never comes", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  assertEquals(await sendForAnswer(head + "abc", { ends: true }), 2);
  assertEquals(await sendForAnswer(head, { ends: false }), 2);
});

Deno.test("a refusal counts although the rest of the answer never comes", async () => {
  const head = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 100\r\n\r\n";
  for (const ends of [true, false]) {
    const error = await assertRejects(
      () => sendForAnswer(head + "abc", { ends }),
      RejectedError,
    );
    assertEquals(error.count, 2);
  }
});

Deno.test("what was said before an answer broke off counts", async () => {
  // A server in Go that expects TLS resets the connection behind these words, as it
  // does not read the request.
  const answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n" +
    "Client sent an HTTP request to an HTTPS server.\n";
  const error = await assertRejects(
    () => sendForAnswer(answer, { ends: true }),
    DestinationError,
  );
  assertStringIncludes(error.message, "should fluentd-url begin with https://");
});

Deno.test("an answer that goes on and on is not listened to, and counts", async () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x78);
  for (const status of [200, 503]) {
    const heard = Promise.withResolvers<"all" | "the beginning">();
    let left = 2_000;
    const body = () =>
      new ReadableStream({
        pull(controller) {
          if (left-- > 0) return controller.enqueue(chunk);
          controller.close();
          heard.resolve("all");
        },
        cancel: () => heard.resolve("the beginning"),
      });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(body(), { status }),
    );
    using sink = new TestSink({
      url: `http://127.0.0.1:${server.addr.port}/test.log`,
    });
    const said = await sink.send(AUDIT, auditEvents(2), NEVER)
      .catch(({ message }: Error) => message);
    if (status === 200) assertEquals(said, 2);
    else assertMatch(`${said}`, /answered 503 "x{300}"/);
    assertEquals(await heard.promise, "the beginning");
  }
});

Deno.test("a compressed answer is not unpacked as a whole, small as it is on the way", async () => {
  const body = gzip(new Uint8Array(64 * 1024 * 1024).fill(0x78));
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response(body, {
        status: 503,
        headers: {
          "content-encoding": "gzip",
          "content-length": `${body.length}`,
        },
      }),
  );
  const tls = { caCerts: [], client: undefined };
  const lane = new Lane(() => tls, new FakeClock());
  const { status, text } = await lane.post({
    url: `http://127.0.0.1:${server.addr.port}/test.log`,
    headers: new Headers(),
    body: () => new Uint8Array(2),
    signal: NEVER,
    onBroken() {},
  });
  assertEquals([status, text.length], [503, 1024 * 1024]);
});

Deno.test("a busy receiver's time is honoured although the rest of the answer never comes", async () => {
  const head =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n";
  const error = await assertRejects(
    () => sendForAnswer(head, { ends: true }),
    BusyError,
  );
  assertEquals(error.retryAfterMs, 7_000);
});

Deno.test("what was handed to a request is not changed by what is written after it", async () => {
  await using fluentd = await startTlsFluentd();
  const pki = await fluentdPki();
  const lane = new Lane(() => clientTls(pki, pki), new FakeClock());
  const text = `{"uid":"e0","text":"${"x".repeat(3_000_000)}"}`;
  const body = new TextEncoder().encode(text);
  const answer = lane.post({
    url: `${fluentd.url}/test.log`,
    headers: new Headers(),
    body: () => body,
    signal: NEVER,
    onBroken() {},
  });
  body.fill(0);
  assertEquals((await answer).status, 200);
  assert(fluentd.received.requests[0]?.body === text);
  lane.close();
});

Deno.test("a renewed client certificate is shown from the next request on, busy as a connection may be", async () => {
  await using fluentd = await startTlsFluentd();
  const pki = await fluentdPki();
  let current = clientTls(pki, pki);
  using sink = await sinkTo(fluentd, { tls: () => current });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.connections.summary().accepted, 1);
  current = clientTls(pki, { client: await issueClient(pki) });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.connections.summary().accepted, 2);
});

Deno.test("a request in flight ends on the connection it is on, whatever is renewed meanwhile", async () => {
  await using fluentd = await startTlsFluentd();
  const pki = await fluentdPki();
  let current = clientTls(pki, pki);
  using sink = await sinkTo(fluentd, { tls: () => current });
  fluentd.faults.add({ kind: "delay", ms: 300, times: 1 });
  const inFlight = sink.send(AUDIT, auditEvents(1), NEVER);
  await waitUntil(
    "the request to arrive",
    () => fluentd.received.summary().maxConcurrentRequests > 0,
  );
  current = clientTls(pki, { client: await issueClient(pki) });
  await sink.send(AUDIT, auditEvents(1, { first: 1 }), NEVER);
  await inFlight;
  assertEquals(
    fluentd.received.compare(["e0", "e1"]),
    { missing: [], duplicates: [], unexpected: [] },
  );
});

Deno.test("a signal that outlives many requests keeps none of their listeners", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxConnections: 2 });
  const kill = never();
  let listeners = 0;
  let added = 0;
  const add = kill.addEventListener.bind(kill);
  const remove = kill.removeEventListener.bind(kill);
  kill.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    added++;
    add(...args);
  };
  kill.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  fluentd.faults.add({ kind: "status", status: 503, times: 3 });
  await Promise.allSettled(
    Array.from({ length: 12 }, () => sink.send(AUDIT, auditEvents(1), kill)),
  );
  assertGreater(added, 12);
  assertEquals(listeners, 0);
});

Deno.test("closing a sink closes its connections", async () => {
  await using fluentd = await startTlsFluentd();
  const sink = await sinkTo(fluentd);
  await Promise.all([
    sink.send(AUDIT, auditEvents(1), NEVER),
    sink.send(AUDIT, auditEvents(1), NEVER),
  ]);
  sink.close();
  // The sanitizers see to it that nothing is left on our end.
  await waitUntil(
    "the connections to close",
    () => fluentd.connections.summary().open === 0,
  );
});
