/**
 * Certificates that are about to end, told in time.
 *
 * @module
 */

import { type Clock, repeat } from "../clock.ts";
import type { Term } from "../credentials.ts";
import { logger } from "../log.ts";
import { formatAge } from "./format_age.ts";
import type { CredentialReport } from "./status_report.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** So long before a certificate ends it is told. */
const WARNINGS_MS = [7 * DAY_MS, DAY_MS, HOUR_MS];
/**
 * Not before so much of its life is left: one of an hour, which somebody renews
 * every twenty minutes, would be told about for ever.
 */
const LAST_PART = 0.2;
/** Certificates are looked at so often: they may be renewed any time. */
const INTERVAL_MS = 60_000;

/**
 * Watches the certificates in use until `stop` aborts. Each is told once at each
 * of the warnings that it has reached, and once when it has ended, or is not good
 * yet; a renewed one is another one.
 */
export async function watchExpiry(
  terms: () => readonly Term[],
  { clock, stop }: { readonly clock: Clock; readonly stop: AbortSignal },
): Promise<void> {
  /** How many warnings were told, by certificate. */
  let told = new Map<string, number>();
  const look = () => {
    const nowMs = clock.now();
    const before = told;
    told = new Map();
    for (const term of terms()) {
      const { name, path, notBeforeMs, notAfterMs } = term;
      const key = JSON.stringify([name, path, notAfterMs]);
      const reached = warningsReached(term, nowMs);
      if (notBeforeMs > nowMs && !before.has(key)) tellNotYetGood(term);
      if (reached > (before.get(key) ?? 0)) tellEnd(term, nowMs);
      told.set(key, reached);
    }
  };
  look();
  await repeat(look, { everyMs: INTERVAL_MS, clock, stop });
}

function tellNotYetGood({ name, path, notBeforeMs }: Term): void {
  logger("credentials").warn(
    "a certificate is not good yet, so connections fail until it is: is this machine's clock right?",
    {
      certificate: name,
      file: path,
      begin: new Date(notBeforeMs).toISOString(),
    },
  );
}

/** That it has ended, or will soon. */
function tellEnd({ name, path, notAfterMs }: Term, nowMs: number): void {
  const log = logger("credentials");
  const fields = {
    certificate: name,
    file: path,
    end: new Date(notAfterMs).toISOString(),
  };
  if (notAfterMs <= nowMs) {
    log.error(
      "a certificate has expired, so connections fail until it is renewed",
      fields,
    );
  } else {
    log.warn("a certificate ends soon: renew it", {
      ...fields,
      left: formatAge(notAfterMs - nowMs),
    });
  }
}

/** The certificates as the status shows them, in the order in which they end. */
export function reportTerms(
  terms: readonly Term[],
  nowMs: number,
): CredentialReport[] {
  return terms.toSorted((a, b) => a.notAfterMs - b.notAfterMs)
    .map((term) => ({
      name: term.name,
      notBefore: new Date(term.notBeforeMs).toISOString(),
      notAfter: new Date(term.notAfterMs).toISOString(),
      endsSoon: warningsReached(term, nowMs) > 0,
    }));
}

/** How many of the warnings are due, the end of the certificate included. */
export function warningsReached(
  { notBeforeMs, notAfterMs }: Pick<Term, "notBeforeMs" | "notAfterMs">,
  nowMs: number,
): number {
  const longestMs = LAST_PART * (notAfterMs - notBeforeMs);
  const leads = new Set(WARNINGS_MS.map((ms) => Math.min(ms, longestMs)));
  const leftMs = notAfterMs - nowMs;
  return [...leads, 0].filter((leadMs) => leftMs <= leadMs).length;
}
