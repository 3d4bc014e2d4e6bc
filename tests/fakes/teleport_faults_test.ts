import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Order } from "../../lib/teleport/proto/teleport_pb.ts";
import { assertEquals, assertNotEquals, assertRejects } from "../assert.ts";
import { AuditLog, type AuditLogOptions } from "./audit_log.ts";
import { startTeleport, type TeleportStandIn } from "./teleport.ts";
import { callTeleport, type TeleportCaller } from "./teleport_caller.ts";
import { waitUntil } from "./wait_until.ts";

const START_MS = Date.UTC(2026, 0, 1);
const LOCK = {
  metadata: { name: "a-lock" },
  spec: { target: { user: "bob" } },
};

interface Ends {
  readonly teleport: TeleportStandIn;
  readonly caller: TeleportCaller;
  readonly log: AuditLog;
  /** Of the log's first recording. */
  readonly sessionId: string;
}

test(
  "an error of any status, for as many requests as are asked for",
  {},
  async (
    { teleport, caller },
  ) => {
    teleport.faults.add(
      { kind: "status", code: "UNAVAILABLE", times: 2, details: "try later" },
      { kind: "status", code: "PERMISSION_DENIED", method: "UpsertLock" },
    );
    for (let i = 0; i < 2; i++) {
      await assertRejects(() => ping(caller), Error, "UNAVAILABLE: try later");
    }
    await ping(caller);
    for (let i = 0; i < 3; i++) {
      const denied = () => caller.ask("UpsertLock", LOCK);
      await assertRejects(denied, Error, "PERMISSION_DENIED");
    }
    await ping(caller);
    teleport.faults.clear();
    await caller.ask("UpsertLock", LOCK);
    assertEquals(teleport.requests.Ping.length, 4);
  },
);

test("an error instead of a stream", { uploadEvery: 10 }, async (
  { teleport, caller, sessionId },
) => {
  teleport.faults.add({
    kind: "status",
    code: "PERMISSION_DENIED",
    method: "StreamUnstructuredSessionEvents",
  });
  const stream = () => streamIndexes(caller, { sessionId });
  await assertRejects(stream, Error, "PERMISSION_DENIED");
  await ping(caller);
});

test("a slow answer comes, and later than others", {}, async (
  { teleport, caller },
) => {
  const order: string[] = [];
  teleport.faults.add({
    kind: "slow",
    delayMs: 50,
    method: "UpsertLock",
    times: 1,
  });
  const slow = caller.ask("UpsertLock", LOCK).then(() => order.push("slow"));
  await waitUntil("the slow request", () => teleport.openCalls === 1);
  await ping(caller).then(() => order.push("quick"));
  await slow;
  assertEquals(order, ["quick", "slow"]);
});

test("a hung request hangs until the server stops", {}, async (
  { teleport, caller },
) => {
  teleport.faults.add({ kind: "hang", times: 1 });
  const hung = assertRejects(() => ping(caller));
  await waitUntil("the request", () => teleport.openCalls === 1);
  await ping(caller);
  assertEquals(teleport.openCalls, 1);
  await teleport.stop();
  await hung;
});

test("empty pages move the key on, and lose nothing", { size: 10 }, async (
  { teleport, caller, log },
) => {
  const ids: string[] = [];
  const keys = new Set<string>();
  const sizes: number[] = [];
  let startKey = "";
  do {
    if (sizes.length === 0 || sizes.length === 3) {
      teleport.faults.add({ kind: "empty page", times: 2 });
    }
    const page = await ask(caller, { limit: 4, startKey });
    ids.push(...page.items.map(({ id }) => id));
    sizes.push(page.items.length);
    keys.add(page.lastKey);
    startKey = page.lastKey;
  } while (startKey !== "");
  assertEquals(sizes, [0, 0, 4, 0, 0, 4, 2]);
  assertEquals(keys.size, sizes.length);
  assertEquals(ids, [...log.ids()]);
});

for (const lastKey of ["same", "none"] as const) {
  test(`a stuck cursor (${lastKey}) leads nowhere until it is dropped`, {
    size: 10,
  }, async ({ teleport, caller, log }) => {
    const first = await ask(caller, { limit: 4 });
    teleport.faults.add({ kind: "stuck cursor", lastKey });
    const startKey = first.lastKey;
    for (let i = 0; i < 2; i++) {
      log.grow(1);
      const page = await ask(caller, { limit: 4, startKey });
      assertEquals(page.items, []);
      assertEquals(page.lastKey, lastKey === "same" ? startKey : "");
    }
    const again = await ask(caller, { limit: 4 });
    assertEquals(again.items, first.items);
    const second = await ask(caller, { limit: 4, startKey: again.lastKey });
    assertEquals(second.items[0]?.id, log.at(4).id);
  });
}

