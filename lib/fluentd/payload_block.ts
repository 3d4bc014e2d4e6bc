/**
 * The payloads of one request in memory that two threads share.
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

/** Payloads that are in a block. */
export interface PackedPayloads {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
}

/** Memory that is written to, read by the other thread, and written over again. */
export class PayloadBlock {
  #memory = new SharedArrayBuffer(INITIAL_BYTES);
  #bytes = new Uint8Array(this.#memory);

  /** Writes the payloads over what was there: valid until the next call. */
  pack(payloads: readonly Payload[]): PackedPayloads {
    const count = payloads.length;
    const places = new Uint32Array(2 * count);
    let length = places.byteLength;
    this.#reserve(length, 0);
    for (let first = 0; first < count;) {
      const end = endOfRun(payloads, first);
      const from = payloads[first]?.start ?? 0;
      const to = payloads[end - 1]?.end ?? from;
      this.#reserve(length + to - from, length);
      const { message } = payloads[first] ?? { message: this.#bytes };
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

/** What was packed. */
export function unpack({ memory, count }: PackedPayloads): Payload[] {
  const message = new Uint8Array(memory);
  const places = new Uint32Array(memory, 0, 2 * count);
  return Array.from({ length: count }, (_, i) => ({
    message,
    start: places[2 * i] ?? 0,
    end: places[2 * i + 1] ?? 0,
  }));
}

/** Behind the last of the payloads that are copied together with the one at `first`. */
function endOfRun(payloads: readonly Payload[], first: number): number {
  let last = payloads[first];
  let end = first + 1;
  for (; end < payloads.length; end++) {
    const next = payloads[end];
    if (next === undefined || next.message !== last?.message) break;
    const gap = next.start - last.end;
    if (gap < 0 || gap > MAX_GAP_BYTES) break;
    last = next;
  }
  return end;
}
