/**
 * From Teleport's answers to the pipeline's events, without an object per
 * message on the way: part of the hot path.
 *
 * Servers write each field once and in the order of their numbers. What is
 * written otherwise may be legal all the same and takes the generic way, which
 * also tells what is no such message.
 *
 * @module
 */

// Bytes are read within bounds that were checked, hence the `!`.
// deno-lint-ignore-file no-non-null-assertion

import type { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import type { AuditEvent } from "../event.ts";
import { freeMemory, isOwnMemory } from "../own_memory.ts";
import { sessionIdOf, toAuditEvent } from "./audit_event.ts";
import { readName } from "./event_names.ts";
import {
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
} from "./proto/teleport_pb.ts";

/** One page of the audit log. */
export interface Page {
  readonly events: readonly AuditEvent[];
  /** Where the next page begins; "" where there is none yet. */
  readonly lastKey: string;
  /** See `EventBatch.release`; left out where there is nothing to gain. */
  readonly release?: () => void;
}

/** One event of a bulk export. */
export interface ExportedEvent {
  /** Undefined where a server sends a cursor alone. */
  readonly event: AuditEvent | undefined;
  /** Where the export goes on behind it. */
  readonly cursor: string;
}

/** A message within memory that others share. */
export interface EncodedMessage {
  readonly memory: Buffer;
  /** The same bytes: what is taken of them later is no Buffer. */
  readonly plain: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A message that is all of a buffer. */
export function wholeMessage(memory: Buffer): EncodedMessage {
  return { memory, plain: plain(memory), start: 0, end: memory.length };
}

/** Wire tags: field number << 3 | wire type. */
const PAGE_ITEM = 0x0a;
const PAGE_LAST_KEY = 0x12;
const EXPORTED_EVENT = 0x0a;
const EXPORTED_CURSOR = 0x12;
const EVENT_TYPE = 0x0a;
const EVENT_ID = 0x12;
const EVENT_TIME = 0x1a;
const EVENT_INDEX = 0x20;
const EVENT_PAYLOAD = 0x2a;
const TIME_SECONDS = 0x08;
const TIME_NANOS = 0x10;

/** Whole numbers below it are exact as doubles, and so are times in milliseconds. */
const MAX_VARINT = 2 ** 42;
const MAX_INT32 = 2 ** 31 - 1;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Legal, perhaps, but not how servers write it; caught here, never seen outside. */
const UNUSUAL = Symbol("unusual encoding");

/**
 * `EventsUnstructured`, the answer to a page search.
 *
 * @throws {Error} where the bytes are no such message
 */
export function decodePage(bytes: Buffer): Page {
  const message = wholeMessage(bytes);
  const page = usually(
    () => readPage(new Reader(message)),
    () => {
      const { items, lastKey } = fromBinary(
        EventsUnstructuredSchema,
        message.plain,
      );
      return { events: items.map(toAuditEvent), lastKey };
    },
  );
  return isOwnMemory(bytes)
    ? { ...page, release: () => freeMemory(bytes) }
    : page;
}

/**
 * `EventUnstructured`, of a session recording.
 *
 * @throws {Error} where the bytes are no such message
 */
export function decodeEvent(message: EncodedMessage): AuditEvent {
  return usually(
    () => new EventInMessage(new Reader(message), message.end),
    () => toAuditEvent(fromBinary(EventUnstructuredSchema, viewOf(message))),
  );
}

/**
 * `ExportEventUnstructured`, of a bulk export.
 *
 * @throws {Error} where the bytes are no such message
 */
export function decodeExportedEvent(message: EncodedMessage): ExportedEvent {
  return usually(
    () => readExportedEvent(new Reader(message), message.end),
    () => {
      const { event, cursor } = fromBinary(
        ExportEventUnstructuredSchema,
        viewOf(message),
      );
      return { event: event && toAuditEvent(event), cursor };
    },
  );
}

function usually<Decoded>(
  decode: () => Decoded,
  decodeGenerically: () => Decoded,
): Decoded {
  try {
    return decode();
  } catch (thrown) {
    if (thrown !== UNUSUAL) throw thrown;
    return decodeGenerically();
  }
}

function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function viewOf({ plain, start, end }: EncodedMessage): Uint8Array {
  return plain.subarray(start, end);
}

/** Walks one message once, front to back. */
class Reader {
  readonly bytes: Buffer;
  readonly plain: Uint8Array;
  position: number;

  constructor({ memory, plain, start }: EncodedMessage) {
    this.bytes = memory;
    this.plain = plain;
    this.position = start;
  }

  /** Reads a length and returns where what it measures ends. */
  endWithin(end: number): number {
    const length = this.varint();
    const to = this.position + length;
    if (to > end) throw UNUSUAL;
    return to;
  }

  /** With U+FFFD where it is no UTF-8. */
  text(end: number): string {
    const to = this.endWithin(end);
    const from = this.position;
    this.position = to;
    return this.bytes.toString("utf8", from, to);
  }

  /** A text of which there are few. */
  name(end: number): string {
    const to = this.endWithin(end);
    const from = this.position;
    this.position = to;
    return readName(this.bytes, from, to);
  }

  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.position++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 2 ** 7; scale < MAX_VARINT; scale *= 2 ** 7) {
      byte = bytes[this.position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw UNUSUAL;
  }
}

function readPage(reader: Reader): Page {
  const end = reader.bytes.length;
  const events: AuditEvent[] = [];
  let lastKey = "";
  while (reader.position < end) {
    switch (reader.bytes[reader.position++]) {
      case PAGE_ITEM:
        events.push(new EventInMessage(reader, reader.endWithin(end)));
        break;
      case PAGE_LAST_KEY:
        lastKey = reader.text(end);
        break;
      default:
        throw UNUSUAL;
    }
  }
  return { events, lastKey };
}

function readExportedEvent(reader: Reader, end: number): ExportedEvent {
  let event: AuditEvent | undefined;
  let cursor = "";
  while (reader.position < end) {
    switch (reader.bytes[reader.position++]) {
      case EXPORTED_EVENT:
        // Two pieces of a message are to be merged.
        if (event !== undefined) throw UNUSUAL;
        event = new EventInMessage(reader, reader.endWithin(end));
        break;
      case EXPORTED_CURSOR:
        cursor = reader.text(end);
        break;
      default:
        throw UNUSUAL;
    }
  }
  return { event, cursor };
}

/** An event whose id, which few events are asked for, stays in the message till then. */
class EventInMessage implements AuditEvent {
  readonly type: string;
  readonly timeMs: number;
  readonly index: number;
  readonly message: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly sessionId: string | undefined;
  readonly #idStart: number;
  readonly #idEnd: number;

  /** Reads it up to `end`. */
  constructor(reader: Reader, end: number) {
    const { bytes, plain } = reader;
    let type = "";
    let idStart = end;
    let idEnd = end;
    let timeMs: number | undefined;
    let index = 0;
    let payloadStart = end;
    let payloadEnd = end;
    while (reader.position < end) {
      switch (bytes[reader.position++]) {
        case EVENT_TYPE:
          type = reader.name(end);
          break;
        case EVENT_ID:
          idEnd = reader.endWithin(end);
          idStart = reader.position;
          reader.position = idEnd;
          break;
        case EVENT_TIME:
          if (timeMs !== undefined) throw UNUSUAL;
          timeMs = readTimeMs(reader, reader.endWithin(end));
          break;
        case EVENT_INDEX:
          index = reader.varint();
          break;
        case EVENT_PAYLOAD:
          payloadEnd = reader.endWithin(end);
          payloadStart = reader.position;
          reader.position = payloadEnd;
          break;
        default:
          throw UNUSUAL;
      }
    }
    if (reader.position > end) throw UNUSUAL;
    this.type = type;
    this.timeMs = timeMs ?? 0;
    this.index = index;
    this.message = plain;
    this.start = payloadStart;
    this.end = payloadEnd;
    this.sessionId = sessionIdOf(type, plain, payloadStart, payloadEnd);
    this.#idStart = idStart;
    this.#idEnd = idEnd;
  }

  /**
   * With U+FFFD where it is no UTF-8.
   *
   * @throws {Error} where the message is freed, since "" would be another id
   */
  get id(): string {
    const start = this.#idStart;
    const end = this.#idEnd;
    if (end > this.message.length) {
      throw new Error("an event was asked for its id after it was freed");
    }
    return utf8.decode(this.message.subarray(start, end));
  }
}

function readTimeMs(reader: Reader, end: number): number {
  let seconds = 0;
  let nanos = 0;
  while (reader.position < end) {
    switch (reader.bytes[reader.position++]) {
      case TIME_SECONDS:
        seconds = reader.varint();
        break;
      case TIME_NANOS:
        nanos = reader.varint();
        // Of more bits, protobuf takes the last 32.
        if (nanos > MAX_INT32) throw UNUSUAL;
        break;
      default:
        throw UNUSUAL;
    }
  }
  if (reader.position > end) throw UNUSUAL;
  return seconds * 1_000 + Math.floor(nanos / 1_000_000);
}
