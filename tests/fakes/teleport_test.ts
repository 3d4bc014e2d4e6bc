import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Order } from "../../lib/teleport/proto/teleport_pb.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertRejects,
} from "../assert.ts";
import { AuditLog } from "./audit_log.ts";
import { logEvent } from "./log_event.ts";
import { EXPIRED, issueClient, strangerPki, teleportPki } from "./pki.ts";
import { startTeleport } from "./teleport.ts";
import { callTeleport, type TeleportCaller } from "./teleport_caller.ts";
import { waitUntil } from "./wait_until.ts";

const START_MS = Date.UTC(2026, 0, 1);
const END_MS = Date.UTC(2027, 0, 1);
const DAY_MS = 24 * 60 * 60 * 1_000;

Deno.test("a client without a certificate is refused", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using caller = await callTeleport(teleport, { client: null });
  await assertRejects(() => caller.ask("Ping", {}), Error, "UNAVAILABLE");
  assertEquals(teleport.requests.Ping, []);
});

Deno.test("a client of another authority, or with an expired certificate, is refused", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  const stranger = await strangerPki();
  const expired = await issueClient(await teleportPki(), { validity: EXPIRED });
  for (const client of [stranger.client, expired]) {
    await using caller = await callTeleport(teleport, { client });
    await assertRejects(() => caller.ask("Ping", {}), Error, "UNAVAILABLE");
  }
  assertEquals(teleport.requests.Ping, []);
});

Deno.test("the server's certificate is that of the cluster's authority", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  const { authority } = await strangerPki();
  await using caller = await callTeleport(teleport, {
    ca: authority.certificatePem,
  });
  await assertRejects(() => caller.ask("Ping", {}), Error, "certificate");
});

Deno.test("Ping says which cluster it is", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using caller = await callTeleport(teleport);
  const { clusterName, serverVersion } = await caller.ask("Ping", {});
  assertEquals([clusterName, serverVersion], ["tele.example.com", "18.2.1"]);
  assertEquals(teleport.requests.Ping.length, 1);
});

for (const limit of [1, 7, 20, 1_000]) {
  Deno.test(`pages of ${limit} cover the log exactly once, in order`, async () => {
    const log = new AuditLog({ size: limit === 1 ? 100 : 1_100 });
    await using teleport = await startTeleport({ log });
    await using caller = await callTeleport(teleport);
    assertEquals(await readAll(caller, { limit }), [...log.ids()]);
    const descending = await readAll(caller, {
      limit,
      order: Order.DESCENDING,
    });
    assertEquals(descending, [...log.ids()].reverse());
    assertGreaterOrEqual(teleport.served.pages, 2 * log.size / limit);
    assertEquals(teleport.served.pageEvents, 2 * log.size);
  });
}

Deno.test("both ends of a range are part of it", async () => {
  const log = new AuditLog({ size: 10, startMs: START_MS, spacingMs: 1_000 });
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const ids = await readAll(caller, {
    startDate: timestampFromMs(START_MS + 2_000),
    endDate: timestampFromMs(START_MS + 5_000),
    limit: 2,
  });
  assertEquals(ids, [...log.ids()].slice(2, 6));
});

Deno.test("only the types that are asked for come, and pages of them are full", async () => {
  const log = new AuditLog({ size: 2_000, uploadEvery: 50 });
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const types = ["session.upload", "user.login"];
  const expected = [...log.events()].filter(({ type }) => types.includes(type));
  const ids = await readAll(caller, { eventTypes: types, limit: 20 });
  assertEquals(ids, expected.map(({ id }) => id));
  assertEquals(teleport.served.pages, Math.ceil(expected.length / 20));
});

Deno.test("a page ends before it exceeds a mebibyte, unless with a single event", async () => {
  const log = new AuditLog();
  const sizes = [300_000, 300_000, 600_000, 2_097_152, 10, 10];
  log.append(
    ...sizes.map((size, i) =>
      logEvent("exec", {
        timeMs: START_MS + i,
        fields: { a: "x".repeat(size) },
      })
    ),
  );
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  assertEquals(await readAll(caller, { limit: 100 }), [...log.ids()]);
  assertEquals(teleport.served.pages, 4);
});

