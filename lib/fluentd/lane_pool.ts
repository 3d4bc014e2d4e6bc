/**
 * The connections to one host, each with the buffer its requests are written to.
 *
 * @module
 */

import { Slots } from "../pipeline/slots.ts";
import { JsonBuffer } from "../struct/json_buffer.ts";
import type { Lane } from "./lane.ts";

/** A connection and its request buffer. */
export interface PooledLane {
  readonly lane: Lane;
  readonly buffer: JsonBuffer;
}

/** A bounded number of lanes; who comes first is served first. */
export class LanePool {
  readonly #slots: Slots;
  readonly #create: () => Lane;
  readonly #idle: PooledLane[] = [];
  readonly #all: PooledLane[] = [];

  constructor(size: number, create: () => Lane) {
    this.#slots = new Slots(size);
    this.#create = create;
  }

  /** Resolves with a lane of one's own; rejects with `signal.reason` once aborted. */
  async acquire(signal: AbortSignal): Promise<PooledLane> {
    await this.#slots.acquire(signal);
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const lane = { lane: this.#create(), buffer: new JsonBuffer() };
    this.#all.push(lane);
    return lane;
  }

  /** Gives a lane back. */
  release(lane: PooledLane): void {
    this.#idle.push(lane);
    this.#slots.release();
  }

  /** Closes the connections. */
  close(): void {
    for (const { lane } of this.#all) lane.close();
  }
}
