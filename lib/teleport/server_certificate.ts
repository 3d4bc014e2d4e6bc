/**
 * The certificate that a server shows, and what is wrong with it whoever signed it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";

/** What is kept of a certificate. */
export interface ServerCertificate {
  /** DNS names and addresses, or the common name. */
  readonly names: readonly string[];
  /** The name of the authority that signed it. */
  readonly issuer: string;
  /** Its beginning, milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** Its end, milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Whether it is that of a CA. */
  readonly isAuthority: boolean;
  /** Whether servers may show it. */
  readonly isForServers: boolean;
}

/** Object identifiers in DER: the extension "extended key usage", and "server authentication". */
const EXTENDED_KEY_USAGE = Buffer.from("0603551d25", "hex");
const SERVER_AUTHENTICATION = Buffer.from("06082b06010505070301", "hex");

/** Reads what is of interest here. */
export function readServerCertificate(
  certificate: PeerCertificate,
): ServerCertificate {
  const { subject, issuer, subjectaltname, ca, raw } = certificate;
  const names = (subjectaltname ?? "").split(", ")
    .map((name) => name.replace(/^[^:]*:/, "")).filter(Boolean);
  return {
    names: names.length > 0 ? names : [nameIn(subject)],
    issuer: nameIn(issuer),
    notBeforeMs: Date.parse(certificate.valid_from),
    notAfterMs: Date.parse(certificate.valid_to),
    isAuthority: ca,
    isForServers: isForServers(raw),
  };
}

/** What makes a certificate unfit, whoever signed it; undefined: nothing of the kind. */
export function flawOf(
  { notBeforeMs, notAfterMs, isAuthority, isForServers }: ServerCertificate,
  nowMs: number,
): string | undefined {
  if (notAfterMs <= nowMs) {
    return `its certificate expired on ${dateOf(notAfterMs)}: renew it`;
  }
  if (notBeforeMs > nowMs) {
    return `its certificate is not valid before ${
      dateOf(notBeforeMs)
    }: are the clocks right?`;
  }
  if (isAuthority) {
    return "its certificate is that of a CA: give it one of its own, signed by the CA";
  }
  if (!isForServers) {
    return "its certificate is not meant for servers: issue one for server authentication";
  }
  return undefined;
}

/** Whether one of these authorities, in PEM, signed a certificate itself. */
export function isSignedByOne(
  raw: Uint8Array,
  authorities: readonly string[],
): boolean {
  const certificate = new X509Certificate(raw);
  return authorities.some((pem) => isSignedBy(certificate, pem));
}

function isSignedBy(certificate: X509Certificate, authority: string): boolean {
  try {
    return certificate.verify(new X509Certificate(authority).publicKey);
  } catch {
    // With a key of a kind that nothing here can use.
    return false;
  }
}

/** A certificate that lists no purposes is for all; these bytes are nothing else in one. */
function isForServers(raw: Uint8Array): boolean {
  const bytes = Buffer.from(raw);
  return !bytes.includes(EXTENDED_KEY_USAGE) ||
    bytes.includes(SERVER_AUTHENTICATION);
}

function nameIn(
  entity: { readonly CN?: string | string[]; readonly O?: string | string[] },
): string {
  return String(entity.CN ?? entity.O ?? "nobody");
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