Deno.test("the last page has no key, and grows", async () => {
  const log = new AuditLog({ size: 12 });
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const first = await ask(caller, { limit: 10 });
  const page = { limit: 10, startKey: first.lastKey };
  const before = await ask(caller, page);
  log.grow(3);
  teleport.append(logEvent("exec", { id: "new", timeMs: START_MS + DAY_MS }));
  const after = await ask(caller, page);
  log.grow(10);
  const full = await ask(caller, page);

  assertEquals(first.lastKey !== "", true);
  const ids = [...log.ids()];
  assertEquals([before.lastKey, after.lastKey], ["", ""]);
  assertEquals(idsOf(before), ids.slice(10, 12));
  assertEquals(idsOf(after), [...ids.slice(10, 15), "new"]);
  assertEquals(idsOf(full), ids.slice(10, 20));
  assertEquals(full.lastKey !== "", true);
});

Deno.test("a key that no page ended with is refused", async () => {
  await using teleport = await startTeleport({
    log: new AuditLog({ size: 5 }),
  });
  await using caller = await callTeleport(teleport);
  for (const startKey of ["nonsense", "%"]) {
    await assertRejects(
      () => ask(caller, { startKey }),
      Error,
      "INVALID_ARGUMENT",
    );
  }
});

Deno.test("the end of a long log is reached without reading all before it", async () => {
  const log = new AuditLog({ size: 1_000_000, spacingMs: 1 });
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const page = await ask(caller, {
    startDate: timestampFromMs(log.timeUsAt(999_990) / 1_000 + 1),
  });
  assertGreater(page.items.length, 0);
  assertEquals(page.items.at(-1)?.id, log.at(999_999).id);
});

Deno.test("a recording is streamed from the index that is asked for", async () => {
  const log = new AuditLog({
    size: 10,
    uploadEvery: 10,
    recordingEvents: [500, 500],
  });
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const [sessionId = ""] = log.sessionIds();
  const expected = [...log.recording(sessionId)?.events() ?? []];
  for (const startIndex of [0, 1, 499, 500]) {
    assertEquals(
      await streamIds(caller, { sessionId, startIndex }),
      expected.slice(startIndex).map(({ id }) => id),
    );
  }
  assertEquals(teleport.openCalls, 0);
  await assertRejects(
    () => streamIds(caller, { sessionId: crypto.randomUUID() }),
    Error,
    "NOT_FOUND",
  );
});

Deno.test("a stream that nobody reads waits, and ends with its caller", async () => {
  const log = new AuditLog({ size: 10, uploadEvery: 10 });
  const [sessionId = ""] = log.sessionIds();
  log.resizeRecording(sessionId, 1_000_000);
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  for await (
    const _ of caller.stream("StreamUnstructuredSessionEvents", { sessionId })
  ) {
    assertEquals(teleport.openCalls, 1);
    break;
  }
  await waitUntil("the stream's end", () => teleport.openCalls === 0);
  assert(teleport.served.recordingEvents < 1_000_000);
});

Deno.test("the bulk export has each event once, and resumes within a chunk", async () => {
  const log = new AuditLog({
    size: 1_000,
    spacingMs: 200_000,
    exportChunkEvents: 100,
  });
  await using teleport = await startTeleport({ log, exportSupported: true });
  await using caller = await callTeleport(teleport);
  const ids: string[] = [];
  for (let day = 0; day < 4; day++) {
    const date = timestampFromMs(START_MS + day * DAY_MS + 5);
    for await (
      const { chunk } of caller.stream("GetEventExportChunks", { date })
    ) {
      const whole = await exportChunk(caller, { date, chunk });
      const { cursor } = whole[2] ?? {};
      const rest = await exportChunk(caller, { date, chunk, cursor });
      assertEquals(rest, whole.slice(3));
      ids.push(...whole.map(({ event }) => event?.id ?? ""));
    }
  }
  assertEquals(ids.length, 1_000);
  assertEquals(ids.sort(), [...log.ids()].sort());
});

Deno.test("a server without bulk export says so", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using caller = await callTeleport(teleport);
  const date = timestampFromMs(START_MS);
  await assertRejects(
    async () => {
      for await (const _ of caller.stream("GetEventExportChunks", { date }));
    },
    Error,
    "UNIMPLEMENTED",
  );
});

