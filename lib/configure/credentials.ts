/**
 * A CA, a certificate for Fluentd, and one for this program.
 *
 * @module
 */

import { createPrivateKey } from "node:crypto";
import { abortable } from "../vendor/async.ts";
import {
  createAuthority,
  issueCertificate,
  type KeyType,
  type Validity,
} from "./certificates.ts";

// Clocks differ: a certificate is not to be refused by one that is behind.
const BACKDATED_MS = 300_000;

/** What certificates are made for. */
export interface CredentialOptions {
  readonly keyType: KeyType;
  readonly ttlMs: number;
  readonly nowMs: number;
  readonly serverName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** A certificate and its private key, in PEM and not encrypted. */
interface Credential {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** All that is needed for mutual TLS. */
export interface Credentials {
  readonly ca: Credential;
  readonly server: Credential;
  readonly client: Credential;
}

/** What goes on while credentials are made. */
export interface Making {
  /** Gives up, though a key that is begun goes on being made. */
  readonly stop: AbortSignal;
  /** Called for each certificate that is made. */
  readonly onMade: (name: keyof Credentials) => void;
}

/**
 * Makes keys and certificates; with RSA of 4096 bits that takes seconds.
 *
 * @throws `stop.reason`
 */
export async function createCredentials(
  options: CredentialOptions,
  { stop, onMade }: Making,
): Promise<Credentials> {
  const { keyType, ttlMs, nowMs, serverName, dnsNames, ipAddresses } = options;
  const validity: Validity = {
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + ttlMs),
  };
  const tell = async <T>(name: keyof Credentials, make: () => Promise<T>) => {
    stop.throwIfAborted();
    const credential = await abortable(make(), stop);
    onMade(name);
    return credential;
  };
  const ca = await tell(
    "ca",
    () =>
      createAuthority({
        commonName: "teleport-event-handler CA",
        keyType,
        validity,
      }),
  );
  const [server, client] = await Promise.all([
    tell(
      "server",
      () =>
        issueCertificate(ca, {
          commonName: serverName,
          dnsNames,
          ipAddresses,
          keyType,
          validity,
          usages: ["server"],
        }),
    ),
    tell(
      "client",
      () =>
        issueCertificate(ca, {
          commonName: "teleport-event-handler",
          keyType,
          validity,
          usages: ["client"],
        }),
    ),
  ]);
  return { ca, server, client };
}

/** The same key in encrypted PKCS#8. */
export function encryptKey(privateKeyPem: string, password: string): string {
  return createPrivateKey(privateKeyPem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: password,
  }).toString();
}
