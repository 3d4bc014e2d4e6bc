import { AUDIT, type PagePosition } from "../../lib/event.ts";
import { errorOf } from "../../lib/fluentd/answer.ts";
import {
  BusyError,
  DestinationError,
  RejectedError,
  TimeoutError,
} from "../../lib/errors.ts";
import { NO_MEASUREMENTS } from "../../lib/operate/measurements.ts";
import type { Attributes, Tracer } from "../../lib/operate/tracer.ts";
import { watchChunks } from "../../lib/operate/watch_chunks.ts";
import { watchPages } from "../../lib/operate/watch_pages.ts";
import { watchRecordings } from "../../lib/operate/watch_recordings.ts";
import { watchRequests } from "../../lib/operate/watch_requests.ts";
import { watchedSource } from "../../lib/pipeline/watched_source.ts";
import type { PageRequest } from "../../lib/teleport/client.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { PageSource } from "../../lib/teleport/page_source.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "../assert.ts";
import { auditEvents } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { sending, watchedRun } from "./watched_run.ts";

const MINUTE_MS = 60_000;
const NEVER = never();
const UNAVAILABLE = new TeleportError("gone", "UNAVAILABLE");

/** A monitor whose spans are kept. */
function setUp() {
  const clock = new FakeClock();
  const monitor = watchedRun({ clock });
  const spans: [name: string, outcome: string, attributes: Attributes][] = [];
  const tracer: Tracer = {
    begin: (name, attributes) => ({
      run: (work) => work(),
      end: (outcome, more) =>
        void spans.push([name, outcome, { ...attributes, ...more }]),
    }),
  };
  monitor.tracer = tracer;
  return { clock, monitor, spans };
}

Deno.test("every way in which a request may end is counted by its own name", async () => {
  const { clock, monitor, spans } = setUp();
  const kill = new AbortController();
  const requests = watchRequests(monitor, { kill: kill.signal, clock });
  const stopped = new Error("stopped");
  const errors: [Error | undefined, string][] = [
    [undefined, "delivered"],
    [new RejectedError("400", 3), "refused"],
    [new BusyError("503", undefined), "busy"],
    [new DestinationError("404"), "misdirected"],
    [new TimeoutError("no answer"), "timeout"],
    [new Error("connection refused"), "connection"],
    [stopped, "aborted"],
  ];
  for (const [error, outcome] of errors) {
    if (error === stopped) kill.abort(stopped);
    const sent = { events: 3, bytes: 300, error };
    const watched = await requests.watch(AUDIT, (onBegun) => {
      assertEquals(monitor.counters.requestsInFlight, 0);
      onBegun();
      assertEquals(monitor.counters.requestsInFlight, 1);
      return Promise.resolve(sent);
    });
    assertStrictEquals(watched, sent);
    assertEquals(
      spans.at(-1),
      ["request", outcome === "delivered" ? "ok" : "failed", {
        kind: "audit",
        events: 3,
        bytes: 300,
        outcome,
      }],
    );
  }
  assertEquals(monitor.counters.requestsInFlight, 0);
  const once = Object.fromEntries(errors.map(([, outcome]) => [outcome, 1]));
  assertEquals(monitor.counters.requests, {
    ...monitor.counters.requests,
    ...once,
  });
  assertEquals(
    Object.values(monitor.counters.requestBytes),
    Array(7).fill(300),
  );
});

Deno.test("an answer that means again later is counted as busy, and as no broken connection", async () => {
  const { clock, monitor } = setUp();
  const requests = watchRequests(monitor, { kill: NEVER, clock });
  const asked = {
    url: "https://f/",
    option: "fluentd-url",
    count: 1,
    nowMs: 0,
  };
  const statuses = [408, 425, 429, 500, 502, 503, 504];
  for (const status of statuses) {
    const error = errorOf({ status, text: "", retryAfter: null }, asked);
    await requests.watch(AUDIT, sending({ events: 1, bytes: 1, error }));
  }
  const { busy, connection } = monitor.counters.requests;
  assertEquals([busy, connection], [statuses.length, 0]);
});

Deno.test("a request that was sent twice, as a connection broke, is counted as two, and as a retry", async () => {
  const { clock, monitor, spans } = setUp();
  const measured: [string, number][] = [];
  monitor.measurements = {
    ...NO_MEASUREMENTS,
    request: (outcome, seconds) => void measured.push([outcome, seconds]),
  };
  const { counters } = monitor;
  await watchRequests(monitor, { kill: NEVER, clock }).watch(
    AUDIT,
    sending({ events: 3, bytes: 300, brokenMs: 0 }),
  );
  const { delivered, connection } = counters.requests;
  assertEquals([delivered, connection], [1, 1]);
  const { requestBytes, retries } = counters;
  assertEquals([requestBytes.delivered, requestBytes.connection], [300, 300]);
  assertEquals(retries.fluentd.get("connection"), 1);
  assertEquals(measured.map(([outcome]) => outcome), [
    "connection",
    "delivered",
  ]);
  assertEquals(measured[0], ["connection", 0]);
  assertEquals(spans.length, 1);
});

Deno.test("a request is measured, and in flight, from when it has a connection to its end", async () => {
  const { clock, monitor } = setUp();
  const measured: number[] = [];
  monitor.measurements = {
    ...NO_MEASUREMENTS,
    request: (_outcome, seconds) => void measured.push(seconds),
  };
  const inFlight: number[] = [];
  const wait = async (ms: number) => {
    inFlight.push(monitor.counters.requestsInFlight);
    await clock.advance(ms);
  };
  await watchRequests(monitor, { kill: NEVER, clock }).watch(
    AUDIT,
    async (onBegun) => {
      await wait(20_000);
      onBegun();
      await wait(3_000);
      return { events: 1, bytes: 100 };
    },
  );
  assertEquals(measured, [3]);
  assertEquals([...inFlight, monitor.counters.requestsInFlight], [0, 1, 0]);
});

