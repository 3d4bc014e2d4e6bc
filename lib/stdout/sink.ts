/**
 * A dry run: events as JSON lines on standard output.
 *
 * @module
 */

import { describe, GaveUpError } from "../errors.ts";
import type { AuditEvent, Destination } from "../event.ts";
import { fitting } from "../pipeline/fitting.ts";
import type { Sink } from "../pipeline/ports.ts";
import { Slots } from "../pipeline/slots.ts";
import { printableLines } from "../printable.ts";
import { encodeEvents, JSON_LINES } from "../struct/encode_events.ts";
import { PayloadBlock } from "../struct/payload_block.ts";
import { abortable } from "../vendor/async.ts";

const LIMITS = { maxEvents: Infinity, maxBytes: 1024 * 1024 };

/** Writes events somewhere, one JSON object a line. */
export class StdoutSink implements Sink {
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  readonly #isTerminal: boolean;
  readonly #block = new PayloadBlock();
  /** One request writes at a time: its lines, and the memory they are in, are whole. */
  readonly #turn = new Slots(1);

  /**
   * @param write Writes some of the bytes, at least one, and resolves with how many.
   *   Where nobody reads, that may take for ever, and must not hold up anything else
   * @param isTerminal Whether a person reads it there: what commands a terminal is
   *   escaped, which is the same JSON
   */
  constructor(
    write: (bytes: Uint8Array) => Promise<number>,
    { isTerminal = false }: { readonly isTerminal?: boolean } = {},
  ) {
    this.#write = write;
    this.#isTerminal = isTerminal;
  }

  /**
   * See `Sink.send`.
   *
   * @throws {GaveUpError} where not everything can be written: half a line may be
   * out, and whoever read it is gone
   */
  async send(
    _destination: Destination,
    events: readonly AuditEvent[],
    kill: AbortSignal,
  ): Promise<number> {
    await this.#turn.acquire(kill);
    return await abortable(this.#print(events), kill);
  }

  async #print(events: readonly AuditEvent[]): Promise<number> {
    try {
      const packed = this.#block.pack(events, fitting(events, LIMITS).count);
      const { count, json } = encodeEvents(packed, {
        framing: JSON_LINES,
        limits: LIMITS,
      });
      await this.#writeAll(this.#isTerminal ? escaped(json) : json);
      return count;
    } finally {
      this.#turn.release();
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < bytes.length;) {
        written += await this.#write(bytes.subarray(written));
      }
    } catch (cause) {
      throw new GaveUpError(
        `cannot write to standard output: ${describe(cause)}`,
        { cause },
      );
    }
  }

  close(): void {}
}

/** JSON lines whose strings, which others have chosen, do nothing to a terminal. */
function escaped(json: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(json);
  return new TextEncoder().encode(printableLines(text));
}
