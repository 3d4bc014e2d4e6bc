/**
 * Which events go on.
 *
 * @module
 */

import type { AuditEvent } from "../event.ts";

/** Whether an event of that type is forwarded. */
export type TypeFilter = (type: string) => boolean;

/**
 * A filter by event type.
 *
 * @param only Forward these alone; every type where empty
 * @param except Forward none of these
 */
export function typeFilter(
  only: readonly string[],
  except: readonly string[],
): TypeFilter {
  if (only.length === 0 && except.length === 0) return passesAll;
  const wanted = new Set(only);
  const unwanted = new Set(except);
  return (type) =>
    (wanted.size === 0 || wanted.has(type)) && !unwanted.has(type);
}

function passesAll(): boolean {
  return true;
}

/** The events that pass; the very same array where all do. */
export function keep(
  events: readonly AuditEvent[],
  filter: TypeFilter,
): readonly AuditEvent[] {
  if (filter === passesAll) return events;
  const kept = events.filter(({ type }) => filter(type));
  return kept.length === events.length ? events : kept;
}

/** The same filter; `onRejected` is told of each event that it does not let pass. */
export function countedFilter(
  filter: TypeFilter,
  onRejected: () => void,
): TypeFilter {
  if (filter === passesAll) return filter;
  return (type) => {
    const passes = filter(type);
    if (!passes) onRejected();
    return passes;
  };
}