Deno.test("no request takes less than no time, however late it is known to have begun", async () => {
  const { clock, monitor } = setUp();
  const measured: [string, number][] = [];
  monitor.measurements = {
    ...NO_MEASUREMENTS,
    request: (outcome, seconds) => void measured.push([outcome, seconds]),
  };
  await watchRequests(monitor, { kill: NEVER, clock }).watch(
    AUDIT,
    async (onBegun) => {
      // On another thread, where a connection broke after 50 ms.
      await clock.advance(60);
      onBegun();
      await clock.advance(10);
      return { events: 1, bytes: 100, brokenMs: 50 };
    },
  );
  assertEquals(measured, [["connection", 0.05], ["delivered", 0]]);
});

Deno.test("where there was nothing to send, no request is counted, and the reason is passed on", async () => {
  const { clock, monitor, spans } = setUp();
  const requests = watchRequests(monitor, { kill: NEVER, clock });
  const refused = new RejectedError("no Struct", 1);
  const before = { ...monitor.counters.requests };
  assertStrictEquals(
    await assertRejects(() =>
      requests.watch(AUDIT, () => Promise.reject(refused))
    ),
    refused,
  );
  assertEquals(monitor.counters.requests, before);
  assertEquals(monitor.counters.requestsInFlight, 0);
  assertEquals(spans, [["request", "failed", { kind: "audit" }]]);
});

Deno.test("a page is a span with what was asked for and what came", async () => {
  const { monitor, spans } = setUp();
  const measured: number[] = [];
  monitor.measurements = {
    ...monitor.measurements,
    page: (events) => void measured.push(events),
  };
  const good = watchPages(
    () => Promise.resolve({ events: auditEvents(7) }),
    monitor,
  );
  assertEquals((await good({ limit: 20 }, NEVER)).events.length, 7);
  const bad = watchPages<{ limit: number }, { events: unknown[] }>(
    () => Promise.reject(UNAVAILABLE),
    monitor,
  );
  await assertRejects(() => bad({ limit: 20 }, NEVER), TeleportError);
  assertEquals(spans, [
    ["page", "ok", { limit: 20, events: 7 }],
    ["page", "failed", { limit: 20, status: "unavailable" }],
  ]);
  assertEquals(measured, [7]);
});

Deno.test("reading is healthy where the next batch takes several pages, and each of them the server minutes", async () => {
  const clock = new FakeClock();
  const monitor = watchedRun({ clock });
  let pages = 0;
  const getEvents = watchPages(async (_: PageRequest, signal) => {
    await clock.sleep(4 * MINUTE_MS, signal);
    // It looks at so many events at once, none of which is of the type.
    return { events: [], lastKey: String(++pages) };
  }, monitor);
  const source = watchedSource(
    new PageSource({
      getEvents,
      types: ["db.session.start"],
      pageSize: undefined,
      startTime: "2026-01-01T00:00:00Z",
      windowMs: 24 * 60 * MINUTE_MS,
      pollMs: 5_000,
      follow: true,
      policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
      clock,
      observer: UNWATCHED.pages,
    }),
    monitor.movements.reading,
  );
  const start = new Date(clock.now() - 60 * MINUTE_MS).toISOString();
  const from: PagePosition = {
    kind: "page",
    start,
    cursor: "",
    seen: [],
    newest: null,
  };
  const batches = source.read(from, NEVER)[Symbol.asyncIterator]();
  const first = batches.next();
  while (pages < 2) {
    await clock.advance(MINUTE_MS);
    assertEquals(monitor.health(), { ok: true });
  }
  assertEquals((await first).done, false);
});

Deno.test("a chunk is a span, and counted once it is read to its end", async () => {
  const { monitor, spans } = setUp();
  async function* chunk({ broken }: { broken: boolean }) {
    yield { events: auditEvents(2) };
    if (broken) throw UNAVAILABLE;
    yield { events: auditEvents(1) };
  }
  const read = watchChunks(chunk, monitor);
  await Array.fromAsync(read({ broken: false }, NEVER));
  await assertRejects(
    () => Array.fromAsync(read({ broken: true }, NEVER)),
    TeleportError,
  );
  for await (const _part of read({ broken: false }, NEVER)) break;
  assertEquals(spans, [
    ["chunk", "ok", { events: 3 }],
    ["chunk", "failed", { events: 2, status: "unavailable" }],
    ["chunk", "ok", { events: 2 }],
  ]);
  assertEquals(monitor.counters.chunkReads, 1);
});

Deno.test("the reading of a recording is a span, however it ends", async () => {
  const { monitor, spans } = setUp();
  const source = watchRecordings({
    async *stream(sessionId) {
      yield { events: auditEvents(1) };
      yield { events: auditEvents(2, { first: 1 }) };
      if (sessionId === "broken") throw UNAVAILABLE;
    },
  }, monitor);
  await Array.fromAsync(source.stream("whole", 0, NEVER));
  await assertRejects(
    () => Array.fromAsync(source.stream("broken", 5, NEVER)),
    TeleportError,
  );
  for await (const _batch of source.stream("left", 0, NEVER)) break;
  assertEquals(spans, [
    ["recording", "ok", { session: "whole", from: 0, events: 3 }],
    ["recording", "failed", {
      session: "broken",
      from: 5,
      events: 3,
      status: "unavailable",
    }],
    ["recording", "ok", { session: "left", from: 0, events: 1 }],
  ]);
});

Deno.test("without a tracer a recording's source is the very same", () => {
  const source = { stream: async function* () {} };
  assertEquals(watchRecordings(source, watchedRun()) === source, true);
});
