/**
 * The certificate that a server shows, and what is wrong with it whoever signed it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import {
  IS_AUTHORITY,
  IS_NOT_FOR_SERVERS,
  IS_VERSION_1,
} from "../certificate_flaws.ts";

/** What is kept of a certificate. */
export interface ServerCertificate {
  /** DNS names and addresses, or else the common name. */
  readonly names: readonly string[];
  /** Whether DNS names are among them: the common name counts for nothing any more. */
  readonly hasDnsNames: boolean;
  /** The name of the authority that signed it. */
  readonly issuer: string;
  /** Its beginning, milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** Its end, milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Whether it is of X.509 version 3; those before it have no extensions. */
  readonly isVersion3: boolean;
  /** Whether it is that of a CA. */
  readonly isAuthority: boolean;
  /** Whether servers may show it. */
  readonly isForServers: boolean;
}

/** Object identifiers in DER: the extension "extended key usage", and "server authentication". */
const EXTENDED_KEY_USAGE = Buffer.from("0603551d25", "hex");
const SERVER_AUTHENTICATION = Buffer.from("06082b06010505070301", "hex");
/** The tag in DER of a certificate's version. */
const VERSION_TAG = 0xa0;

/** Reads what is of interest here. */
export function readServerCertificate(
  certificate: PeerCertificate,
): ServerCertificate {
  const { subject, issuer, subjectaltname, ca, raw } = certificate;
  // Mail addresses and the like name no host.
  const entries = (subjectaltname ?? "").split(", ")
    .filter((entry) => /^(DNS|IP Address):./.test(entry));
  const names = entries.map((entry) => entry.replace(/^[^:]*:/, ""));
  return {
    names: names.length > 0 ? names : [nameIn(subject)],
    hasDnsNames: entries.some((entry) => entry.startsWith("DNS:")),
    issuer: nameIn(issuer),
    notBeforeMs: Date.parse(certificate.valid_from),
    notAfterMs: Date.parse(certificate.valid_to),
    isVersion3: isVersion3(raw),
    isAuthority: ca,
    isForServers: isForServers(raw),
  };
}

/** What makes a certificate unfit, whoever signed it; undefined: nothing of the kind. */
export function flawOf(
  { notBeforeMs, notAfterMs, isVersion3, isAuthority, isForServers }:
    ServerCertificate,
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
  if (!isVersion3) return `its certificate ${IS_VERSION_1}`;
  if (isAuthority) return `its certificate ${IS_AUTHORITY}`;
  if (!isForServers) return `its certificate ${IS_NOT_FOR_SERVERS}`;
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

/** What is signed begins with the version, which version 1 leaves out. */
function isVersion3(raw: Uint8Array): boolean {
  const signed = contentOf(raw);
  return signed !== undefined && contentOf(signed)?.[0] === VERSION_TAG;
}

/** What is in an object in DER, and behind it, without its tag and length. */
function contentOf(der: Uint8Array): Uint8Array | undefined {
  const length = der[1];
  if (length === undefined) return undefined;
  return der.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
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
