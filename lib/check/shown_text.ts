/**
 * Certificates in words.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { rfc3339, secondOf } from "../rfc3339.ts";
import type { Shown } from "../teleport/tls.ts";

/** What a server showed. */
export function shownText({ names, issuer, notAfterMs }: Shown): string {
  return `a certificate for ${
    names.join(", ")
  }, signed by ${issuer}, good until ${dateOf(notAfterMs)}`;
}

/** The names of the CAs that are trusted. */
export function authorityNames(authorities: readonly string[]): string {
  return [...new Set(authorities.map(nameOf))].join(", ");
}

/** RFC 3339 without the fraction. */
export function dateOf(timeMs: number): string {
  return rfc3339(secondOf(timeMs));
}

/** The common name, or else the organization. */
function nameOf(pem: string): string {
  const lines = new X509Certificate(pem).subject.split("\n");
  const find = (key: string) =>
    lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  return find("CN") ?? find("O") ?? "nobody";
}
