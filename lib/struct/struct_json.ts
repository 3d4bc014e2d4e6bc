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

import { type Payload, payloadOf, wholePayload } from "../event.ts";
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

const SPACE = 0x20;
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

/** Every byte of the wire makes at most so many of JSON, but for escapes. */
const MOST_BYTES_PER_BYTE = 3;
/** The outermost braces, and what a copied word may write beyond a string. */
const SLACK_BYTES = 16;
/** The longest escape: `\u00XX`. */
const ESCAPE_BYTES = 6;

/** 1 for the bytes that JSON strings hold as they are, UTF-8 sequences among them. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** The letter of JSON's two-character escapes, by byte; 0 where there is none. */
const SHORT_ESCAPE = new Uint8Array(256);
for (const character of '"\\\b\f\n\r\t') {
  const escape = JSON.stringify(character).charCodeAt(2);
  SHORT_ESCAPE[character.charCodeAt(0)] = escape;
}

const HEX_DIGITS = new TextEncoder().encode("0123456789abcdef");

/** "null", "true" and "fals" as little-endian words. */
const WORD_NULL = 0x6c6c756e;
const WORD_TRUE = 0x65757274;
const WORD_FALS = 0x736c6166;
const LETTER_E = 0x65;

/** The same byte four times in a word. */
const ONES = 0x01010101;
const SPACES = SPACE * ONES;
const QUOTES = QUOTE * ONES;
const BACKSLASHES = BACKSLASH * ONES;
const HIGH_BITS = 0x80808080;

// In a string, a byte-order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

const NOTHING: Uint8Array = new Uint8Array();

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
  new StructWriter(out).write(wholePayload(payload));
}

/** Walks one payload after the other, front to back, writing as it goes. */
export class StructWriter {
  readonly #out: JsonBuffer;
  /** The message that the payload is in, as bytes and as words. */
  #source = NOTHING;
  #words = new DataView(NOTHING.buffer);
  #position = 0;
  /** Where the payload ends. */
  #end = 0;
  /** Where `#out` is written; there is room for whatever is left of the payload. */
  #bytes: Uint8Array;
  #view: DataView;
  #to = 0;

  constructor(out: JsonBuffer) {
    this.#out = out;
    this.#bytes = out.bytes;
    this.#view = out.view;
  }

  /** See {@linkcode writeStruct}. */
  write(payload: Payload): void {
    const out = this.#out;
    const start = out.length;
    try {
      this.#begin(payload);
      this.#writeStruct(payload.end, 0);
      out.length = this.#to;
    } catch (thrown) {
      out.length = start;
      if (thrown !== UNUSUAL) throw thrown;
      // A copy, for no decoder of text reads memory that threads share.
      writeStructGenerically(payloadOf(payload).slice(), out);
    }
  }