test("a page is too large above a limit, or with an event on it", {
  size: 30,
}, async ({ teleport, caller, log }) => {
  const text = "exceeds the maximum response size";
  teleport.faults.add({ kind: "page too large", limit: 10 });
  await assertRejects(() => ask(caller, { limit: 11 }), Error, text);
  const page = await ask(caller, { limit: 10 });
  assertEquals(page.items.length, 10);

  teleport.faults.clear();
  const { id } = log.at(5);
  teleport.faults.add({ kind: "page too large", id, code: "INTERNAL" });
  await assertRejects(
    () => ask(caller, { limit: 6 }),
    Error,
    `INTERNAL: the page ${text}`,
  );
  const { items, lastKey } = await ask(caller, { limit: 5 });
  assertEquals(items.length, 5);
  await assertRejects(() => ask(caller, { limit: 1, startKey: lastKey }));
});

test("a stream is cut off after so many events, so often for each", {
  size: 20,
  uploadEvery: 10,
}, async ({ teleport, caller, log }) => {
  teleport.faults.add({ kind: "cut", after: 3, times: 2 });
  for (const sessionId of log.sessionIds()) {
    for (let i = 0; i < 2; i++) {
      const before = teleport.served.recordingEvents;
      const stream = () => streamIndexes(caller, { sessionId });
      await assertRejects(stream, Error, "UNAVAILABLE");
      assertEquals(teleport.served.recordingEvents - before, 3);
    }
    const whole = await streamIndexes(caller, { sessionId });
    assertEquals(whole.length, log.recording(sessionId)?.length);
  }
});

test("a stream that stalls brings so many events, and no end", {
  size: 20,
  uploadEvery: 10,
}, async ({ teleport, caller, log }) => {
  const [stalled = "", whole = ""] = log.sessionIds();
  teleport.faults.add({ kind: "stall", after: 2, stream: stalled, times: 1 });
  let events = 0;
  for await (
    const _ of caller.stream("StreamUnstructuredSessionEvents", {
      sessionId: stalled,
    })
  ) {
    // Nothing ends it but whoever reads it.
    if (++events === 2) break;
  }
  assertEquals(teleport.served.recordingEvents, 2);
  await waitUntil("the stream's end", () => teleport.openCalls === 0);
  for (const sessionId of [whole, stalled]) {
    const all = await streamIndexes(caller, { sessionId });
    assertEquals(all.length, log.recording(sessionId)?.length);
  }
});

test("a broken recording is always broken, and no other one is", {
  size: 20,
  uploadEvery: 10,
}, async ({ teleport, caller, log }) => {
  const [broken = "", whole = ""] = log.sessionIds();
  teleport.faults.add({
    kind: "cut",
    after: 0,
    stream: broken,
    code: "DATA_LOSS",
  });
  for (let i = 0; i < 3; i++) {
    const stream = () => streamIndexes(caller, { sessionId: broken });
    await assertRejects(stream, Error, "DATA_LOSS");
  }
  assertNotEquals(await streamIndexes(caller, { sessionId: whole }), []);
});

for (const as of ["empty", "NOT_FOUND"] as const) {
  test(`a late recording (${as}) is there after so many requests`, {
    size: 20,
    uploadEvery: 10,
  }, async ({ teleport, caller, log }) => {
    teleport.faults.add({ kind: "late recording", as, times: 2 });
    for (const sessionId of log.sessionIds()) {
      for (let i = 0; i < 2; i++) {
        const stream = () => streamIndexes(caller, { sessionId });
        if (as === "empty") assertEquals(await stream(), []);
        else await assertRejects(stream, Error, "NOT_FOUND");
      }
      assertNotEquals(await streamIndexes(caller, { sessionId }), []);
    }
  });
}

test("a recording can begin before the index that is asked for", {
  uploadEvery: 10,
}, async ({ teleport, caller, log, sessionId }) => {
  log.resizeRecording(sessionId, 10);
  teleport.faults.add({ kind: "early start", events: 3, sessionId });
  assertEquals(
    await streamIndexes(caller, { sessionId, startIndex: 7 }),
    [4, 5, 6, 7, 8, 9],
  );
  const all = await streamIndexes(caller, { sessionId, startIndex: 1 });
  assertEquals(all.length, 10);
});

/** Runs a test of the dial with a stand-in, a caller, and a log of this kind. */
function test(
  promise: string,
  logOptions: AuditLogOptions,
  run: (ends: Ends) => Promise<void>,
): void {
  Deno.test(`by dial: ${promise}`, async () => {
    const log = new AuditLog({ size: 10, ...logOptions });
    const [sessionId = ""] = log.sessionIds();
    await using teleport = await startTeleport({ log });
    await using caller = await callTeleport(teleport);
    await run({ teleport, caller, log, sessionId });
  });
}

function ping(caller: TeleportCaller) {
  return caller.ask("Ping", {});
}

function ask(
  caller: TeleportCaller,
  question: { readonly limit: number; readonly startKey?: string },
) {
  return caller.ask("GetUnstructuredEvents", {
    startDate: timestampFromMs(START_MS),
    endDate: timestampFromMs(2 * START_MS),
    order: Order.ASCENDING,
    ...question,
  });
}

async function streamIndexes(
  caller: TeleportCaller,
  question: { readonly sessionId: string; readonly startIndex?: number },
): Promise<number[]> {
  const indexes: number[] = [];
  const events = caller.stream("StreamUnstructuredSessionEvents", question);
  for await (const { index } of events) indexes.push(Number(index));
  return indexes;
}