Deno.test("a lock of nobody is refused, and not made", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using caller = await callTeleport(teleport);
  for (
    const lock of [
      { metadata: { name: "of-nobody" }, spec: { target: {} } },
      { spec: { target: { user: "bob" } } },
    ]
  ) {
    const ask = () => caller.ask("UpsertLock", lock);
    await assertRejects(ask, Error, "INVALID_ARGUMENT");
  }
  assertEquals(teleport.locks, []);
});

Deno.test("locks are remembered", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using caller = await callTeleport(teleport);
  await caller.ask("UpsertLock", {
    kind: "lock",
    version: "v2",
    metadata: { name: "event-handler-auto-lock-bob-root" },
    spec: { target: { user: "bob" }, expires: timestampFromMs(START_MS) },
  });
  const [lock] = teleport.locks;
  assertEquals(lock?.metadata?.name, "event-handler-auto-lock-bob-root");
  assertEquals(lock?.spec?.target?.user, "bob");
});

Deno.test("after a restart it is at the same address, and remembers", async () => {
  const log = new AuditLog({ size: 100, uploadEvery: 100 });
  const [sessionId = ""] = log.sessionIds();
  log.resizeRecording(sessionId, 1_000_000);
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const first = await ask(caller, { limit: 50 });
  const interrupted = assertRejects(async () => {
    for await (
      const _ of caller.stream("StreamUnstructuredSessionEvents", { sessionId })
    );
  });
  await waitUntil("a stream", () => teleport.openCalls === 1);

  await teleport.stop();
  await interrupted;
  assertEquals(teleport.openCalls, 0);
  await assertRejects(() => caller.ask("Ping", {}), Error, "UNAVAILABLE");
  await teleport.start();
  await teleport.restart();

  await using again = await callTeleport(teleport);
  const rest = await ask(again, { startKey: first.lastKey });
  assertEquals([...idsOf(first), ...idsOf(rest)], [...log.ids()]);
  assertEquals(teleport.requests.GetUnstructuredEvents.length, 2);
});

Deno.test("a server that says goodbye lets its clients come back", async () => {
  const log = new AuditLog({ size: 10, uploadEvery: 10 });
  const [sessionId = ""] = log.sessionIds();
  log.resizeRecording(sessionId, 1_000_000);
  await using teleport = await startTeleport({ log });
  await using caller = await callTeleport(teleport);
  const interrupted = assertRejects(async () => {
    for await (
      const _ of caller.stream("StreamUnstructuredSessionEvents", { sessionId })
    );
  });
  await waitUntil("a stream", () => teleport.openCalls === 1);
  await teleport.restart({ goodbye: true });
  await interrupted;
  await waitUntil(
    "an answer",
    () => caller.ask("Ping", {}).then(() => true, () => false),
  );
});

type PageQuestion = Parameters<
  typeof TeleportCaller.prototype.ask<"GetUnstructuredEvents">
>[1];

/** One page of the whole log, unless the question says otherwise. */
function ask(caller: TeleportCaller, question: PageQuestion) {
  return caller.ask("GetUnstructuredEvents", {
    namespace: "default",
    startDate: timestampFromMs(START_MS),
    endDate: timestampFromMs(END_MS),
    limit: 1_000,
    order: Order.ASCENDING,
    ...question,
  });
}

/** The ids on all pages, one after the other. */
async function readAll(
  caller: TeleportCaller,
  question: PageQuestion,
): Promise<string[]> {
  const ids: string[] = [];
  let startKey = "";
  do {
    const page = await ask(caller, { ...question, startKey });
    ids.push(...idsOf(page));
    startKey = page.lastKey;
  } while (startKey !== "");
  return ids;
}

function idsOf({ items }: Awaited<ReturnType<typeof ask>>): string[] {
  return items.map(({ id }) => id);
}

async function streamIds(
  caller: TeleportCaller,
  question: { readonly sessionId: string; readonly startIndex?: number },
): Promise<string[]> {
  const events = await Array.fromAsync(
    caller.stream("StreamUnstructuredSessionEvents", question),
  );
  return events.map(({ id }) => id);
}

function exportChunk(
  caller: TeleportCaller,
  question: {
    readonly date: Timestamp;
    readonly chunk: string;
    readonly cursor?: string | undefined;
  },
) {
  const { date, chunk, cursor = "" } = question;
  return Array.fromAsync(
    caller.stream("ExportUnstructuredEvents", { date, chunk, cursor }),
  );
}