  #begin({ message, start, end }: Payload): void {
    if (message !== this.#source) {
      const { buffer, byteOffset, byteLength } = message;
      this.#source = message;
      this.#words = new DataView(buffer, byteOffset, byteLength);
    }
    this.#position = start;
    this.#end = end;
    this.#to = this.#out.length;
    this.#makeRoom(roomFor(end - start));
  }

  #makeRoom(count: number): void {
    const out = this.#out;
    out.length = this.#to;
    out.reserve(count);
    this.#bytes = out.bytes;
    this.#view = out.view;
  }

  #writeStruct(end: number, depth: number): void {
    checkDepth(depth);
    this.#push(OPEN_BRACE);
    for (let first = true; this.#position < end; first = false) {
      if (!first) this.#push(COMMA);
      this.#expect(TAG_STRUCT_FIELD);
      const entryEnd = this.#lengthWithin(end);
      this.#expect(TAG_ENTRY_KEY);
      this.#writeString(this.#lengthWithin(entryEnd));
      this.#push(COLON);
      this.#expect(TAG_ENTRY_VALUE);
      const valueEnd = this.#lengthWithin(entryEnd);
      if (valueEnd !== entryEnd) throw UNUSUAL;
      this.#writeValue(valueEnd, depth);
    }
    this.#push(CLOSE_BRACE);
  }

  #writeList(end: number, depth: number): void {
    checkDepth(depth);
    this.#push(OPEN_BRACKET);
    for (let first = true; this.#position < end; first = false) {
      if (!first) this.#push(COMMA);
      this.#expect(TAG_LIST_VALUE);
      this.#writeValue(this.#lengthWithin(end), depth);
    }
    this.#push(CLOSE_BRACKET);
  }

  #writeValue(end: number, depth: number): void {
    // A Value without a kind: not allowed, and nothing but null comes close.
    if (this.#position === end) return this.#pushWord(WORD_NULL);
    switch (this.#source[this.#position++]) {
      case TAG_STRING:
        this.#writeString(this.#lengthWithin(end));
        break;
      case TAG_NUMBER:
        this.#writeNumber(end);
        break;
      case TAG_BOOL:
        if (this.#varint() !== 0) {
          this.#pushWord(WORD_TRUE);
        } else {
          this.#pushWord(WORD_FALS);
          this.#push(LETTER_E);
        }
        break;
      case TAG_STRUCT:
        this.#writeStruct(this.#lengthWithin(end), depth + 1);
        break;
      case TAG_LIST:
        this.#writeList(this.#lengthWithin(end), depth + 1);
        break;
      case TAG_NULL:
        this.#varint();
        this.#pushWord(WORD_NULL);
        break;
      default:
        throw UNUSUAL;
    }
    if (this.#position !== end) throw UNUSUAL;
  }

  #writeNumber(end: number): void {
    if (this.#position + 8 > end) throw UNUSUAL;
    const value = this.#words.getFloat64(this.#position, true);
    this.#position += 8;
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
    const bytes = this.#bytes;
    let rest = Math.abs(value);
    let digits = 1;
    for (let limit = 10; limit <= rest; limit *= 10) digits++;
    if (value < 0) this.#push(MINUS);
    for (let i = this.#to + digits - 1; i >= this.#to; i--) {
      const tenth = Math.floor(rest / 10);
      bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#to += digits;
  }

  #writeAscii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#push(text.charCodeAt(i));
  }

  /** Copies a string, four bytes at a time where none of them is escaped. */
  #writeString(end: number): void {
    const source = this.#source;
    const words = this.#words;
    const start = this.#position;
    const outStart = this.#to;
    let bytes = this.#bytes;
    let view = this.#view;
    let from = start;
    let to = outStart;
    let seen = 0;
    bytes[to++] = QUOTE;
    while (from < end) {
      if (from + 4 <= end) {
        const word = words.getInt32(from, true);
        if (isPlain(word)) {
          view.setInt32(to, word, true);
          seen |= word;
          from += 4;
          to += 4;
          continue;
        }
      }
      const byte = source[from++]!;
      seen |= byte;
      if (PLAIN[byte] === 1) {
        bytes[to++] = byte;
        continue;
      }
      const room = ESCAPE_BYTES + roomFor(this.#end - from);
      if (to + room > bytes.length) {
        this.#to = to;
        this.#makeRoom(room);
        bytes = this.#bytes;
        view = this.#view;
      }
      const letter = SHORT_ESCAPE[byte]!;
      bytes[to++] = BACKSLASH;
      if (letter !== 0) {
        bytes[to++] = letter;
      } else {
        bytes[to++] = LETTER_U;
        bytes[to++] = ZERO;
        bytes[to++] = ZERO;
        bytes[to++] = HEX_DIGITS[byte >> 4]!;
        bytes[to++] = HEX_DIGITS[byte & 15]!;
      }
    }
    this.#position = end;
    if ((seen & HIGH_BITS) !== 0 && !isUtf8(source, start, end)) {
      this.#to = outStart;
      return this.#writeInvalidUtf8(start, end);
    }
    bytes[to++] = QUOTE;
    this.#to = to;
  }

  #writeInvalidUtf8(start: number, end: number): void {
    const text = decoder.decode(this.#source.slice(start, end));
    const json = encoder.encode(JSON.stringify(text));
    this.#makeRoom(json.length + roomFor(this.#end - end));
    this.#bytes.set(json, this.#to);
    this.#to += json.length;
  }

  #push(byte: number): void {
    this.#bytes[this.#to++] = byte;
  }

  #pushWord(word: number): void {
    this.#view.setInt32(this.#to, word, true);
    this.#to += 4;
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

/** Bytes of JSON that the next `count` bytes of the wire may make. */
function roomFor(count: number): number {
  return MOST_BYTES_PER_BYTE * count + SLACK_BYTES;
}

/**
 * Whether none of four bytes is a control character, a quote or a backslash: the
 * differences have the high bit of the first one that is, and none where none is.
 */
function isPlain(word: number): boolean {
  const found = word - SPACES | (word ^ QUOTES) - ONES |
    (word ^ BACKSLASHES) - ONES;
  return (found & ~word & HIGH_BITS) === 0;
}

/** Whether the bytes are valid UTF-8 (RFC 3629). */
function isUtf8(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const length = source[at]! < 0x80 ? 1 : utf8Length(source, at, end);
    if (length === 0) return false;
    at += length;
  }
  return true;
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
