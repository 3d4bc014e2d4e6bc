/**
 * Writes JSON from the bytes of a `google.protobuf.Struct`, without an object or
 * a string per event: the hot path of the program.
 *
 * Layout (google/protobuf/struct.proto): `Struct { map<string, Value> fields = 1 }`,
 * `Value { oneof { null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6 } }`,
 * `ListValue { repeated Value values = 1 }`; a map entry is a message `{ key = 1, value = 2 }`.
 *
 * Encoders write a Value's one field and an entry's key before its value. What
 * is written otherwise may be legal all the same and takes the generic way
 * (`struct_json_generic.ts`), which also tells what is no Struct.
 *
 * @module
 */

// Typed arrays are read within bounds that were checked, hence the `!`.
// deno-lint-ignore-file no-non-null-assertion

import type { JsonBuffer } from "./json_buffer.ts";
import { checkDepth } from "./malformed_struct.ts";
import { writeStructGenerically } from "./struct_json_generic.ts";

/** Wire tags: field number << 3 | wire type. */
const TAG_STRUCT_FIELD = 0x0a;
const TAG_ENTRY_KEY = 0x0a;
const TAG_ENTRY_VALUE = 0x12;
const TAG_LIST_VALUE = 0x0a;
const TAG_NULL = 0x08;
const TAG_NUMBER = 0x11;
const TAG_STRING = 0x1a;
const TAG_BOOL = 0x20;
const TAG_STRUCT = 0x2a;
const TAG_LIST = 0x32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The longest escape: `\u00XX`. */
const ESCAPE_BYTES = 6;

/** 1 for the ASCII bytes that JSON strings hold as they are. */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) {
  PLAIN[byte] = byte === QUOTE || byte === BACKSLASH ? 0 : 1;
}

/** The letter of JSON's two-character escapes, by byte; 0 where there is none. */
const SHORT_ESCAPE = new Uint8Array(256);
for (const character of '"\\\b\f\n\r\t') {
  const escape = JSON.stringify(character).charCodeAt(2);
  SHORT_ESCAPE[character.charCodeAt(0)] = escape;
}

const HEX_DIGITS = new TextEncoder().encode("0123456789abcdef");
const NULL = new TextEncoder().encode("null");
const TRUE = new TextEncoder().encode("true");
const FALSE = new TextEncoder().encode("false");

const number = new Float64Array(1);
const numberBytes = new Uint8Array(number.buffer);
// In a string, a byte-order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Legal, but not how encoders write it; caught here, never seen outside. */
const UNUSUAL = Symbol("unusual encoding");

/**
 * Appends the JSON object that `payload`, an encoded Struct, stands for.
 *
 * Keys keep the order of the wire. Numbers are written as `JSON.stringify` does,
 * except that -0 keeps its sign; NaN and the infinities, which JSON has not, are
 * written as protojson writes them in doubles: `"NaN"`, `"Infinity"`, `"-Infinity"`.
 * Invalid UTF-8 becomes U+FFFD.
 *
 * @throws {MalformedStructError} and `out` is as it was
 */
export function writeStruct(payload: Uint8Array, out: JsonBuffer): void {
  const start = out.length;
  try {
    new StructWriter(payload, out).writeStruct(payload.length, 0);
  } catch (thrown) {
    out.length = start;
    if (thrown !== UNUSUAL) throw thrown;
    writeStructGenerically(payload, out);
  }
}

/** Walks one payload once, front to back, writing as it goes. */
class StructWriter {
  readonly #source: Uint8Array;
  readonly #out: JsonBuffer;
  #position = 0;

  constructor(source: Uint8Array, out: JsonBuffer) {
    this.#source = source;
    this.#out = out;
  }

  writeStruct(end: number, depth: number): void {
    checkDepth(depth);
    const out = this.#out;
    out.push(OPEN_BRACE);
    for (let first = true; this.#position < end; first = false) {
      if (!first) out.push(COMMA);
      this.#expect(TAG_STRUCT_FIELD);
      const entryEnd = this.#lengthWithin(end);
      this.#expect(TAG_ENTRY_KEY);
      this.#writeString(this.#lengthWithin(entryEnd));
      out.push(COLON);
      this.#expect(TAG_ENTRY_VALUE);
      const valueEnd = this.#lengthWithin(entryEnd);
      if (valueEnd !== entryEnd) throw UNUSUAL;
      this.#writeValue(valueEnd, depth);
    }
    out.push(CLOSE_BRACE);
  }

