/**
 * A dry run: events as JSON lines on standard output.
 *
 * @module
 */

import { describe, GaveUpError } from "../errors.ts";
import type { AuditEvent, Destination } from "../event.ts";
import { fitting } from "../pipeline/fitting.ts";
import type { Sink } from "../pipeline/ports.ts";
import { encodeEvents, JSON_LINES } from "../struct/encode_events.ts";
import { PayloadBlock } from "../struct/payload_block.ts";

const LIMITS = { maxEvents: Infinity, maxBytes: 1024 * 1024 };

/** Writes events somewhere, one JSON object a line. */
export class StdoutSink implements Sink {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #block = new PayloadBlock();

  /** @param write Writes some of the bytes, at least one, and returns how many */
  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write;
  }

  /**
   * See `Sink.send`.
   *
   * @throws {GaveUpError} where not everything can be written: half a line may be
   * out, and whoever read it is gone
   */
  // deno-lint-ignore require-await
  async send(
    _destination: Destination,
    events: readonly AuditEvent[],
  ): Promise<number> {
    const packed = this.#block.pack(events, fitting(events, LIMITS).count);
    const { count, json } = encodeEvents(packed, {
      framing: JSON_LINES,
      limits: LIMITS,
    });
    try {
      for (let written = 0; written < json.length;) {
        written += this.#write(json.subarray(written));
      }
    } catch (cause) {
      throw new GaveUpError(
        `cannot write to standard output: ${describe(cause)}`,
        { cause },
      );
    }
    return count;
  }

  close(): void {}
}
