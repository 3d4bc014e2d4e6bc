import { RejectedError } from "../../lib/errors.ts";
import { AUDIT } from "../../lib/event.ts";
import { freeMemory, takeMemory } from "../../lib/own_memory.ts";
import { assert, assertEquals, assertLess, assertRejects } from "../assert.ts";
import { auditEvent, auditEvents, idsOf } from "../fakes/audit_events.ts";
import { NEVER, sinkTo, startTlsFluentd } from "./setup.ts";

Deno.test("events arrive as one JSON array, in order", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  const events = auditEvents(3);
  assertEquals(await sink.send(AUDIT, events, NEVER), 3);
  const [request] = fluentd.received.requests;
  assertEquals(request?.body, '[{"uid":"e0"},{"uid":"e1"},{"uid":"e2"}]');
  assertEquals(request?.headers["content-type"], "application/json");
  assertEquals(request?.headers["content-encoding"], undefined);
  assertEquals(fluentd.received.ids("test.log"), idsOf(events));
});

Deno.test("one event in a batch that could hold more is an array all the same", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(fluentd.received.requests[0]?.body, '[{"uid":"e0"}]');
});

Deno.test("with batch 1 each event is a plain object of its own", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxEvents: 1 });
  assertEquals(await sink.send(AUDIT, auditEvents(3), NEVER), 1);
  assertEquals(fluentd.received.requests[0]?.body, '{"uid":"e0"}');
});

Deno.test("no more events than allowed go into one request, and their number is told", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxEvents: 2 });
  assertEquals(await sink.send(AUDIT, auditEvents(5), NEVER), 2);
  assertEquals(fluentd.received.ids("test.log"), ["e0", "e1"]);
});

Deno.test("no more bytes than allowed go into one request, but one event may be larger", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { maxBytes: 39 });
  const large = auditEvent("large", { fields: { text: "x".repeat(100) } });
  const events = [...auditEvents(3), large];
  assertEquals(await sink.send(AUDIT, events, NEVER), 2);
  assertEquals(await sink.send(AUDIT, events.slice(2), NEVER), 1);
  assertEquals(await sink.send(AUDIT, events.slice(3), NEVER), 1);
  for (const { body } of fluentd.received.requests.slice(0, 2)) {
    assert(body.length <= 39);
  }
  assertEquals(fluentd.received.ids("test.log"), idsOf(events));
});

Deno.test("the memory of a large body is used again once its request is over, whatever came of it", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (const status of [200, 503]) {
    fluentd.faults.add({ kind: "status", status, times: 1 });
    const text = `${status}`.repeat(100_000);
    await sink.send(AUDIT, [auditEvent("large", { fields: { text } })], NEVER)
      .catch(() => {});
    const { body } = fluentd.received.requests.at(-1) ?? {};
    const spare = Array.from({ length: 40 }, () => takeMemory(text.length));
    assert(spare.some((it) => body?.startsWith(it.toString("latin1"))));
    for (const memory of spare) freeMemory(memory);
  }
});

Deno.test("Unicode, control characters, nesting and an event of 2 MiB arrive as they are", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  const fields = {
    text: 'ü€𝄞 "\\ \n\r\t\u0000\u001f\u2028',
    nested: { list: [1, -0.5, true, null, { deep: [] }] },
    large: "x".repeat(2 * 1024 * 1024),
  };
  await sink.send(AUDIT, [auditEvent("e0", { fields })], NEVER);
  assertEquals(fluentd.received.records("test.log"), [{
    uid: "e0",
    ...fields,
  }]);
});

