/**
 * Errors as one of few words, for counting.
 *
 * @module
 */

import {
  BusyError,
  DestinationError,
  isAbort,
  RejectedError,
  TimeoutError,
} from "../errors.ts";
import type { RequestOutcome } from "./status_report.ts";

/**
 * How a request to the receiver ended.
 *
 * @param kill What aborts requests
 */
export function requestOutcome(
  error: unknown,
  kill?: AbortSignal,
): RequestOutcome {
  if (error === undefined) return "delivered";
  if (kill !== undefined && isAbort(error, kill)) return "aborted";
  if (error instanceof RejectedError) return "refused";
  if (error instanceof BusyError) return "busy";
  if (error instanceof DestinationError) return "misdirected";
  if (error instanceof TimeoutError) return "timeout";
  return "connection";
}

/** Why a call to Teleport failed: gRPC's status, e.g. `unavailable`. */
export function callStatus(error: unknown): string {
  return error instanceof Error && "status" in error &&
      typeof error.status === "string"
    ? error.status.toLowerCase()
    : "unknown";
}
