/**
 * Frees what a connection brought as soon as nobody looks at it any longer.
 *
 * A page of the audit log comes three times: decrypted, as the data of HTTP/2
 * frames, and as a message of gRPC, which is put together from these.
 *
 * @module
 */

import type { Readable } from "node:stream";
import { freeMemory } from "../free_memory.ts";

/** Whether a message is compressed, and its length. */
const HEADER_BYTES = 5;

/** Frees each chunk behind those who listen by now: they keep copies, if any. */
export function freeWhenRead(readable: Readable): void {
  readable.on("data", free);
}

/**
 * Frees the chunks of a gRPC stream once the messages that they hold a part of are
 * complete, behind those who listen by now. grpc-js puts each message together by
 * copying, in `stream-decoder.js`, and looks at its chunks until then.
 */
export function freeWhenDecoded(readable: Readable): void {
  const messages = new MessageBounds();
  /** Chunks of the message that is not complete. */
  let chunks: Uint8Array[] = [];
  readable.on("data", (chunk: Uint8Array) => {
    if (messages.read(chunk)) {
      chunks.forEach(free);
      chunks = [];
    }
    if (messages.isBetween) free(chunk);
    else chunks.push(chunk);
  });
}

/** Where the messages of a gRPC stream begin and end. */
class MessageBounds {
  #headerBytes = 0;
  #length = 0;
  /** Of the message's content, bytes that are still to come. */
  #missing = 0;

  /** Whether no message is begun. */
  get isBetween(): boolean {
    return this.#headerBytes === 0;
  }

  /** Returns whether a message ended within the chunk. */
  read(chunk: Uint8Array): boolean {
    let ended = false;
    for (let at = 0; at < chunk.length;) {
      if (this.#headerBytes < HEADER_BYTES) {
        // The first byte is the flag, and is shifted out.
        this.#length = (this.#length << 8 | (chunk[at] ?? 0)) >>> 0;
        at++;
        if (++this.#headerBytes < HEADER_BYTES) continue;
        this.#missing = this.#length;
      }
      const read = Math.min(this.#missing, chunk.length - at);
      this.#missing -= read;
      at += read;
      if (this.#missing > 0) break;
      this.#headerBytes = 0;
      ended = true;
    }
    return ended;
  }
}

/** Only where nothing else is in that memory. */
function free(chunk: Uint8Array): void {
  if (chunk.buffer.byteLength === chunk.length) freeMemory(chunk);
}
