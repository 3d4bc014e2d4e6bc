/**
 * Events of the audit log that cannot be read, and are left out: on record.
 *
 * @module
 */

import type { Monitor } from "../operate/monitor.ts";

/** From when to when, milliseconds since the epoch. */
interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where it is noted that events could not be read. */
export interface LeftOutNotes {
  /**
   * Notes that there is such an event in the range. Resolves once that is safely on
   * disk.
   */
  noteLeftOut(range: Range, reason: string): Promise<void>;
}

/** Where it is on record. */
export interface LeftOutRecord {
  readonly notes: LeftOutNotes;
  readonly monitor: Pick<Monitor, "counters" | "problems">;
}

/**
 * Notes that events of a range are left out, and then counts and shows it.
 *
 * @param problem What went wrong, to be shown; the reason where it is left out
 */
export async function leaveOut(
  { notes, monitor }: LeftOutRecord,
  range: Range,
  { reason, problem = reason }: {
    readonly reason: string;
    readonly problem?: string;
  },
): Promise<void> {
  await notes.noteLeftOut(range, reason);
  monitor.counters.leftOut++;
  monitor.problems.occurred("events that are left out", problem);
}
