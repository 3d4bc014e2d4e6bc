/**
 * Headers of HTTP/2, RFC 7541, without a table that grows: both ends keep none
 * where a client says `SETTINGS_HEADER_TABLE_SIZE` 0, and the few headers of gRPC
 * are short beside what they announce.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { ErrorCode, Http2Error } from "./errors.ts";
import { decodeHuffman } from "./huffman.ts";

/** A name in lower case, and its value; each character is one byte. */
export type Header = readonly [name: string, value: string];

/** RFC 7541, appendix A; where there is no value, only the name can be meant. */
const STATIC_TABLE: readonly Header[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** A number that does not fit its first byte goes on for at most so many. */
const MAX_NUMBER_BYTES = 4;

/** How a field begins: the bits that tell, and how many are left for a number. */
const INDEXED = { flag: 0x80, bits: 7 };
const WITH_INDEXING = { flag: 0x40, bits: 6 };
const TABLE_SIZE = { flag: 0x20, bits: 5 };
/** Literals without indexing, and never indexed. */
const LITERAL = { flag: 0x00, bits: 4 };
const HUFFMAN = { flag: 0x80, bits: 7 };

/**
 * Encodes headers, each by its name and value: no table is looked into. That there
 * is none is said first, since a peer that allows less than there was has to be told.
 */
export function encodeHeaders(headers: Iterable<Header>): Buffer {
  const parts: Uint8Array[] = [Uint8Array.of(TABLE_SIZE.flag)];
  for (const header of headers) {
    parts.push(Uint8Array.of(LITERAL.flag));
    for (const text of header) {
      const bytes = Buffer.from(text, "latin1");
      parts.push(encodeNumber(bytes.length, HUFFMAN.bits), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** With a first byte whose other bits are 0. */
function encodeNumber(value: number, bits: number): Uint8Array {
  const most = 2 ** bits - 1;
  if (value < most) return Uint8Array.of(value);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes.push(rest % 0x80 + 0x80);
  }
  return Uint8Array.from([...bytes, rest]);
}

/**
 * Decodes what headers a frame holds, or several of them together.
 *
 * @throws {Http2Error} also where it wants a table of more than no bytes
 */
export function decodeHeaders(block: Uint8Array): Header[] {
  const headers: Header[] = [];
  const reader = new Reader(block);
  while (!reader.atEnd) {
    const first = reader.peek();
    if (first & INDEXED.flag) {
      headers.push(staticHeader(reader.number(INDEXED.bits)));
    } else if (first & WITH_INDEXING.flag) {
      headers.push(reader.literal(WITH_INDEXING.bits));
    } else if (first & TABLE_SIZE.flag) {
      if (reader.number(TABLE_SIZE.bits) > 0) throw invalid("a larger table");
    } else {
      headers.push(reader.literal(LITERAL.bits));
    }
  }
  return headers;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw invalid("half a header");
    return byte;
  }

  /** In that many bits of the next byte, and in more bytes where these do not do. */
  number(bits: number): number {
    const most = 2 ** bits - 1;
    let value = this.#next() & most;
    if (value < most) return value;
    for (let place = 0; place < MAX_NUMBER_BYTES; place++) {
      const byte = this.#next();
      value += (byte & 0x7f) * 0x80 ** place;
      if (byte < 0x80) return value;
    }
    throw invalid("too large a number");
  }

  literal(bits: number): Header {
    const index = this.number(bits);
    const name = index === 0 ? this.#text() : staticHeader(index)[0];
    return [name, this.#text()];
  }

  #text(): string {
    const isHuffman = (this.peek() & HUFFMAN.flag) !== 0;
    const length = this.number(HUFFMAN.bits);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw invalid("half a header");
    this.#at += length;
    return isHuffman
      ? decodeHuffman(bytes)
      : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

function staticHeader(index: number): Header {
  const header = STATIC_TABLE[index - 1];
  if (header === undefined) {
    throw invalid("a header of a table that is not kept");
  }
  return header;
}

function invalid(what: string): Http2Error {
  return new Http2Error(
    `${what} among the headers`,
    ErrorCode.COMPRESSION_ERROR,
  );
}
