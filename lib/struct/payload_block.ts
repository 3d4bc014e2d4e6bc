/**
 * The payloads of one request, together, in memory that threads share.
 *
 * First come where each of them begins and ends, as 32-bit numbers, then the
 * bytes of the messages that they are in.
 *
 * @module
 */

import type { Payload } from "../event.ts";

const INITIAL_BYTES = 64 * 1024;
/**
 * What lies between two payloads of a page, the envelope of the second one, is
 * copied along with them where it is no longer: one large copy beats two.
 */
const MAX_GAP_BYTES = 512;
/**
 * V8 copies to and from shared memory by words where both sides are at the same
 * place within one, and byte by byte otherwise (`Relaxed_Memcpy`).
 */
const WORD_BYTES = 8;

/** Payloads that are in a block. */
export interface PackedPayloads {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
}

/** Memory that is written to, read by the other thread, and written over again. */
export class PayloadBlock {
  #memory = new SharedArrayBuffer(INITIAL_BYTES);
  #bytes = new Uint8Array(this.#memory);

  /** Writes the leading payloads over what was there: valid until the next call. */
  pack(
    payloads: readonly Payload[],
    count = payloads.length,
  ): PackedPayloads {
    const places = new Uint32Array(2 * count);
    let length = places.byteLength;
    for (let first = 0; first < count;) {
      const end = endOfRun(payloads, first, count);
      const from = payloads[first]?.start ?? 0;
      const to = payloads[end - 1]?.end ?? from;
      const { message } = payloads[first] ?? { message: this.#bytes };
      length = alignedWith(message.byteOffset + from, length);
      this.#reserve(length + to - from, length);
      this.#bytes.set(message.subarray(from, to), length);
      for (let i = first; i < end; i++) {
        const { start, end } = payloads[i] ?? { start: from, end: from };
        places[2 * i] = length + start - from;
        places[2 * i + 1] = length + end - from;
      }
      length += to - from;
      first = end;
    }
    new Uint32Array(this.#memory, 0, places.length).set(places);
    return { memory: this.#memory, count };
  }

  /** Makes it so large, at least; the first `used` bytes stay. */
  #reserve(length: number, used: number): void {
    if (length <= this.#bytes.length) return;
    const before = this.#bytes.subarray(0, used);
    this.#memory = new SharedArrayBuffer(
      Math.max(length, 2 * this.#bytes.length),
    );
    this.#bytes = new Uint8Array(this.#memory);
    this.#bytes.set(before);
  }
}

/** Where each payload begins and ends: 32-bit numbers, of `memory`, in pairs. */
export function placesIn({ memory, count }: PackedPayloads): Uint32Array {
  return new Uint32Array(memory, 0, 2 * count);
}

/** A copy of one payload: no decoder of text reads memory that threads share. */
export function payloadIn(packed: PackedPayloads, index: number): Uint8Array {
  const places = placesIn(packed);
  return new Uint8Array(packed.memory)
    .slice(places[2 * index], places[2 * index + 1]);
}

/** The first place from `least` on that is as far into a word as `place` is. */
export function alignedWith(place: number, least: number): number {
  return least + (place - least & WORD_BYTES - 1);
}

/** Behind the last of the payloads that are copied together with the one at `first`. */
function endOfRun(
  payloads: readonly Payload[],
  first: number,
  count: number,
): number {
  let last = payloads[first];
  let end = first + 1;
  for (; end < count; end++) {
    const next = payloads[end];
    if (next === undefined || next.message !== last?.message) break;
    const gap = next.start - last.end;
    if (gap < 0 || gap > MAX_GAP_BYTES) break;
    last = next;
  }
  return end;
}
