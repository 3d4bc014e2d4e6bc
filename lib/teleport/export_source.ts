/**
 * The audit log by bulk export: day by day, each in chunks, several of them at
 * once.
 *
 * @module
 */

import { isAbort } from "../errors.ts";
import type { AuditEvent, Batch, ExportPosition } from "../event.ts";
import type { Source } from "../pipeline/ports.ts";
import { isBefore } from "./audit_event.ts";
import {
  ExportDays,
  type ExportDaysOptions,
  type Offer,
} from "./export_days.ts";
import { move } from "./export_position.ts";
import { Handoff } from "./handoff.ts";

/** What bulk export needs of its surroundings. */
export interface ExportSourceOptions extends ExportDaysOptions {
  /** Only these event types; all where empty. The server knows no such filter. */
  readonly types: readonly string[];
  /** Events before it are left out: RFC 3339, UTC. Chunks hold whole days. */
  readonly startTime: string;
}

/** Reads the audit log by bulk export. */
export class ExportSource implements Source<ExportPosition> {
  readonly #options: ExportSourceOptions;
  readonly #startMs: number;
  readonly #types: ReadonlySet<string>;

  constructor(options: ExportSourceOptions) {
    this.#options = options;
    this.#startMs = Date.parse(options.startTime);
    this.#types = new Set(options.types);
  }

  /**
   * See `Source.read`. Batches of several chunks come in turns; each carries the
   * position with all that was yielded before, so that one line of them is kept in
   * order as pages are. Chunks, and the events in them, are in no order of time.
   */
  async *read(
    from: ExportPosition,
    stop: AbortSignal,
  ): AsyncGenerator<Batch<ExportPosition>> {
    const abandon = new AbortController();
    const signal = AbortSignal.any([stop, abandon.signal]);
    const steps = new Handoff<Offer>(signal);
    let position = from;
    const newest = () => position.newest;
    const days = new ExportDays(from, this.#options, { steps, signal, newest });
    const reading = days.read();
    try {
      while (true) {
        const step = await steps.take();
        if (step.kind === "caught up") {
          const { askedMs, last } = step;
          yield { events: [], position, more: false, askedMs };
          if (last) return;
          continue;
        }
        const moved = move(position, step);
        position = moved.position;
        const events = this.#wanted(moved.events);
        const release = step.kind === "events" ? step.release : undefined;
        yield { events, position, more: true, release };
      }
    } catch (error) {
      if (!isAbort(error, stop)) throw error;
    } finally {
      abandon.abort();
      await reading;
    }
  }

  #wanted(events: readonly AuditEvent[]): readonly AuditEvent[] {
    const isWanted = (event: AuditEvent) =>
      !isBefore(event, this.#startMs) &&
      (this.#types.size === 0 || this.#types.has(event.type));
    return events.every(isWanted) ? events : events.filter(isWanted);
  }
}
