/**
 * What a Fluentd shows to its clients, and which of them it trusts.
 *
 * @module
 */

import { createPrivateKey } from "node:crypto";
import type { Pki } from "./pki.ts";

/** PEM texts. */
export interface FluentdTls {
  readonly cert: string;
  readonly key: string;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** Client certificates have to be signed by this. */
  readonly ca: string;
}

/** The server's end of the tests' certificates. */
export function fluentdTls({ authority, server }: Pki): FluentdTls {
  return {
    cert: server.certificatePem,
    key: server.privateKeyPem,
    ca: authority.certificatePem,
  };
}

/** The private key without its encryption. */
export function decryptedKey({ key, passphrase }: FluentdTls): string {
  if (passphrase === undefined) return key;
  return createPrivateKey({ key, passphrase })
    .export({ type: "pkcs8", format: "pem" }).toString();
}