Deno.test("the bytes of a request are told, however much is encoded before it is answered", async () => {
  await using fluentd = await startTlsFluentd();
  const told: number[] = [];
  using sink = await sinkTo(fluentd, {
    observer: {
      async watch(_destination, send) {
        const sent = await send(() => {});
        told.push(sent.bytes);
        return sent;
      },
    },
  });
  // Larger than whatever was encoded before on this thread.
  const fields = { text: "x".repeat(4 * 1024 * 1024) };
  await Promise.all([
    sink.send(AUDIT, auditEvents(1), NEVER),
    sink.send(AUDIT, [auditEvent("large", { fields })], NEVER),
  ]);
  assertEquals(
    told.toSorted((a, b) => a - b),
    fluentd.received.requests.map(({ body }) => body.length)
      .toSorted((a, b) => a - b),
  );
});

Deno.test("gzip makes requests small, and what arrives is the same", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd, { compress: "gzip" });
  const fields = { text: "the same again and again ".repeat(1_000) };
  const events = [
    auditEvent("e0", { fields }),
    auditEvent("e1", { fields }),
  ];
  assertEquals(await sink.send(AUDIT, events, NEVER), 2);
  const [request] = fluentd.received.requests;
  assertEquals(request?.headers["content-encoding"], "gzip");
  assertLess(Number(request?.headers["content-length"]), 2_000);
  assertEquals(fluentd.received.records("test.log"), [
    { uid: "e0", ...fields },
    { uid: "e1", ...fields },
  ]);
});

Deno.test("headers that are configured go with every request, the same name twice too", async () => {
  await using fluentd = await startTlsFluentd();
  const headers = [
    { name: "Authorization", value: "Bearer s3cret" },
    { name: "X-Label", value: "one" },
    { name: "x-label", value: "two" },
  ];
  using sink = await sinkTo(fluentd, { headers: () => headers });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  await sink.send(
    { kind: "recording", sessionId: "s1" },
    auditEvents(1),
    NEVER,
  );
  for (const { headers } of fluentd.received.requests) {
    assertEquals(headers["authorization"], "Bearer s3cret");
    assertEquals(headers["x-label"], "one, two");
  }
});

Deno.test("headers that have changed go with the next request", async () => {
  await using fluentd = await startTlsFluentd();
  let headers = [{ name: "Authorization", value: "Bearer old" }];
  using sink = await sinkTo(fluentd, { headers: () => headers });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  headers = [{ name: "Authorization", value: "Bearer new" }];
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(
    fluentd.received.requests.map(({ headers }) => headers["authorization"]),
    ["Bearer old", "Bearer new"],
  );
});

Deno.test("a content type that is configured takes the place of JSON's", async () => {
  await using fluentd = await startTlsFluentd();
  const headers = [
    { name: "Content-Type", value: "application/vnd.log+json" },
  ];
  using sink = await sinkTo(fluentd, { headers: () => headers });
  await sink.send(AUDIT, auditEvents(1), NEVER);
  assertEquals(
    fluentd.received.requests[0]?.headers["content-type"],
    "application/vnd.log+json",
  );
});

Deno.test("a recording goes to the session URL with its id and `.log`", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  const sessionId = "5b3555dc-729f-11ef-b66a-507b9dd95841";
  await sink.send({ kind: "recording", sessionId }, auditEvents(1), NEVER);
  assertEquals(fluentd.received.tags(), [`session.${sessionId}.log`]);
});

Deno.test("a session id cannot lead to another path", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  const sessionId = "../test.log?x#";
  await sink.send({ kind: "recording", sessionId }, auditEvents(1), NEVER);
  assertEquals(fluentd.received.tags(), ["session...%2Ftest.log%3Fx%23.log"]);
});

Deno.test("an event that is no Struct is refused by itself, and nothing is sent", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  const broken = auditEvent("broken", { payload: new Uint8Array([0xff]) });
  const error = await assertRejects(
    () => sink.send(AUDIT, [broken, ...auditEvents(2)], NEVER),
    RejectedError,
  );
  assertEquals(error.count, 1);
  assertEquals(fluentd.received.requests.length, 0);
  // Behind others it waits for its turn, and no connection is lost.
  assertEquals(await sink.send(AUDIT, [...auditEvents(2), broken], NEVER), 2);
});
