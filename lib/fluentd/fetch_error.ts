/**
 * What fetch says when a request fails, and what it means.
 *
 * @module
 */

import { formatAddress } from "../address.ts";
import {
  IS_AUTHORITY,
  IS_NOT_FOR_SERVERS,
  IS_VERSION_1,
} from "../certificate_flaws.ts";
import type { Term } from "../credentials.ts";
import { describe, DestinationError } from "../errors.ts";
import { shortenFetchError } from "../fetch_outcome.ts";
import { httpProxyForUrl } from "../http_proxy.ts";
import { CERTIFICATE_DEMANDED } from "./answer.ts";

/** As fetch says that a connection ended where an answer was to come. */
const ENDED = /connection closed|close_notify|reset by peer|broken pipe/i;
const BROKEN =
  "the connection broke before the answer; whether it took the request is not known, so it is sent again";

/**
 * The words of rustls and hyper, and what to do about them, most telling first;
 * and whether that lasts until somebody acts. `fluentd-url` stands for the option
 * that the URL comes from.
 */
const MEANINGS: readonly (readonly [RegExp, string, "lasts"?])[] = [
  [
    /UnknownIssuer/,
    "its certificate is not signed by a CA that we trust: set fluentd-ca to the one that signed it",
    "lasts",
  ],
  [
    /CaUsedAsEndEntity/,
    `its certificate ${IS_AUTHORITY}`,
    "lasts",
  ],
  [
    /UnsupportedCertVersion/,
    `its certificate ${IS_VERSION_1}`,
    "lasts",
  ],
  [
    /BadSignature|unable to verify the first certificate/,
    "its signature cannot be verified: if the key of its certificate is RSA, has it 2048 bits at least?",
    "lasts",
  ],
  [
    /not valid for any names/,
    "its certificate names no host in subjectAltName, and the common name does not count: issue one that does",
    "lasts",
  ],
  [
    /certificate not valid for name|NotValidForName/,
    "its certificate is for another host name: use that name in fluentd-url, or issue a certificate for this one",
    "lasts",
  ],
  [
    /certificate expired|invalid peer certificate: Expired/,
    "its certificate has expired: renew it",
    "lasts",
  ],
  [
    /certificate not valid yet|NotValidYet/,
    "its certificate is not valid yet: are the clocks right?",
    "lasts",
  ],
  [
    /extended key usage/,
    `its certificate ${IS_NOT_FOR_SERVERS}`,
    "lasts",
  ],
  [
    // Of who shows a certificate: OpenSSL says the second of all that it cannot agree on.
    /CertificateRequired|HandshakeFailure/,
    "it takes none of the ciphers, curves or signatures that we offer: have it allow TLS 1.3, or ECDHE with AES-GCM, and take keys on P-256 for both certificates",
    "lasts",
  ],
  [
    /ProtocolVersion|ServerDoesNotSupportTls12Or13/,
    "it speaks no version of TLS that we do: have it allow TLS 1.2 or 1.3",
    "lasts",
  ],
  [
    /alert: (UnknownC[Aa]|BadCertificate|CertificateUnknown|DecryptError|AccessDenied)/,
    "it does not trust our certificate: fluentd-cert must be signed by the CA that it is configured with",
    "lasts",
  ],
  [
    /alert: UnsupportedCertificate/,
    "our certificate is not meant for clients: issue fluentd-cert for client authentication",
    "lasts",
  ],
  [
    // From OpenSSL by TLS 1.2, for a curve that fetch does not offer, as P-521.
    /alert: IllegalParameter/,
    "it does not take the curve of our key: make fluentd-key on P-256 or P-384",
    "lasts",
  ],
  [
    /alert: CertificateRevoked/,
    "it says that our certificate was revoked: renew fluentd-cert",
    "lasts",
  ],
  [
    /alert: CertificateExpired/,
    "it says that our certificate expired: renew fluentd-cert",
    "lasts",
  ],
  [
    /proxy authentication required/,
    "the HTTP proxy wants a user and a password: https_proxy=http://user:password@host:port",
    "lasts",
  ],
  [
    /unsuccessful tunnel|eof while tunneling/,
    "the HTTP proxy does not connect us to it: have it allow this host and port, or name the host in NO_PROXY where it is reached without one",
  ],
  [
    /tls handshake eof/,
    "it broke off the TLS handshake: either it is restarting, or it does not trust the CA that signed fluentd-cert",
  ],
  [
    /NoApplicationProtocol/,
    "it does not speak HTTP/1.1 there: is the port in fluentd-url right, or only for gRPC?",
    "lasts",
  ],
  [
    /InvalidContentType/,
    "it does not speak TLS there: is the port in fluentd-url right, or should it begin with http://?",
    "lasts",
  ],
  [
    /invalid HTTP version/,
    "it does not speak HTTP there: is the port in fluentd-url right, or should it begin with https://?",
    "lasts",
  ],
  [
    /Connection refused/,
    "connection refused: is it running, and is the port in fluentd-url right?",
  ],
  [
    /Requests to port \d+ are blocked/,
    "fetch refuses to connect to that port: have it listen on another one",
    "lasts",
  ],
  [
    /dns error/,
    "the host name cannot be resolved: is it right in fluentd-url?",
  ],
  [
    /unreachable|No route to host|Connection timed out/,
    "it cannot be reached: is it running, and does every firewall let us through?",
  ],
  [new RegExp(`${ENDED.source}|reading a body`, "i"), BROKEN],
];

