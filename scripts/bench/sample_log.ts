/**
 * The audit log of the benchmarks: realistic events, encoded beforehand.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { JsonObject } from "../../tests/fakes/json.ts";
import { encodeStruct } from "../../tests/fakes/struct_bytes.ts";
import { grpcMessage, HEADER_BYTES } from "../../tests/fakes/grpc_message.ts";

/** Different events; longer logs repeat them, at other times. */
export const POOL = 1_000;
/** From one event to the next: 20 a second. */
export const SPACING_MS = 50;

/** Wire tags: field number << 3 | wire type. */
const ITEM = 0x0a;
const LAST_KEY = 0x12;
const CURSOR = 0x12;
const TYPE = 0x0a;
const ID = 0x12;
const TIME = 0x1a;
const INDEX = 0x20;
const PAYLOAD = 0x2a;
const SECONDS = 0x08;
const NANOS = 0x10;

/** Seconds since the epoch take so many bytes as a varint, until the year 3058. */
const SECONDS_BYTES = 5;
/** An index takes so many at most, below two million. */
const INDEX_BYTES = 3;

/** A page's key is the place of an event. */
const MAX_KEY_BYTES = 32;

/** As long as a cursor is: nobody goes on from it here. */
const CURSOR_TEXT = "f6e1f6c1e5a0a4a2e9a93000000000000:12345";

const utf8 = new TextEncoder();

/** A realistic event: nested, 20 fields, 648 bytes of JSON whatever `i < POOL` is. */
export function sampleEvent(i: number): JsonObject {
  const id = i.toString(16).padStart(12, "0");
  return {
    ei: i % 7,
    event: "db.session.query",
    uid: `6e1f6c1e-5a0a-4a2e-9a93-${id}`,
    code: "TDB02I",
    time: new Date(Date.UTC(2026, 2, 1) + i * SPACING_MS).toISOString(),
    cluster_name: "tele.example.com",
    user: `alice-${10 + i % 50}@example.com`,
    user_kind: 1,
    sid: `2d1b7f6a-0000-4000-8000-${id}`,
    success: true,
    private_key_policy: "none",
    db_service: "orders-postgres",
    db_protocol: "postgres",
    db_uri: "orders.example.com:5432",
    db_name: "orders",
    db_user: "readonly",
    db_query:
      `SELECT id, "customer" FROM orders WHERE created > '2026-01-01' LIMIT ${
        1_000 + i
      }`,
    db_query_parameters: ["1", "größer", null],
    db_labels: { env: "prod", team: "orders", critical: true },
    "addr.remote": "10.0.0.7:51022",
  };
}

/** The event that announces a recording. */
export function uploadEvent(sessionId: string): JsonObject {
  return {
    ei: 0,
    event: "session.upload",
    uid: sessionId,
    code: "T2005I",
    time: "2026-03-01T00:00:00Z",
    cluster_name: "tele.example.com",
    sid: sessionId,
  };
}

/** `EventUnstructured`, encoded, and where what can be set in it is. */
export interface EncodedEvent {
  readonly bytes: Buffer;
  readonly secondsAt: number;
  /** Of an event of a recording. */
  readonly indexAt: number;
}

/** Encodes an event with the time 0, and one of a recording with the index 0. */
export function encodeEvent(
  event: JsonObject,
  { recorded = false } = {},
): EncodedEvent {
  const head = Buffer.concat([
    field(TYPE, utf8.encode(String(event.event))),
    field(ID, utf8.encode(String(event.uid))),
    Uint8Array.of(TIME, 1 + SECONDS_BYTES + 2, SECONDS),
  ]);
  const time = Buffer.concat([
    head,
    paddedZero(SECONDS_BYTES),
    Uint8Array.of(NANOS, 0),
  ]);
  const index = recorded ? [INDEX, ...paddedZero(INDEX_BYTES)] : [];
  const bytes = Buffer.concat([
    time,
    Uint8Array.from(index),
    field(PAYLOAD, encodeStruct(event)),
  ]);
  return { bytes, secondsAt: head.length, indexAt: time.length + 1 };
}

/** `EventsUnstructured` as a gRPC message, whose times and `last_key` can be set. */
export class EncodedPage {
  /** Ends with room for a key. */
  readonly #message: Buffer;
  readonly #secondsAt: number[] = [];
  readonly #keyAt: number;

  constructor(events: readonly EncodedEvent[]) {
    const parts: Uint8Array[] = [Buffer.alloc(HEADER_BYTES)];
    let length = HEADER_BYTES;
    for (const { bytes, secondsAt } of events) {
      const tag = Uint8Array.of(ITEM, ...varint(bytes.length));
      this.#secondsAt.push(length + tag.length + secondsAt);
      parts.push(tag, bytes);
      length += tag.length + bytes.length;
    }
    this.#keyAt = length;
    this.#message = Buffer.concat([...parts, Buffer.alloc(MAX_KEY_BYTES)]);
  }

  /**
   * The page whose first event is of that time: written over by the next one,
   * which nobody asks for before this one has arrived.
   */
  at(startMs: number, lastKey: string): Buffer {
    const message = this.#message;
    for (const [i, at] of this.#secondsAt.entries()) {
      const seconds = Math.floor((startMs + i * SPACING_MS) / 1_000);
      setVarint(message, { at, bytes: SECONDS_BYTES }, seconds);
    }
    const key = field(LAST_KEY, utf8.encode(lastKey));
    message.set(key, this.#keyAt);
    const end = this.#keyAt + key.length;
    message.writeUInt32BE(end - HEADER_BYTES, 1);
    return message.subarray(0, end);
  }
}

/** An event of a chunk as a message of a stream, with that time and any cursor. */
export function exportedMessage(
  { bytes, secondsAt }: EncodedEvent,
  timeMs: number,
): Buffer {
  const event = Buffer.from(bytes);
  const seconds = Math.floor(timeMs / 1_000);
  setVarint(event, { at: secondsAt, bytes: SECONDS_BYTES }, seconds);
  return grpcMessage(
    Buffer.concat([
      field(ITEM, event),
      field(CURSOR, utf8.encode(CURSOR_TEXT)),
    ]),
  );
}

/** Events of a recording as messages of a stream, whose indexes can be set. */
export class EncodedPart {
  readonly #messages: Buffer;
  readonly #indexesAt: number[] = [];

  constructor(events: readonly EncodedEvent[]) {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const { bytes, indexAt } of events) {
      const message = grpcMessage(bytes);
      this.#indexesAt.push(length + message.length - bytes.length + indexAt);
      parts.push(message);
      length += message.length;
    }
    this.#messages = Buffer.concat(parts);
  }

  /** The part whose first event has that index. */
  at(first: number): Buffer {
    const part = Buffer.from(this.#messages);
    for (const [i, at] of this.#indexesAt.entries()) {
      setVarint(part, { at, bytes: INDEX_BYTES }, first + i);
    }
    return part;
  }
}

function paddedZero(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(0x80, 0, -1);
}

/** As many bytes as there were: padded with zero bits. */
function setVarint(
  buffer: Uint8Array,
  { at, bytes }: { at: number; bytes: number },
  value: number,
): void {
  let rest = value;
  for (let i = 0; i < bytes; i++) {
    buffer[at + i] = rest % 0x80 | (i < bytes - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 0x80);
  }
}

/** A length-delimited field. */
function field(tag: number, value: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(tag, ...varint(value.length)), value]);
}

function varint(value: number): number[] {
  return value < 0x80
    ? [value]
    : [value & 0x7f | 0x80, ...varint(Math.floor(value / 0x80))];
}
