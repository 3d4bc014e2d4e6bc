/**
 * The Huffman code of HPACK, RFC 7541, section 5.2 and appendix B.
 *
 * @module
 */

import { ErrorCode, Http2Error } from "./errors.ts";

/**
 * Bits of each byte's code, and of the end of the string. The code is canonical:
 * codes of one length are numbered in the order of what they stand for.
 */
// deno-fmt-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const END_OF_STRING = 256;
const LONGEST = 30;
/** What is left of the last byte is filled with fewer bits than this, all ones. */
const PADDING_BITS = 8;

/** Codes of one length. */
interface Row {
  readonly firstCode: number;
  /** What the codes stand for, in the order of the codes. */
  readonly symbols: readonly number[];
}

const ROWS: readonly Row[] = rows();

function rows(): Row[] {
  const rows: Row[] = [];
  let code = 0;
  for (let length = 0; length <= LONGEST; length++) {
    const symbols = [...LENGTHS.keys()]
      .filter((symbol) => LENGTHS[symbol] === length);
    code *= 2;
    rows.push({ firstCode: code, symbols });
    code += symbols.length;
  }
  return rows;
}

/**
 * Decodes a string, each byte of which becomes one character.
 *
 * @throws {Http2Error}
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + (byte >> bit & 1);
      length++;
      const row = ROWS[length];
      if (row === undefined) throw invalid();
      const symbol = row.symbols[code - row.firstCode];
      if (symbol === undefined) continue;
      if (symbol === END_OF_STRING) throw invalid();
      text += String.fromCharCode(symbol);
      code = 0;
      length = 0;
    }
  }
  if (length >= PADDING_BITS || code !== 2 ** length - 1) throw invalid();
  return text;
}

function invalid(): Http2Error {
  return new Http2Error(
    "a header is not in the Huffman code",
    ErrorCode.COMPRESSION_ERROR,
  );
}