/** What is said of whoever shows no certificate; by servers written in Go, the last. */
const SHOWN_NONE = /CertificateRequired|HandshakeFailure|alert: BadCertificate/;

/** How a receiver shows that it does not take our certificate, on purpose or not. */
const REFUSED = new RegExp(
  `received fatal alert|tls handshake eof|${ENDED.source}`,
  "i",
);

/** Where a request went, and with what. */
export interface FetchErrorContext {
  readonly url: string;
  /** The option that the URL comes from. */
  readonly option: string;
  /** The certificates that were in use. */
  readonly terms: readonly Term[];
  readonly nowMs: number;
}

/** Whether a connection ended before there was an answer. */
export function isBroken(error: unknown): boolean {
  return ENDED.test(describe(error));
}

/** Whether a receiver that does not take our certificate, or wants one, may say this. */
export function mayRefuseClient(error: unknown): boolean {
  return REFUSED.test(describe(error));
}

/**
 * The error in words; its text is kept for those who know it. A certificate of ours
 * that has ended is the cause, whatever the receiver makes of it.
 */
export function describeFetchError(
  error: unknown,
  { url, option, terms, nowMs }: FetchErrorContext,
): Error {
  const text = describe(error);
  const detail = shortenFetchError(text);
  const ended = terms.find(({ name, notAfterMs }) =>
    notAfterMs <= nowMs &&
    (name === "fluentd-cert" ? REFUSED : /UnknownIssuer|[Ee]xpired/)
      .test(text)
  );
  if (ended !== undefined) {
    const end = new Date(ended.notAfterMs).toISOString();
    return new DestinationError(
      `cannot send to ${url}: the certificate in ${ended.path} (${ended.name}) expired on ${end}: renew it (${detail})`,
    );
  }
  const [, meaning, lasts] = MEANINGS.find(([pattern]) => pattern.test(text)) ??
    [];
  const told = ofProxy(text, new URL(url)) ??
    (meaning === BROKEN
      ? `${BROKEN}${whatElse(text, url)}`
      : SHOWN_NONE.test(text) && !terms.some(isClientTerm)
      ? CERTIFICATE_DEMANDED
      : meaning)?.replace("fluentd-url", option);
  const message = told === undefined
    ? `cannot send to ${url}: ${detail}`
    : `cannot send to ${url}: ${told} (${detail})`;
  return lasts === undefined
    ? new Error(message)
    : new DestinationError(message);
}

/**
 * What it may be where a connection breaks again and again. One for TLS does not say
 * a word to those who speak none. With TLS 1.3 a receiver refuses our certificate
 * once the request is under way; with what it leaves unread of that, its alert is
 * lost on the way to us.
 */
function whatElse(text: string, url: string): string {
  if (!url.startsWith("https:")) {
    return "; where that goes on: does it speak TLS there, and should fluentd-url begin with https://?";
  }
  return /reset by peer|broken pipe/i.test(text)
    ? "; where that goes on, the command check tells whether it lets us in"
    : "";
}

function isClientTerm({ name }: Term): boolean {
  return name === "fluentd-cert";
}

/** Where a proxy is in between, it is that to which there is no connection. */
function ofProxy(text: string, url: URL): string | undefined {
  if (!/tcp connect error|dns error/.test(text)) return undefined;
  const proxy = httpProxyForUrl(url);
  if (proxy === undefined) return undefined;
  const variable = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  return `the HTTP proxy ${
    formatAddress(proxy.address)
  } cannot be reached: is it running, and is its address right in ${variable} or ALL_PROXY?`;
}
