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
  const keys = Object.keys(object);
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string;
    const before = written;
    writeValue(object[key] as Json);
    writeLength(ENTRY_VALUE, written - before);
    writeString(ENTRY_KEY, key);
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
  if (isShortAscii(text)) {
    const start = claim(text.length);
    for (let i = 0; i < text.length; i++) {
      buffer[start + i] = text.charCodeAt(i);
    }
  } else {
    const bytes = encoder.encode(text);
    const start = claim(bytes.length);
    buffer.set(bytes, start);
  }
  writeLength(tag, written - before);
}

function writeLength(tag: number, length: number): void {
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

function isShortAscii(text: string): boolean {
  if (text.length > SHORT_STRING) return false;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}

/** `Array.isArray` does not tell read-only arrays from objects. */
function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
