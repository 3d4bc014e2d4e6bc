/**
 * Events that a receiver refused for good: set aside in the state directory, as
 * JSON lines that a person can read and a later run can send again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import {
  AUDIT,
  type AuditEvent,
  type Destination,
  payloadOf,
} from "../event.ts";
import type { Quarantine } from "../pipeline/deliver.ts";
import type { Json } from "../struct/encode_struct.ts";
import { MalformedStructError } from "../struct/malformed_struct.ts";
import { structJson } from "../struct/struct_json.ts";
import { appendLine } from "./append_line.ts";
import { isTemporary, syncDirectory } from "./atomic_write.ts";
import { StateError } from "./document.ts";
import { DIRECTORY_MODE } from "./owner_only.ts";

const MAX_BYTES = 1024 ** 3;

/** Where the files are. */
export function rejectedDirectory(stateDirectory: string): string {
  return join(stateDirectory, "rejected");
}

/**
 * What is kept of a refused event, or of one that could not be read: one line, and
 * the event's own JSON within it.
 */
export interface RejectedEvent {
  /** When it was set aside: RFC 3339. */
  readonly time: string;
  readonly reason: string;
  readonly destination: Destination;
  readonly type: string;
  readonly id: string;
  /** The event as JSON; of a payload that is no Struct, its bytes in base64. */
  readonly event?: Json;
  readonly payload?: string;
  /** Of an event that could not be read, where it is: RFC 3339. */
  readonly between?: readonly [from: string, to: string];
}

/** One file a day, below the state directory. */
export class RejectedEvents implements Quarantine {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #bytes: number | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(
    stateDirectory: string,
    options: { clock: Clock; maxBytes?: number },
  ) {
    this.#directory = rejectedDirectory(stateDirectory);
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /**
   * Resolves once the event is safely on disk.
   *
   * @throws {StateError} where it cannot be, or the directory would grow past its limit
   */
  setAside(
    event: AuditEvent,
    destination: Destination,
    reason: string,
  ): Promise<void> {
    const time = this.#time();
    return this.#append(formatLine(event, { time, reason, destination }), time);
  }

  /**
   * Notes that an event, at least, of a range of time could not be read. Resolves
   * once that is safely on disk.
   *
   * @throws {StateError} as `setAside` does
   */
  noteLeftOut(
    { startMs, endMs }: { startMs: number; endMs: number },
    reason: string,
  ): Promise<void> {
    const time = this.#time();
    const from = new Date(startMs).toISOString();
    const note: RejectedEvent = {
      time,
      reason,
      destination: AUDIT,
      type: "",
      id: `left-out-${from}`,
      between: [from, new Date(endMs).toISOString()],
    };
    const line = new TextEncoder().encode(JSON.stringify(note) + "\n");
    return this.#append(line, time);
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #append(line: Uint8Array, time: string): Promise<void> {
    // One after the other, whether the one before failed or not.
    const append = () => this.#write(line, time.slice(0, 10));
    this.#last = this.#last.then(append, append);
    return this.#last;
  }

  async #write(line: Uint8Array, day: string): Promise<void> {
    const path = join(this.#directory, `${day}.jsonl`);
    try {
      await Deno.mkdir(this.#directory, {
        recursive: true,
        mode: DIRECTORY_MODE,
      });
      this.#bytes ??= await sizeOf(this.#directory);
      if (this.#bytes + line.length > this.#maxBytes) {
        throw new Error(
          `there is no room left: ${this.#maxBytes} bytes are set aside already; ` +
            "find out why events are refused, then send them again or drop them",
        );
      }
      await appendLine(path, line);
      await syncDirectory(this.#directory);
      this.#bytes += line.length;
    } catch (cause) {
      throw new StateError(
        `cannot set a refused event aside in ${path}: ${describe(cause)}`,
        { cause },
      );
    }
  }
}

function formatLine(
  event: AuditEvent,
  about: Pick<RejectedEvent, "time" | "reason" | "destination">,
): Uint8Array {
  const payload = payloadOf(event);
  const head = JSON.stringify({ ...about, type: event.type, id: event.id })
    .slice(0, -1);
  try {
    const json = structJson(payload);
    return Buffer.concat([
      Buffer.from(`${head},"event":`),
      json,
      Buffer.from("}\n"),
    ]);
  } catch (error) {
    if (!(error instanceof MalformedStructError)) throw error;
    const base64 = Buffer.from(payload).toString("base64");
    return Buffer.from(`${head},"payload":"${base64}"}\n`);
  }
}

/** Of what is set aside. What a crash left of a list that was written anew is removed. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isTemporary(name)) await Deno.remove(path);
    else bytes += (await Deno.stat(path)).size;
  }
  return bytes;
}
