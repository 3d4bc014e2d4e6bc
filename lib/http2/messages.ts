/**
 * Messages of gRPC, put together from what frames of HTTP/2 bring.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { takeMemory } from "../own_memory.ts";

/** Whether a message is compressed, and its length. */
const HEADER_BYTES = 5;
/** Nobody waits for a message that is larger: it is handed on as it comes. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Puts together what is handed on, each time in memory of its own that nobody else
 * looks at: whole messages with their headers, one or several.
 */
export class Messages {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** The message that is not complete; its header is there once it is known. */
  #message: Buffer = EMPTY;
  #filled = 0;
  /** Of a message that is too large, bytes that are still to come. */
  #passing = 0;
  #begun: ((bytes: number) => void) | undefined;

  /**
   * @param begun Is told, once, of the first message that does not come in one part:
   * its size, with its header
   */
  constructor(begun?: (bytes: number) => void) {
    this.#begun = begun;
  }

  /** Of the message that is not complete, bytes that are still to come, if known. */
  get missing(): number {
    return this.#message.length - this.#filled;
  }

  /** Whether a message has begun, its header at least, and is not complete. */
  get isPartial(): boolean {
    return this.#headerBytes > 0 || this.#passing > 0 || this.missing > 0;
  }

  /** Takes a part of a frame's data, and calls back with what is complete. */
  add(part: Uint8Array, complete: (bytes: Buffer) => void): void {
    let at = 0;
    while (at < part.length) {
      if (this.#passing > 0) {
        const taken = Math.min(this.#passing, part.length - at);
        complete(copyOf(part.subarray(at, at + taken)));
        this.#passing -= taken;
        at += taken;
      } else if (this.#message === EMPTY) {
        const end = this.#endOfWhole(part, at);
        if (end > at) complete(copyOf(part.subarray(at, end)));
        at = this.#begin(part, end, complete);
      } else {
        const taken = Math.min(this.missing, part.length - at);
        this.#message.set(part.subarray(at, at + taken), this.#filled);
        this.#filled += taken;
        at += taken;
        if (this.missing === 0) this.#finish(complete);
      }
    }
  }

  /** Where the messages end that are whole within the part. */
  #endOfWhole(part: Uint8Array, from: number): number {
    if (this.#headerBytes > 0) return from;
    let end = from;
    while (part.length - end >= HEADER_BYTES) {
      const next = end + HEADER_BYTES + lengthIn(part, end);
      if (next > part.length) break;
      end = next;
    }
    return end;
  }

  /** Returns how far the header of the next message was read. */
  #begin(
    part: Uint8Array,
    from: number,
    complete: (bytes: Buffer) => void,
  ): number {
    const taken = Math.min(
      HEADER_BYTES - this.#headerBytes,
      part.length - from,
    );
    this.#header.set(part.subarray(from, from + taken), this.#headerBytes);
    this.#headerBytes += taken;
    if (this.#headerBytes < HEADER_BYTES) return from + taken;
    this.#headerBytes = 0;
    const length = lengthIn(this.#header, 0);
    this.#begun?.(HEADER_BYTES + length);
    this.#begun = undefined;
    if (length > MAX_BYTES) {
      complete(copyOf(this.#header));
      this.#passing = length;
      return from + taken;
    }
    this.#message = takeMemory(HEADER_BYTES + length);
    this.#message.set(this.#header);
    this.#filled = HEADER_BYTES;
    if (length === 0) this.#finish(complete);
    return from + taken;
  }

  #finish(complete: (bytes: Buffer) => void): void {
    const message = this.#message;
    this.#message = EMPTY;
    this.#filled = 0;
    complete(message);
  }
}

const EMPTY = Buffer.alloc(0);

/** The first byte of the header is the flag. */
function lengthIn(bytes: Uint8Array, at: number): number {
  return (((bytes[at + 1] ?? 0) << 24) | ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0)) >>> 0;
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = takeMemory(bytes.length);
  copy.set(bytes);
  return copy;
}
