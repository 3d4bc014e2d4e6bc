/**
 * Reads a `google.protobuf.Struct` in any legal encoding, as protobuf says: what
 * comes last counts, messages in pieces are merged, unknown fields are skipped.
 *
 * @module
 */

import { BinaryReader } from "@bufbuild/protobuf/wire";
import { checkDepth, MalformedStructError } from "./malformed_struct.ts";

/** A JSON value; objects are maps, in which every key is a key like any other. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | JsonObject;

/** A JSON object, in the order of the wire. */
export type JsonObject = Map<string, JsonValue>;

/** Wire tags: field number << 3 | wire type. */
const STRUCT_FIELD = 0x0a;
const ENTRY_KEY = 0x0a;
const ENTRY_VALUE = 0x12;
const LIST_ITEM = 0x0a;
const NULL = 0x08;
const NUMBER = 0x11;
const STRING = 0x1a;
const BOOL = 0x20;
const STRUCT = 0x2a;
const LIST = 0x32;

// In a string, a byte-order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The object that `payload` stands for. Invalid UTF-8 becomes U+FFFD.
 *
 * @throws {MalformedStructError}
 */
export function parseStruct(payload: Uint8Array): JsonObject {
  try {
    return readStruct(payload, new Map(), 0);
  } catch (cause) {
    if (cause instanceof MalformedStructError) throw cause;
    throw new MalformedStructError(
      "the event's payload is no google.protobuf.Struct",
      { cause },
    );
  }
}

// Each message gets a reader of its own, so that none reads beyond its end.

function readStruct(
  bytes: Uint8Array,
  object: JsonObject,
  depth: number,
): JsonObject {
  checkDepth(depth);
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = nextTag(reader);
    if (tag === STRUCT_FIELD) {
      const { key, value } = readEntry(reader.bytes(), depth);
      object.set(key, value);
    } else {
      skip(reader, tag);
    }
  }
  return object;
}

function readEntry(
  bytes: Uint8Array,
  depth: number,
): { key: string; value: JsonValue } {
  const reader = new BinaryReader(bytes);
  let key = "";
  let value: JsonValue = null;
  while (reader.pos < reader.len) {
    const tag = nextTag(reader);
    switch (tag) {
      case ENTRY_KEY:
        key = decoder.decode(reader.bytes());
        break;
      case ENTRY_VALUE:
        value = readValue(reader.bytes(), value, depth);
        break;
      default:
        skip(reader, tag);
    }
  }
  return { key, value };
}

function readList(
  bytes: Uint8Array,
  list: JsonValue[],
  depth: number,
): JsonValue[] {
  checkDepth(depth);
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = nextTag(reader);
    if (tag === LIST_ITEM) list.push(readValue(reader.bytes(), null, depth));
    else skip(reader, tag);
  }
  return list;
}

/** A Value without a kind is not allowed, and nothing but null comes close. */
function readValue(
  bytes: Uint8Array,
  before: JsonValue,
  depth: number,
): JsonValue {
  const reader = new BinaryReader(bytes);
  let value = before;
  while (reader.pos < reader.len) {
    const tag = nextTag(reader);
    switch (tag) {
      case NULL:
        skip(reader, tag);
        value = null;
        break;
      case NUMBER:
        value = reader.double();
        break;
      case STRING:
        value = decoder.decode(reader.bytes());
        break;
      case BOOL:
        value = reader.bool();
        break;
      case STRUCT:
        value = readStruct(
          reader.bytes(),
          value instanceof Map ? value : new Map(),
          depth + 1,
        );
        break;
      case LIST:
        value = readList(
          reader.bytes(),
          Array.isArray(value) ? value : [],
          depth + 1,
        );
        break;
      default:
        skip(reader, tag);
    }
  }
  return value;
}

function nextTag(reader: BinaryReader): number {
  const [field, wireType] = reader.tag();
  return field << 3 | wireType;
}

function skip(reader: BinaryReader, tag: number): void {
  reader.skip(tag & 7, tag >>> 3);
}
