/**
 * Has somebody answer by HTTP, whatever they say.
 *
 * @module
 */

import { createFetchClient } from "../fetch_client.ts";
import { readBeginning } from "../fetch_outcome.ts";
import { tlsComplaintOf } from "../fluentd/answer.ts";
import { isBroken } from "../fluentd/fetch_error.ts";
import type { TlsOptions } from "../fluentd/lane.ts";
import type { Found } from "./finding.ts";

const TIMEOUT_MS = 10_000;
/** Whose clock differs by more is told. */
const MAX_SKEW_MS = 5_000;

/** What an answer tells besides that there is one. */
export interface Answered {
  /** Their time as HTTP writes it; null where they do not tell. */
  readonly date: string | null;
  /** What it says to be wrong with TLS, if it says so by HTTP, as nginx does. */
  readonly complaint: string | undefined;
}

/**
 * Asks for nothing in particular.
 *
 * @throws what fetch throws
 * @throws {Error} where there is no answer in time
 * @throws `signal.reason`
 */
export async function ask(
  url: string,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Answered> {
  try {
    return await askBy("GET", url, { tls, signal });
  } catch (error) {
    if (signal.aborted || !isBroken(error)) throw error;
    // Fluentd closes behind its answer to GET, of which with TLS 1.3 nothing arrives.
    return await askBy("HEAD", url, { tls, signal });
  }
}

async function askBy(
  method: "GET" | "HEAD",
  url: string,
  { tls: { caCerts, client: shown }, signal }: {
    readonly tls: TlsOptions;
    readonly signal: AbortSignal;
  },
): Promise<Answered> {
  const root = new URL("/", url);
  using client = createFetchClient(root, {
    caCerts: [...caCerts],
    http2: false,
    ...shown,
  });
  const late = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(root, {
      method,
      client,
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    const { status, headers } = response;
    const date = headers.get("date");
    if (status !== 400) {
      await response.body?.cancel();
      return { date, complaint: undefined };
    }
    const { text } = await readBeginning(response);
    return { date, complaint: tlsComplaintOf({ status, text }) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.aborted) throw new SilentError();
    throw error;
  }
}

/** It did not answer in time. */
export class SilentError extends Error {
  override readonly name = "SilentError";

  constructor() {
    super(`it does not answer within ${TIMEOUT_MS / 1_000} s`);
  }
}

/**
 * Compares clocks by the time that an answer tells; not everybody tells it.
 *
 * @throws what `ask` throws
 */
export async function compareClocks(
  url: string,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Found<true>> {
  const askedMs = Date.now();
  const { date } = await ask(url, tls, signal);
  const skewMs = date === null ? NaN : Date.parse(date) - askedMs;
  if (Number.isNaN(skewMs)) {
    return { text: "it does not tell its time", value: true };
  }
  const seconds = Math.abs(Math.round(skewMs / 1_000));
  // The header is cut to the second, and the answer took some time.
  const tolerated = Math.abs(skewMs) <= MAX_SKEW_MS + (Date.now() - askedMs);
  if (tolerated) return { text: "as ours", value: true };
  return {
    text: `${seconds} s ${
      skewMs > 0 ? "ahead of" : "behind"
    } ours: does every machine follow NTP?`,
    warning: true,
    value: true,
  };
}
