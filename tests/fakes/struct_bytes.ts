/**
 * Writes JSON objects as `google.protobuf.Struct`, independently of everything
 * in `lib/` that reads them.
 *
 * @module
 */

import type { Json, JsonObject } from "./json.ts";

// Field number and wire type, as they stand before a field.
const STRUCT_FIELDS = 0x0a;
const ENTRY_KEY = 0x0a;
const ENTRY_VALUE = 0x12;
const NULL_VALUE = 0x08;
const NUMBER_VALUE = 0x11;
const STRING_VALUE = 0x1a;
const BOOL_VALUE = 0x20;
const STRUCT_VALUE = 0x2a;
const LIST_VALUE = 0x32;
const LIST_VALUES = 0x0a;

// Short strings are quicker written here than handed to the encoder.
const SHORT_STRING = 64;

const encoder = new TextEncoder();

// The same keys come with every event: kept as they are written.
const MOST_KEYS = 1_000;
const keys = new Map<string, Uint8Array>();

// Filled from the end to the beginning: a length stands before what it measures,
// and so is known by the time it is written.
let buffer = new Uint8Array(64 * 1024);
let view = new DataView(buffer.buffer);
let written = 0;

/** The object as the bytes of a `google.protobuf.Struct`; keys keep their order. */
export function encodeStruct(object: JsonObject): Uint8Array<ArrayBuffer> {
  written = 0;
  writeStruct(object);
  return buffer.slice(buffer.length - written);
}

function writeStruct(object: JsonObject): void {
  const names = Object.keys(object);
  for (let i = names.length - 1; i >= 0; i--) {
    const key = names[i] as string;
    const before = written;
    writeValue(object[key] as Json);
    writeLength(ENTRY_VALUE, written - before);
    writeKey(key);
    writeLength(STRUCT_FIELDS, written - before);
  }
}

function writeValue(value: Json): void {
  const before = written;
  if (typeof value === "string") {
    writeString(STRING_VALUE, value);
  } else if (typeof value === "number") {
    const start = claim(8);
    view.setFloat64(start, value, true);
    writeByte(NUMBER_VALUE);
  } else if (typeof value === "boolean" || value === null) {
    writeByte(value ? 1 : 0);
    writeByte(value === null ? NULL_VALUE : BOOL_VALUE);
  } else if (isList(value)) {
    for (let i = value.length - 1; i >= 0; i--) {
      const beforeItem = written;
      writeValue(value[i] as Json);
      writeLength(LIST_VALUES, written - beforeItem);
    }
    writeLength(LIST_VALUE, written - before);
  } else {
    writeStruct(value);
    writeLength(STRUCT_VALUE, written - before);
  }
}

function writeString(tag: number, text: string): void {
  const before = written;
  if (!writeShortAscii(text)) {
    const bytes = encoder.encode(text);
    const start = claim(bytes.length);
    buffer.set(bytes, start);
  }
  writeLength(tag, written - before);
}

/** Leaves the text to the encoder, and returns false, where it is long or not ASCII. */
function writeShortAscii(text: string): boolean {
  const { length } = text;
  if (length > SHORT_STRING) return false;
  const start = claim(length);
  let all = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    buffer[start + i] = code;
    all |= code;
  }
  if (all < 0x80) return true;
  written -= length;
  return false;
}

function writeKey(text: string): void {
  let bytes = keys.get(text);
  if (bytes === undefined) {
    const before = written;
    writeString(ENTRY_KEY, text);
    const start = buffer.length - written;
    bytes = buffer.slice(start, start + written - before);
    if (keys.size < MOST_KEYS) keys.set(text, bytes);
    return;
  }
  const start = claim(bytes.length);
  buffer.set(bytes, start);
}

function writeLength(tag: number, length: number): void {
  if (length < 0x80) {
    const start = claim(2);
    buffer[start] = tag;
    buffer[start + 1] = length;
    return;
  }
  let size = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) size++;
  const start = claim(size);
  for (let i = 0; i < size; i++) {
    const more = i < size - 1 ? 0x80 : 0;
    buffer[start + i] = (length >>> (7 * i)) & 0x7f | more;
  }
  writeByte(tag);
}

function writeByte(byte: number): void {
  const start = claim(1);
  buffer[start] = byte;
}

/**
 * Takes the next `length` bytes towards the beginning, and says where they are.
 * To be called before `buffer` is looked at: it may be another one afterwards.
 */
function claim(length: number): number {
  written += length;
  if (written > buffer.length) {
    const larger = new Uint8Array(2 * written);
    larger.set(buffer, larger.length - buffer.length);
    buffer = larger;
    view = new DataView(buffer.buffer);
  }
  return buffer.length - written;
}

/** `Array.isArray` does not tell read-only arrays from objects. */
function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