  #writeList(end: number, depth: number): void {
    checkDepth(depth);
    const out = this.#out;
    out.push(OPEN_BRACKET);
    for (let first = true; this.#position < end; first = false) {
      if (!first) out.push(COMMA);
      this.#expect(TAG_LIST_VALUE);
      this.#writeValue(this.#lengthWithin(end), depth);
    }
    out.push(CLOSE_BRACKET);
  }

  #writeValue(end: number, depth: number): void {
    // A Value without a kind: not allowed, and nothing but null comes close.
    if (this.#position === end) return this.#out.append(NULL);
    switch (this.#source[this.#position++]) {
      case TAG_STRING:
        this.#writeString(this.#lengthWithin(end));
        break;
      case TAG_NUMBER:
        this.#writeNumber(end);
        break;
      case TAG_BOOL:
        this.#out.append(this.#varint() === 0 ? FALSE : TRUE);
        break;
      case TAG_STRUCT:
        this.writeStruct(this.#lengthWithin(end), depth + 1);
        break;
      case TAG_LIST:
        this.#writeList(this.#lengthWithin(end), depth + 1);
        break;
      case TAG_NULL:
        this.#varint();
        this.#out.append(NULL);
        break;
      default:
        throw UNUSUAL;
    }
    if (this.#position !== end) throw UNUSUAL;
  }

  #writeNumber(end: number): void {
    const source = this.#source;
    if (this.#position + 8 > end) throw UNUSUAL;
    for (let i = 0; i < 8; i++) numberBytes[i] = source[this.#position + i]!;
    this.#position += 8;
    const value = number[0]!;
    const integer = value | 0;
    if (integer === value && (value !== 0 || 1 / value > 0)) {
      this.#writeInteger(integer);
    } else if (Number.isFinite(value)) {
      this.#writeAscii(Object.is(value, -0) ? "-0" : String(value));
    } else {
      this.#writeAscii(`"${value}"`);
    }
  }

  #writeInteger(value: number): void {
    const out = this.#out;
    let rest = Math.abs(value);
    let digits = 1;
    for (let limit = 10; limit <= rest; limit *= 10) digits++;
    out.reserve(digits + 1);
    if (value < 0) out.bytes[out.length++] = MINUS;
    for (let i = out.length + digits - 1; i >= out.length; i--) {
      const tenth = Math.floor(rest / 10);
      out.bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    out.length += digits;
  }

  #writeAscii(text: string): void {
    const out = this.#out;
    out.reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      out.bytes[out.length++] = text.charCodeAt(i);
    }
  }

  /** Copies a string, the common bytes without looking back. */
  #writeString(end: number): void {
    const source = this.#source;
    const out = this.#out;
    const start = this.#position;
    const outStart = out.length;
    out.reserve(end - start + 2);
    let bytes = out.bytes;
    let to = out.length;
    bytes[to++] = QUOTE;
    let from = start;
    while (from < end) {
      const byte = source[from]!;
      if (PLAIN[byte] === 1) {
        bytes[to++] = byte;
        from++;
        continue;
      }
      if (byte >= 0x80) {
        const length = utf8Length(source, from, end);
        if (length === 0) {
          out.length = outStart;
          return this.#writeInvalidUtf8(start, end);
        }
        for (let i = 0; i < length; i++) bytes[to++] = source[from++]!;
        continue;
      }
      // An escape takes up to six bytes where one was reserved.
      out.length = to;
      out.reserve(ESCAPE_BYTES + end - from + 1);
      bytes = out.bytes;
      bytes[to++] = BACKSLASH;
      const letter = SHORT_ESCAPE[byte]!;
      if (letter !== 0) {
        bytes[to++] = letter;
      } else {
        bytes[to++] = LETTER_U;
        bytes[to++] = ZERO;
        bytes[to++] = ZERO;
        bytes[to++] = HEX_DIGITS[byte >> 4]!;
        bytes[to++] = HEX_DIGITS[byte & 15]!;
      }
      from++;
    }
    bytes[to++] = QUOTE;
    out.length = to;
    this.#position = end;
  }

  #writeInvalidUtf8(start: number, end: number): void {
    const text = decoder.decode(this.#source.subarray(start, end));
    this.#out.append(encoder.encode(JSON.stringify(text)));
    this.#position = end;
  }

  #expect(tag: number): void {
    if (this.#source[this.#position++] !== tag) throw UNUSUAL;
  }

  /** Reads a length and returns where what it measures ends. */
  #lengthWithin(end: number): number {
    const length = this.#varint();
    const to = this.#position + length;
    if (to > end) throw UNUSUAL;
    return to;
  }

  #varint(): number {
    const source = this.#source;
    let byte = source[this.#position++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = source[this.#position++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw UNUSUAL;
  }
}

/** Bytes of the valid UTF-8 sequence at `from`; 0 where it is none (RFC 3629). */
function utf8Length(source: Uint8Array, from: number, end: number): number {
  const lead = source[from]!;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (from + length > end) return 0;
  const second = source[from + 1]!;
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  if (lead === 0xe0 && second < 0xa0 || lead === 0xed && second > 0x9f) {
    return 0;
  }
  if (lead === 0xf0 && second < 0x90 || lead === 0xf4 && second > 0x8f) {
    return 0;
  }
  for (let i = 1; i < length; i++) {
    if ((source[from + i]! & 0xc0) !== 0x80) return 0;
  }
  return length;
}
