/**
 * How much of what waits goes into one request.
 *
 * @module
 */

import { type Payload, sizeOf } from "../event.ts";

/** What one request may hold at most; one event may exceed the bytes. */
export interface RequestLimits {
  readonly maxEvents: number;
  /** Of payloads. */
  readonly maxBytes: number;
}

/** How many of the leading events fit, at least one of any, and their bytes. */
export function fitting(
  events: readonly Payload[],
  { maxEvents, maxBytes }: RequestLimits,
): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const event of events) {
    const size = sizeOf(event);
    const full = count === maxEvents || bytes + size > maxBytes;
    if (full && count > 0) break;
    count++;
    bytes += size;
  }
  return { count, bytes };
}
