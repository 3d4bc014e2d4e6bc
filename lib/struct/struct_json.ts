/**
 * Writes JSON from the bytes of `google.protobuf.Struct`s, without an object or a
 * string per event: the hot path of the program.
 *
 * What encoders write is left to WebAssembly (`assembly/struct_json.ts`), sixteen
 * bytes at a time. What is written otherwise may be legal all the same and takes
 * the generic way (`struct_json_generic.ts`), which also tells what is no Struct.
 *
 * @module
 */

import { wholePayload } from "../event.ts";
import { MalformedStructError } from "./malformed_struct.ts";
import {
  alignedWith,
  type PackedPayloads,
  PayloadBlock,
  payloadIn,
  placesIn,
} from "./payload_block.ts";
import { end, freeMemory, isFull, memory, write } from "./struct_json.wasm";
import { structJsonGenerically } from "./struct_json_generic.ts";

/** What stands before, between and behind the objects: one ASCII character, or "". */
export interface Framing {
  readonly open: string;
  readonly separator: string;
  readonly close: string;
}

/** How much fits. */
export interface Limits {
  /** At least one. */
  readonly maxEvents: number;
  /** Framing included; the first object is taken even where it alone exceeds this. */
  readonly maxBytes: number;
}

/** What was written, and of how many payloads. */
export interface WrittenStructs {
  readonly count: number;
  /** UTF-8. What it is a view of is written over by the next call. */
  readonly json: Uint8Array<ArrayBuffer>;
}

const PAGE_BYTES = 64 * 1024;
/** Every byte of a payload makes at most so many of JSON: control characters do. */
const MOST_BYTES_PER_BYTE = 6;
/** Braces and a separator. */
const MOST_BYTES_AROUND = 3;
/** What is read behind the payloads, and written behind the JSON. */
const SLACK_BYTES = 16;
/** From where one payload begins and ends to the next one's: two 32-bit numbers. */
const PLACE_BYTES = 8;
const MAX_ADDRESS = 2 ** 32 - 1;

const NO_FRAMING: Framing = { open: "", separator: "", close: "" };

/** Before the first one are the constants of the WebAssembly. */
const START = Math.ceil(freeMemory() / PLACE_BYTES) * PLACE_BYTES;

/** All of the memory, which is another array each time it has grown. */
let heap = wholeMemory();
const single = new PayloadBlock();

/**
 * The JSON object that `payload`, an encoded Struct, stands for: UTF-8, a view of
 * what the next call writes over.
 *
 * Keys keep the order of the wire. Numbers are written as `JSON.stringify` does,
 * except that -0 keeps its sign; NaN and the infinities, which JSON has not, are
 * written as protojson writes them in doubles: `"NaN"`, `"Infinity"`, `"-Infinity"`.
 * Invalid UTF-8 becomes U+FFFD.
 *
 * @throws {MalformedStructError}
 */
export function structJson(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeStructs(single.pack([wholePayload(payload)]), {
    framing: NO_FRAMING,
    limits: { maxEvents: 1, maxBytes: 0 },
  }).json;
}

/**
 * Writes JSON objects as {@linkcode structJson} does: of the leading payloads, up
 * to the first one that does not fit or is malformed; at least one of a list that
 * is not empty.
 *
 * @throws {MalformedStructError} where the first one is
 */
export function writeStructs(
  payloads: PackedPayloads,
  { framing, limits }: { readonly framing: Framing; readonly limits: Limits },
): WrittenStructs {
  const copied = copy(payloads, Math.min(payloads.count, limits.maxEvents));
  const from = copied.end + SLACK_BYTES;
  const { open, separator, close } = framing;
  const limit = Math.min(from + limits.maxBytes - close.length, MAX_ADDRESS);
  let to = push(open, from);
  let count = 0;
  while (count < copied.count) {
    count += write(
      copied.count - count,
      START + count * PLACE_BYTES,
      copied.origin,
      to,
      separator.charCodeAt(0) || 0,
      count === 0 ? 1 : 0,
      limit,
    );
    to = end();
    if (isFull() || count === copied.count) break;
    const unusual = generically(payloads, count);
    if (unusual === undefined) break;
    const next = count === 0 ? to : push(separator, to);
    if (count > 0 && next + unusual.length > limit) break;
    reserve(next + unusual.length + roomFor(copied.end - copied.start, count));
    heap.set(unusual, next);
    to = next + unusual.length;
    count++;
  }
  to = push(close, to);
  return { count, json: heap.subarray(from, to) };
}

/** Payloads in the WebAssembly's memory. */
interface Copied {
  readonly count: number;
  /** What their places are relative to. */
  readonly origin: number;
  readonly start: number;
  readonly end: number;
}

/** Copies the leading payloads, with room behind them for their JSON. */
function copy(payloads: PackedPayloads, count: number): Copied {
  const places = placesIn(payloads).subarray(0, 2 * count);
  const from = places[0] ?? 0;
  const to = places.at(-1) ?? from;
  const bytes = new Uint8Array(payloads.memory, from, to - from);
  const start = alignedWith(from, START + count * PLACE_BYTES);
  const end = start + bytes.length;
  reserve(end + SLACK_BYTES + roomFor(bytes.length, count));
  new Uint32Array(heap.buffer, START, places.length).set(places);
  heap.set(bytes, start);
  return { count, origin: start - from, start, end };
}

/** What the JSON of so many payloads, and what is around it, takes at most. */
function roomFor(bytes: number, count: number): number {
  return MOST_BYTES_PER_BYTE * bytes + MOST_BYTES_AROUND * (count + 1) +
    SLACK_BYTES;
}

/** The JSON of an unusual payload; undefined where it has to wait for others. */
function generically(
  payloads: PackedPayloads,
  index: number,
): Uint8Array | undefined {
  try {
    return structJsonGenerically(payloadIn(payloads, index));
  } catch (error) {
    if (error instanceof MalformedStructError && index > 0) return undefined;
    throw error;
  }
}

/** Writes a character or none, and returns what is behind it. */
function push(character: string, to: number): number {
  if (character === "") return to;
  heap[to] = character.charCodeAt(0);
  return to + 1;
}

/** Makes the memory so large, at least. */
function reserve(bytes: number): void {
  if (bytes <= heap.length) return;
  memory.grow(Math.ceil((bytes - heap.length) / PAGE_BYTES));
  heap = wholeMemory();
}

function wholeMemory(): Uint8Array<ArrayBuffer> {
  // Each thread has a memory of its own.
  return new Uint8Array(memory.buffer as ArrayBuffer);
}
