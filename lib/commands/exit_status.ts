/**
 * Exit statuses: an interface that scripts rely on (see README.md).
 *
 * @module
 */

import { ConfigError, GaveUpError } from "../errors.ts";
import type { Counters } from "../operate/counters.ts";
import { StoppedError } from "./signals.ts";

/** What each is for. */
export const ExitStatus = {
  Done: 0,
  Failed: 1,
  /** Usage or configuration. */
  Usage: 2,
  /** Done, but events were refused and set aside, or left out. */
  SetAside: 3,
  /** Gave up for now; EX_TEMPFAIL of sysexits.h. */
  TryAgainLater: 75,
} as const;

/** Of a command that an error has ended. */
export function statusOfError(error: unknown): number {
  if (error instanceof ConfigError) return ExitStatus.Usage;
  if (error instanceof GaveUpError) return ExitStatus.TryAgainLater;
  if (error instanceof StoppedError) return error.status;
  return ExitStatus.Failed;
}

/** Of a run that has ended by itself because everything was delivered. */
export function statusOfRun(
  { unaccounted, setAside }: Pick<Counters, "unaccounted" | "setAside">,
): number {
  if (unaccounted.audit !== 0 || unaccounted.recording !== 0) {
    return ExitStatus.Failed;
  }
  return setAside > 0 ? ExitStatus.SetAside : ExitStatus.Done;
}
