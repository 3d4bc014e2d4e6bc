/**
 * Logs that credentials were renewed, or could not be taken.
 *
 * @module
 */

import type { Term } from "../credentials.ts";
import { problemsOf } from "../errors.ts";
import { logger } from "../log.ts";
import type { WatchedFilesObserver } from "../watched_files.ts";

/**
 * Makes the listener of one side's credentials.
 *
 * @param side As the metrics name it
 * @param termsOf The certificates of a value
 */
export function renewalObserver<T>(
  side: "teleport" | "fluentd",
  termsOf: (value: T) => readonly Term[],
): WatchedFilesObserver<T> {
  const log = logger(side);
  /** What is wrong, as it was told last: a file is often written in pieces. */
  let told: string | undefined;
  return {
    renewed(value) {
      told = undefined;
      const terms = termsOf(value);
      const endMs = Math.min(...terms.map(({ notAfterMs }) => notAfterMs));
      log.info("renewed credentials are in use", {
        side,
        until: Number.isFinite(endMs)
          ? new Date(endMs).toISOString()
          : undefined,
      });
    },
    kept(error) {
      const reason = problemsOf(error).join("; ");
      if (reason === told) return;
      told = reason;
      log.warn(
        "the credentials on disk have changed and cannot be used, so the old ones stay in use",
        { side, error: reason },
      );
    },
    restored() {
      told = undefined;
      log.info("the credentials on disk are again those in use", { side });
    },
  };
}
