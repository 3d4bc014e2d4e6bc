/**
 * What a receiver's answer means, as measured against Fluentd and as other
 * receivers use HTTP.
 *
 * @module
 */

import { BusyError, DestinationError, RejectedError } from "../errors.ts";
import { asksForPatience } from "../fetch_outcome.ts";
import { httpProxyForUrl, through } from "../http_proxy.ts";
import type { Answer } from "./lane.ts";

/** A receiver that names a later time is asked after this one all the same. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;
const MAX_QUOTED_CHARACTERS = 300;

/** As C's `asctime` writes it: of UTC, without saying so. */
const ASCTIME = /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** What is before the words that count: a page of nginx, Apache, HAProxy, or nothing. */
const BEFORE_COMPLAINT = [
  /<html>\s*<head><title>400 /,
  /<!DOCTYPE HTML [^>]*>\s*<html><head>\s*<title>400 Bad Request<\/title>\s*<\/head><body>\s*<h1>Bad Request<\/h1>\s*<p>Your browser sent a request that this server could not understand\.<br \/>\s*(?:Reason: )?/,
  /<html><body><h1>400 Bad request<\/h1>\s*/,
];
const COMPLAINT = new RegExp(
  `^(?:${BEFORE_COMPLAINT.map(({ source }) => source).join("|")})?([^<\\n]*)`,
);
/** Said wherever one is demanded, whichever way that shows. */
export const CERTIFICATE_DEMANDED =
  "it demands a client certificate: set fluentd-cert and fluentd-key";

const NO_TLS = "it speaks TLS there: should fluentd-url begin with https://?";
/** `fluentd-url` stands for the option that the URL comes from. */
const TLS_REMEDIES = new Map([
  ["The plain HTTP request was sent to HTTPS port", NO_TLS],
  ["Client sent an HTTP request to an HTTPS server.", NO_TLS],
  ["You're speaking plain HTTP to an SSL-enabled server port.", NO_TLS],
  [
    "No required SSL certificate was sent",
    CERTIFICATE_DEMANDED,
  ],
  [
    "The SSL certificate error",
    "it does not take our certificate: fluentd-cert must be signed by the CA that it is configured with, and not have expired",
  ],
]);

const HEADERS = "the headers are too large for it: check fluentd-header";
/** These say so with 400, and not with 431. */
const HEADER_REMEDIES = new Map([
  ["Request Header Or Cookie Too Large", HEADERS],
  ["Size of a request header field exceeds server limit.", HEADERS],
  // HAProxy looks at nothing but what is before the body.
  [
    "Your browser sent an invalid request.",
    "it does not take the head of the request, which may be too large for it: check fluentd-header",
  ],
]);

/** What an answer is about. */
export interface Asked {
  readonly url: string;
  /** The option that the URL comes from. */
  readonly option: string;
  /** How many events were sent. */
  readonly count: number;
  readonly nowMs: number;
}

/**
 * Undefined where the receiver has the events. What else it returns means: a
 * `RejectedError` never again like this, a `DestinationError` again later, and
 * somebody has to act, and a `BusyError` again later, not before the time that was
 * asked for, if any was.
 */
export function errorOf(answer: Answer, asked: Asked): Error | undefined {
  const { status, text } = answer;
  if (status >= 200 && status <= 299) return undefined;
  const quoted = quote(text);
  const said = `${asked.url}${throughProxy(asked.url)} answered ${status}${
    quoted === "" ? "" : ` "${quoted}"`
  }`;
  const remedy = remedyOf(answer, asked.option);
  if (remedy !== undefined) return new DestinationError(`${said}: ${remedy}`);
  const oversized = status === 500 ? countOversized(text) : 0;
  if (oversized > 0) return new RejectedError(said, asked.count, { oversized });
  if (isRefusal(status)) return new RejectedError(said, asked.count);
  return new BusyError(said, retryAfterMs(answer.retryAfter, asked.nowMs));
}

/** Without TLS it may be the proxy that answers, for itself or for who is away. */
function throughProxy(url: string): string {
  return url.startsWith("https:") ? "" : through(httpProxyForUrl(new URL(url)));
}

/** What is to be done where every request would be answered so. */
function remedyOf(answer: Answer, option: string): string | undefined {
  const { status } = answer;
  if (status === 400) {
    const said = complaintOf(answer.text);
    return TLS_REMEDIES.get(said)?.replace("fluentd-url", option) ??
      HEADER_REMEDIES.get(said);
  }
  if (status >= 300 && status <= 399) {
    return `redirects are not followed: correct ${option}`;
  }
  switch (status) {
    case 401:
    case 403:
      return "it does not let us in: check fluentd-cert, fluentd-header and its own configuration";
    case 402:
      return "the account with it is not in order";
    case 404:
    case 410:
      return `there is nothing: is the path in ${option} right?`;
    case 405:
      return `it takes no POST there: is the path in ${option} right?`;
    case 406:
    case 415:
      return "it does not take this content type or compression: check fluentd-header and fluentd-compress";
    case 407:
      return "a proxy on the way does not let us in: check its configuration";
    case 421:
      return `it does not answer for this host: is the host in ${option} right?`;
    case 426:
      return `it demands another protocol: is ${option} right?`;
    case 431:
      return HEADERS;
  }
  return undefined;
}

/** What nginx, Apache, or a server written in Go says to be wrong with TLS, where it does. */
export function tlsComplaintOf(
  { status, text }: Pick<Answer, "status" | "text">,
): string | undefined {
  if (status !== 400) return undefined;
  const said = complaintOf(text);
  return TLS_REMEDIES.has(said) ? said : undefined;
}

/** Only the beginning counts: an answer may quote an event. */
function complaintOf(text: string): string {
  const [, said = ""] = COMPLAINT.exec(text) ?? [];
  return said;
}

/** The other 4xx, but for those that may be over soon. */
function isRefusal(status: number): boolean {
  if (asksForPatience(status)) return false;
  return status >= 400 && status <= 499 || status === 501;
}

/**
 * How many records Fluentd says are larger than a chunk of its buffer. It names
 * each of them, and keeps the other records of the array.
 */
function countOversized(text: string): number {
  return text.match(/larger than buffer chunk limit/g)?.length ?? 0;
}

/** `Retry-After` is seconds or a date (RFC 9110, 10.2.3); undefined where it is neither. */
function retryAfterMs(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const waitMs = /^\d+$/.test(value)
    ? Number(value) * 1_000
    : Date.parse(ASCTIME.test(value) ? `${value} GMT` : value) - nowMs;
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(0, waitMs), MAX_RETRY_AFTER_MS);
}

/** The beginning, in one line. */
function quote(text: string): string {
  return text.slice(0, MAX_QUOTED_CHARACTERS).replace(/\s+/g, " ").trim();
}
