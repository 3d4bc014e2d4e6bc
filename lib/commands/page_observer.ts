/**
 * What page search says of itself: everything that it does to get on is told.
 *
 * @module
 */

import { logger } from "../log.ts";
import type { CallsObserver } from "../operate/observers.ts";
import type { PageObserver } from "../teleport/page_source.ts";
import { leaveOut, type LeftOutRecord } from "./left_out.ts";

/** Logs, counts and notes. */
export function observePages(
  { teleport, ...record }: LeftOutRecord & { teleport: CallsObserver },
): PageObserver {
  const log = logger("teleport");
  return {
    worked: teleport.worked,
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
      await leaveOut(record, range, {
        reason:
          `an event between ${from} and ${to}, at least one, is too large for Teleport to answer with: ${error.message}`,
        problem: error.message,
      });
      log.error(
        "an event is too large for Teleport to answer with, and is left out; reading goes on behind it",
        { from, to, error: error.message },
      );
    },
  };
}
