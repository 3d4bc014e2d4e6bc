/**
 * A day of the audit log that is not done with.
 *
 * @module
 */

import type { ExportDay } from "../event.ts";
import { DAY_MS } from "./export_position.ts";

/** Chunks of a day keep appearing for so long after its end. */
export const LOOK_BACK_MS = DAY_MS;

/** What is known of the day's chunks. */
export interface OpenDay {
  /** Its UTC date. */
  readonly name: string;
  readonly startMs: number;
  /** From then on its list does not grow any more. */
  readonly completeMs: number;
  /** Chunks that are read, or being read. */
  readonly known: Set<string>;
  /** Cursors of chunks that were begun and are not being read. */
  readonly begun: Map<string, string>;
  /** Chunks being read. */
  reading: number;
  /** All its chunks are known, if our clock is right. */
  complete: boolean;
  /** They are, whatever our clock says: an event so late was read before it was listed. */
  settled: boolean;
}

/**
 * A day that is begun, or gone on with.
 *
 * @param read What is read of it already
 */
export function openDay(name: string, read?: ExportDay): OpenDay {
  const startMs = Date.parse(name);
  return {
    name,
    startMs,
    completeMs: startMs + DAY_MS + LOOK_BACK_MS,
    known: new Set(read?.done),
    begun: new Map(Object.entries(read?.cursors ?? {})),
    reading: 0,
    complete: false,
    settled: false,
  };
}
