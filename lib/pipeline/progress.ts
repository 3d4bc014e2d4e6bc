/**
 * How far the pipeline got, in memory.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Position } from "../event.ts";
import type { Checkpoints, PendingRecording } from "./ports.ts";

/** What is kept of a run. */
export interface Snapshot {
  readonly position: Position;
  readonly recordings: Readonly<Record<string, PendingRecording>>;
  /** Who is locked for which failed logins (see `FailedLogins.locked`), if anybody is. */
  readonly locks?: Readonly<Record<string, number>>;
}

/** The position and the pending recordings; somebody else may keep them on disk. */
export class Progress implements Checkpoints {
  readonly #recordings: Map<string, PendingRecording>;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #position: Position;
  #locks: Readonly<Record<string, number>>;

  constructor(
    from: Snapshot,
    options: { clock: Clock; onChange: () => void },
  ) {
    this.#position = from.position;
    this.#recordings = new Map(Object.entries(from.recordings));
    this.#locks = from.locks ?? {};
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  get position(): Position {
    return this.#position;
  }

  get locks(): Readonly<Record<string, number>> {
    return this.#locks;
  }

  recordings(): ReadonlyMap<string, PendingRecording> {
    return this.#recordings;
  }

  snapshot(): Snapshot {
    return {
      position: this.#position,
      recordings: Object.fromEntries(this.#recordings),
      ...Object.keys(this.#locks).length > 0 && { locks: this.#locks },
    };
  }

  advance(position: Position, announced: readonly string[]): void {
    if (position === this.#position && announced.length === 0) return;
    this.#position = position;
    const sinceMs = this.#clock.now();
    for (const sessionId of announced) {
      if (this.#recordings.has(sessionId)) continue;
      this.#recordings.set(sessionId, {
        index: 0,
        count: 0,
        attempts: 0,
        sinceMs,
        notBeforeMs: 0,
        lastError: "",
      });
    }
    this.#onChange();
  }

  updateRecording(sessionId: string, recording: PendingRecording): void {
    this.#recordings.set(sessionId, recording);
    this.#onChange();
  }

  updateLocks(locks: Readonly<Record<string, number>>): void {
    this.#locks = locks;
    this.#onChange();
  }

  finishRecording(sessionId: string): void {
    if (this.#recordings.delete(sessionId)) this.#onChange();
  }
}
