/**
 * What fetch says when a request fails, and what it means.
 *
 * @module
 */

import { describe } from "../errors.ts";

/** rustls' words, and what to do about them, most telling first. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /UnknownIssuer|invalid peer certificate: Other|CaUsedAsEndEntity/,
    "its certificate is not signed by the CA in fluentd-ca",
  ],
  [
    /NotValidForName/,
    "its certificate is for another host name: use that name in fluentd-url, or issue a certificate for this one",
  ],
  [
    /invalid peer certificate: Expired/,
    "its certificate has expired: renew it",
  ],
  [
    /CertificateRequired|HandshakeFailure/,
    "it demands a client certificate: set fluentd-cert and fluentd-key",
  ],
  [
    /UnknownCA|UnknownCa|BadCertificate|CertificateUnknown|DecryptError|AccessDenied/,
    "it does not trust our certificate: fluentd-cert must be signed by the CA that it is configured with",
  ],
  [
    /CertificateExpired/,
    "it says that our certificate expired: renew fluentd-cert",
  ],
  [
    /Connection refused|os error 111/,
    "connection refused: is it running, and is the port in fluentd-url right?",
  ],
  [
    /dns error|failed to lookup|Name or service not known/,
    "the host name cannot be resolved",
  ],
  [
    /connection closed|reset by peer|Connection reset|broken pipe|IncompleteMessage|UnexpectedEof/i,
    "the connection broke before the answer; whether it took the request is not known, so it is sent again",
  ],
];

/** The error in words; its text is kept for those who know it. */
export function describeFetchError(error: unknown, url: string): Error {
  const text = describe(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(text))?.[1];
  const detail = text.replace(/^error sending request (for|from).*?\): /, "")
    .replace(/^error sending request for url \([^)]*\)(: )?/, "");
  return new Error(
    meaning === undefined
      ? `cannot send to ${url}: ${detail}`
      : `cannot send to ${url}: ${meaning} (${detail})`,
  );
}
