/**
 * An audit log in memory that answers page searches, with mistakes by script.
 *
 * @module
 */

import type { AuditEvent } from "../../lib/event.ts";
import type { PageRequest } from "../../lib/teleport/client.ts";
import type { Page } from "../../lib/teleport/decode_events.ts";
import { sampleEvent } from "./sample_event.ts";

/** Answers in place of the log; undefined leaves it to the log. */
export type Fault = (
  request: PageRequest,
  signal: AbortSignal,
) => Promise<Page> | Page | undefined;

/** Events by time, and what they were asked for. */
export class ScriptedLog {
  /** By time, and those of the same time in the order in which they came. */
  readonly events: AuditEvent[] = [];
  readonly requests: PageRequest[] = [];
  /** Asked before the log is, for every request. */
  fault: Fault | undefined;
  /** Requests that are not answered yet. */
  pending = 0;
  /** What tells events apart that say the same. */
  readonly #keys = new WeakMap<AuditEvent, string>();
  #added = 0;

  /** Adds events at these times, with ids that tell them apart. */
  append(...timesMs: readonly number[]): AuditEvent[] {
    return this.add(
      ...timesMs.map((timeMs, i) =>
        sampleEvent({ id: `event-${this.events.length + i}`, timeMs })
      ),
    );
  }

  add(...events: readonly AuditEvent[]): AuditEvent[] {
    for (const event of events) {
      const later = this.events.findIndex(({ timeMs }) =>
        timeMs > event.timeMs
      );
      this.events.splice(later === -1 ? this.events.length : later, 0, event);
      this.#keys.set(event, `key-${this.#added++}`);
    }
    return [...events];
  }

  /** What page search asks. */
  readonly getEvents = async (
    request: PageRequest,
    signal: AbortSignal,
  ): Promise<Page> => {
    signal.throwIfAborted();
    this.requests.push(request);
    this.pending++;
    try {
      return await this.fault?.(request, signal) ?? this.page(request);
    } finally {
      this.pending--;
    }
  };

  /** The page that an honest server answers with. */
  page(
    { startMs, endMs, types, limit, cursor, descending }: PageRequest,
  ): Page {
    const order = descending ? this.events.toReversed() : this.events;
    const from = cursor === "" ? 0 : this.#placeOf(cursor, order) + 1;
    const events = order.slice(from).filter(({ timeMs, type }) =>
      timeMs >= startMs && timeMs < endMs &&
      (types.length === 0 || types.includes(type))
    );
    const page = events.slice(0, limit);
    const last = page.length < limit ? undefined : page.at(-1);
    const lastKey = last === undefined ? undefined : this.#keys.get(last);
    return { events: page, lastKey: lastKey ?? "" };
  }

  #placeOf(cursor: string, order: readonly AuditEvent[]): number {
    const place = order.findIndex((event) => this.#keys.get(event) === cursor);
    if (place === -1) throw new Error(`Unknown cursor: ${cursor}`);
    return place;
  }
}
