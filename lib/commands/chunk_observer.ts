/**
 * What bulk export says of itself: everything that it does to get on is told.
 *
 * @module
 */

import { counted } from "../counted.ts";
import { logger } from "../log.ts";
import type { Monitor } from "../operate/monitor.ts";
import type { CallsObserver } from "../operate/observers.ts";
import type { ExportObserver } from "../teleport/export_days.ts";
import type { LeftOutNotes } from "./page_observer.ts";

const DAY_MS = 24 * 60 * 60_000;
/** A storage that drops what is too old drops a day with all its chunks. */
const MAX_NAMES = 10;

/** Logs, counts and notes. */
export function observeChunks(
  { teleport, monitor, notes }: {
    teleport: CallsObserver;
    monitor: Pick<Monitor, "counters" | "problems">;
    notes: LeftOutNotes;
  },
): ExportObserver {
  const log = logger("teleport");
  return {
    worked: teleport.worked,
    failed(failed, about) {
      log.debug("bulk export fails", { ...about });
      teleport.failed(failed);
    },
    cursorRefused: (about) =>
      log.warn(
        "the server refuses the cursor of a chunk, so what was read of it before is sent again",
        { ...about },
      ),
    async gone({ day, chunks }) {
      const names = chunks.slice(0, MAX_NAMES).join(" ");
      const reason = `what was not read yet of ${
        counted(chunks.length, "chunk")
      } of ${day} is gone from Teleport: ${names}`;
      const startMs = Date.parse(day);
      await notes.noteLeftOut({ startMs, endMs: startMs + DAY_MS }, reason);
      monitor.counters.leftOut++;
      monitor.problems.occurred("events that are left out", reason);
      log.error(
        "chunks were not read to their end and are gone from Teleport; their day is over, and events of it are left out",
        { day, count: chunks.length, names },
      );
    },
    clockSetBack: (day, from) =>
      log.warn(
        "the clock was ahead and is set back, days are looked at again",
        { was_at: day, from },
      ),
  };
}
