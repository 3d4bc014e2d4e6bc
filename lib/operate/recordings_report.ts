/**
 * The recordings that are not delivered completely, as an operator sees them.
 *
 * @module
 */

import type { PendingRecording } from "../pipeline/ports.ts";
import type { RecordingsReport } from "./status_report.ts";

/** A recording that could not be read for so long is called missing. */
const MISSING_MS = 48 * 60 * 60_000;
/** An operator looks at some, and not at thousands. */
const MAX_TROUBLED = 100;

/** @param recordings By session id, oldest first */
export function reportRecordings(
  recordings: ReadonlyMap<string, PendingRecording>,
  nowMs: number,
): RecordingsReport {
  const troubled = [];
  let missing = 0;
  for (const [sessionId, recording] of recordings) {
    if (recording.attempts === 0) continue;
    const isMissing = nowMs - recording.sinceMs >= MISSING_MS;
    if (isMissing) missing++;
    if (troubled.length >= MAX_TROUBLED) continue;
    troubled.push({
      sessionId,
      since: new Date(recording.sinceMs).toISOString(),
      attempts: recording.attempts,
      missing: isMissing,
      lastError: recording.lastError,
    });
  }
  return { pending: recordings.size, missing, troubled };
}
