/**
 * A CA, a certificate for Fluentd, and one for this program.
 *
 * @module
 */

import { createPrivateKey } from "node:crypto";
import { abortable } from "../vendor/async.ts";
import {
  type CertificateOptions,
  createAuthority,
  issueCertificate,
  type IssuedCertificate,
  type KeyType,
  type Usage,
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

/** All that is needed for mutual TLS. */
export interface Credentials {
  readonly ca: IssuedCertificate;
  readonly server: IssuedCertificate;
  readonly client: IssuedCertificate;
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
  const issue = (
    name: Usage,
    subject: Omit<CertificateOptions, "keyType" | "validity" | "usages">,
  ) =>
    tell(
      name,
      () =>
        issueCertificate(ca, { ...subject, keyType, validity, usages: [name] }),
    );
  const [server, client] = await Promise.all([
    issue("server", { commonName: serverName, dnsNames, ipAddresses }),
    issue("client", { commonName: "teleport-event-handler" }),
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
