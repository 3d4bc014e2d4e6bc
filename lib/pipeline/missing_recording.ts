/**
 * Recordings that should have been there long ago.
 *
 * @module
 */

import type { PendingRecording } from "./ports.ts";

const MISSING_MS = 48 * 60 * 60_000;

/** Whether a recording could not be read for so long that somebody should look. */
export function isMissing(
  { attempts, sinceMs }: Pick<PendingRecording, "attempts" | "sinceMs">,
  nowMs: number,
): boolean {
  return attempts > 0 && nowMs - sinceMs >= MISSING_MS;
}
