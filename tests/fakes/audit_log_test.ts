import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { EventUnstructuredSchema } from "../../lib/teleport/proto/teleport_pb.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertMatch,
  assertNotEquals,
} from "../assert.ts";
import { AuditLog } from "./audit_log.ts";
import { type LogEvent, logEvent } from "./log_event.ts";

const SIZE = 5_000;
const START_MS = Date.UTC(2026, 0, 1);

Deno.test("a log follows from its seed, and any event from its position", () => {
  const options = { seed: 7, size: 200, uploadEvery: 10 };
  const events = [...new AuditLog(options).events()];
  const log = new AuditLog(options);
  for (const position of [199, 0, 100, 99]) {
    assertEquals(log.at(position), events[position]);
    assertEquals(log.typeAt(position), events[position]?.type);
    assertEquals(log.timeUsAt(position), events[position]?.timeUs);
  }
  const other = new AuditLog({ ...options, seed: 8 });
  assertNotEquals([...other.ids()], [...log.ids()]);
});

Deno.test("a log looks like a busy cluster's", () => {
  const events = [...new AuditLog({ size: SIZE }).events()];
  const texts = events.map(({ json }) => JSON.stringify(json));
  const mean = (total: number) => total / SIZE;
  const fields = mean(sum(events.map(({ json }) => Object.keys(json).length)));
  const characters = mean(sum(texts.map(({ length }) => length)));

  assertGreaterOrEqual(new Set(events.map(({ type }) => type)).size, 40);
  assert(fields > 17 && fields < 23, `${fields} fields`);
  assert(characters > 520 && characters < 660, `${characters} characters`);
  assertEquals(new Set(events.map(({ id }) => id)).size, SIZE);
  for (
    const part of [
      "null",
      "true",
      "false",
      "[",
      ":{",
      "\\u001b",
      "\\n",
      "ü",
      "👋",
    ]
  ) {
    const share = mean(texts.filter((text) => text.includes(part)).length);
    assertGreater(share, 0.005, `share of ${part}`);
  }
  for (const { id, type, timeUs, json } of events.slice(0, 200)) {
    assertMatch(
      id,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assertEquals([json["uid"], json["event"]], [id, type]);
    const { time } = json;
    assert(typeof time === "string");
    assertMatch(time, /^2026-01-01T\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z$/);
    assertEquals(Date.parse(time), Math.floor(timeUs / 1_000));
  }
});

Deno.test("times never decrease, and more events share one than a page may have", () => {
  const log = new AuditLog({ size: SIZE, startMs: START_MS, spacingMs: 10 });
  const shared = new Map<number, number>();
  let before = START_MS * 1_000;
  for (const { timeUs } of log.events()) {
    assertGreaterOrEqual(timeUs, before);
    before = timeUs;
    shared.set(timeUs, (shared.get(timeUs) ?? 0) + 1);
  }
  assertEquals(log.timeUsAt(0), START_MS * 1_000);
  assertEquals(new Set(shared.values()), new Set([1, 2, 48]));
  assertGreater([...shared.keys()].filter((us) => us % 1_000 > 0).length, 100);
});

Deno.test("an event's bytes say what the event says", () => {
  const log = new AuditLog({ size: 300, startMs: START_MS + 123 });
  log.append(logEvent("new.type", {
    timeMs: START_MS + 1e9,
    id: "",
    index: 3,
    fields: { huge: "x".repeat(2 * 1024 * 1024) },
  }));
  for (let position = 0; position < log.size; position++) {
    const event = log.at(position);
    const message = fromBinary(
      EventUnstructuredSchema,
      log.encodedAt(position),
    );
    const { time, unstructured } = message;
    assert(time !== undefined);
    assertEquals(
      [message.type, message.id, Number(message.index)],
      [event.type, event.id, event.index],
    );
    assertEquals(
      Number(time.seconds) * 1_000_000 + time.nanos / 1_000,
      event.timeUs,
    );
    assertEquals(
      toJson(StructSchema, fromBinary(StructSchema, unstructured)),
      event.json,
    );
  }
});

Deno.test("one event in so many announces a recording", () => {
  const log = new AuditLog({ size: 1_000, uploadEvery: 100 });
  const sessionIds = [...log.sessionIds()];
  assertEquals(new Set(sessionIds).size, 10);
  for (const sessionId of sessionIds) assert(log.recording(sessionId));
  assertEquals([...new AuditLog({ size: 1_000 }).sessionIds()], []);
});

Deno.test("a recording follows from its session, and begins where it is asked to", () => {
  const log = new AuditLog({
    size: 2_000,
    uploadEvery: 20,
    recordingEvents: [5, 40],
  });
  const firstTypes = new Set<string>();
  for (const sessionId of log.sessionIds()) {
    const recording = log.recording(sessionId);
    assert(recording !== undefined);
    const events = [...recording.events()];
    assertEquals(events.length, recording.length);
    assert(events.length >= 5 && events.length <= 40);
    assertEquals(events.map(({ index }) => index), [...events.keys()]);
    assertEquals([...recording.events(3)], events.slice(3));
    assertMatch(events.at(-1)?.type ?? "", /session\.end$/);
    firstTypes.add(events[0]?.type ?? "");
    for (const event of events) checkRecordingEvent(event, sessionId);
  }
  assertEquals(
    firstTypes,
    new Set(["session.start", "windows.desktop.session.start"]),
  );
});

Deno.test("there is no recording of a session that the log does not announce", () => {
  const log = new AuditLog({ size: 100, uploadEvery: 10 });
  const larger = new AuditLog({ size: 200, uploadEvery: 10 });
  const later = [...larger.sessionIds()].slice(10);
  for (const sessionId of [...later, crypto.randomUUID(), "", "../etc"]) {
    assertEquals(log.recording(sessionId), undefined);
  }
  log.grow(100);
  for (const sessionId of later) assert(log.recording(sessionId));
});

Deno.test("a recording can be made as long, or with what, a test needs", () => {
  const log = new AuditLog({ size: 10, uploadEvery: 10 });
  const [sessionId = ""] = log.sessionIds();
  log.resizeRecording(sessionId, 100_000);
  const recording = log.recording(sessionId);
  assertEquals(recording?.length, 100_000);
  const [last] = recording?.events(99_999) ?? [];
  assertEquals(last?.index, 99_999);

  const events = [0, 1, 1, 5].map((index) =>
    logEvent("exec", { timeMs: START_MS, index })
  );
  log.putRecording(sessionId, events);
  assertEquals([...log.recording(sessionId)?.events(1) ?? []], events.slice(1));
});

Deno.test("events made to order take their place by time, behind their equals", () => {
  const log = new AuditLog({ size: 3, startMs: START_MS, spacingMs: 1_000 });
  const [a, b, c] = log.ids();
  const at = (id: string, ms: number) =>
    logEvent("exec", { id, timeMs: START_MS + ms });
  log.append(at("d", 5_000), at("e", 1_000), at("f", 1_000), at("g", 5_000));
  assertEquals([...log.ids()], [a, b, "e", "f", c, "d", "g"]);
  assertEquals(log.firstAt((START_MS + 1_000) * 1_000), 1);
  assertEquals(log.firstAt((START_MS + 1_001) * 1_000), 4);
  assertEquals(log.firstAt(Infinity), 7);
});

Deno.test("chunks have each event once, and stay the same while the log grows", () => {
  const log = new AuditLog({
    size: 500,
    startMs: START_MS,
    spacingMs: 1_000_000,
    exportChunkEvents: 50,
  });
  const before = chunksOf(log);
  log.grow(60);
  log.append(logEvent("exec", { timeMs: START_MS + 1, id: "late" }));
  const after = chunksOf(log);

  for (const [name, ids] of before) assertEquals(after.get(name), ids);
  assertEquals([...after.values()].flat().sort(), [...log.ids()].sort());
  assertGreater(before.size, 5);
  assertEquals(log.encodedChunk("nowhere-1"), undefined);
});

function chunksOf(log: AuditLog): Map<string, string[]> {
  const chunks = new Map<string, string[]>();
  for (let day = 0; day < 10; day++) {
    const timeUs = (START_MS + day * 24 * 60 * 60 * 1_000) * 1_000;
    for (const name of log.chunkNames(timeUs)) {
      const events = Array.from(
        log.encodedChunk(name) ?? [],
        (bytes) => fromBinary(EventUnstructuredSchema, bytes),
      );
      chunks.set(name, events.map(({ id }) => id));
    }
  }
  return chunks;
}

function checkRecordingEvent(event: LogEvent, sessionId: string): void {
  const { type, id, json } = event;
  assertEquals([json["sid"], json["ei"]], [sessionId, event.index]);
  if (type === "print") {
    assertEquals(json["uid"], "");
    assertMatch(id, /^[0-9a-f]{64}$/);
    const { data, bytes } = json;
    assertEquals(Uint8Array.fromBase64(String(data)).length, bytes);
  } else if (type !== "desktop.recording") {
    assertEquals(json["uid"], id);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
