/**
 * What bulk export says of itself: everything that it does to get on is told.
 *
 * @module
 */

import { counted } from "../counted.ts";
import { logger } from "../log.ts";
import type { CallsObserver } from "../operate/observers.ts";
import type { ExportObserver } from "../teleport/export_days.ts";
import { dayAfter } from "../teleport/export_position.ts";
import { leaveOut, type LeftOutRecord } from "./left_out.ts";

/** A storage that drops what is too old drops a day with all its chunks. */
const MAX_NAMES = 10;

/** Logs, counts and notes. */
export function observeChunks(
  { teleport, ...record }: LeftOutRecord & { teleport: CallsObserver },
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
      const range = {
        startMs: Date.parse(day),
        endMs: Date.parse(dayAfter(day)),
      };
      await leaveOut(record, range, { reason });
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
