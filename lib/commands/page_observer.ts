/**
 * What page search says of itself: everything that it does to get on is told.
 *
 * @module
 */

import { logger } from "../log.ts";
import type { Monitor } from "../operate/monitor.ts";
import type { CallsObserver } from "../operate/observers.ts";
import type { PageObserver } from "../teleport/page_source.ts";

/** Where it is noted that events could not be read. */
export interface LeftOutNotes {
  /**
   * Notes that there is such an event in the range, milliseconds since the epoch.
   * Resolves once that is safely on disk.
   */
  noteLeftOut(
    range: { readonly startMs: number; readonly endMs: number },
    reason: string,
  ): Promise<void>;
}

/** Logs, counts and notes. */
export function observePages(
  { teleport, monitor, notes }: {
    teleport: CallsObserver;
    monitor: Pick<Monitor, "counters" | "problems">;
    notes: LeftOutNotes;
  },
): PageObserver {
  const log = logger("teleport");
  return {
    page: teleport.worked,
    failed: teleport.failed,
    shrunk: (limit, error) =>
      log.info("page too large for the server, asking for less", {
        limit,
        error: error.message,
      }),
    cursorDropped: (cursor, time) =>
      log.info("cursor shows nothing, reading from the newest event", {
        cursor,
        time,
      }),
    promiseBroken: (cursor, until) =>
      log.warn(
        "cursor says that there is more and shows nothing, also when asked anew; the range counts as read",
        { cursor, until },
      ),
    clockSetBack: (start, time) =>
      log.warn(
        "the clock was ahead and is set back, reading from an earlier time",
        { was_at: start, time },
      ),
    emptyPages: (count) =>
      log.warn("pages bring nothing new although their cursor moves on", {
        count,
      }),
    async steppedOver(range, error) {
      const from = new Date(range.startMs).toISOString();
      const to = new Date(range.endMs).toISOString();
      await notes.noteLeftOut(
        range,
        `an event between ${from} and ${to}, at least one, is too large for Teleport to answer with: ${error.message}`,
      );
      monitor.counters.leftOut++;
      monitor.problems.occurred("events that are left out", error.message);
      log.error(
        "an event is too large for Teleport to answer with, and is left out; reading goes on behind it",
        { from, to, error: error.message },
      );
    },
  };
}
