/**
 * The recordings that are not delivered completely, as an operator sees them.
 *
 * @module
 */

import { isMissing } from "../pipeline/missing_recording.ts";
import type { PendingRecording } from "../pipeline/ports.ts";
import type { RecordingsReport } from "./status_report.ts";

/** An operator looks at some, and not at thousands. */
const MAX_TROUBLED = 100;

/**
 * Counts recordings, and lists those that fail.
 *
 * @param recordings By session id, oldest first
 */
export function reportRecordings(
  recordings: ReadonlyMap<string, PendingRecording>,
  nowMs: number,
): RecordingsReport {
  const troubled = [];
  let failing = 0;
  let missing = 0;
  for (const [sessionId, recording] of recordings) {
    if (recording.attempts === 0) continue;
    failing++;
    const missed = isMissing(recording, nowMs);
    if (missed) missing++;
    if (troubled.length >= MAX_TROUBLED) continue;
    troubled.push({
      sessionId,
      since: new Date(recording.sinceMs).toISOString(),
      attempts: recording.attempts,
      missing: missed,
      lastError: recording.lastError,
    });
  }
  return { pending: recordings.size, failing, missing, troubled };
}
