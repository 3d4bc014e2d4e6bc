/**
 * Which events of a page were read before. The same page is asked for again while
 * it grows, and asked for in smaller pieces once it was too large.
 *
 * @module
 */

import type { AuditEvent } from "../event.ts";
import { eventKey } from "./event_key.ts";

/** The events of a page, told apart. */
export interface Sighting {
  /** Never read before, in the page's order. */
  readonly fresh: readonly AuditEvent[];
  /** What of `seen` the page did not show: a later page may. */
  readonly unshown: readonly string[];
}

/**
 * Compares a page with what was read before. Keys count as often as they occur:
 * two events without an id and with the same content are two events.
 */
export function compareWithSeen(
  events: readonly AuditEvent[],
  seen: readonly string[],
): Sighting {
  if (seen.length === 0) {
    return { fresh: events, unshown: [] };
  }
  const unshown = new Map<string, number>();
  for (const key of seen) unshown.set(key, (unshown.get(key) ?? 0) + 1);
  const fresh: AuditEvent[] = [];
  for (const event of events) {
    const key = eventKey(event);
    const count = unshown.get(key) ?? 0;
    if (count === 0) fresh.push(event);
    else unshown.set(key, count - 1);
  }
  return {
    fresh,
    unshown: [...unshown].flatMap(([key, count]) =>
      Array.from({ length: count }, () => key)
    ),
  };
}
