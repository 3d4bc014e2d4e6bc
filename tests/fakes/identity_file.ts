/**
 * Identity files as `tctl auth sign --format=file` writes them.
 *
 * @module
 */

import type { IssuedCertificate } from "../../lib/configure/certificates.ts";
import { CLIENT_NAME, type Pki, teleportPki } from "./pki.ts";

/** What an identity file may differ in from that of the cluster's client. */
export interface IdentityOptions {
  readonly client?: IssuedCertificate;
  /** Defaults to the client's own key. */
  readonly privateKeyPem?: string;
  readonly pki?: Pki;
}

/**
 * The text of an identity file: private key, SSH certificate, TLS certificate,
 * known hosts, CAs. The SSH lines are of the right form, and good for nothing.
 */
export async function identityText(
  options: IdentityOptions = {},
): Promise<string> {
  const { pki = await teleportPki() } = options;
  const { client = pki.client } = options;
  const { privateKeyPem = client.privateKeyPem } = options;
  return [
    privateKeyPem,
    `${
      sshLine("ecdsa-sha2-nistp256-cert-v01@openssh.com", 900)
    } ${CLIENT_NAME}\n`,
    client.certificatePem,
    `@cert-authority tele.example.com,*.tele.example.com ${
      sshLine("ecdsa-sha2-nistp256", 104)
    } type=host\n`,
    pki.authority.certificatePem,
  ].join("");
}

/** An SSH key's type, and its base64: the length of the type, the type, and the rest. */
function sshLine(type: string, length: number): string {
  const blob = new Uint8Array(length).fill(0x5a);
  new DataView(blob.buffer).setUint32(0, type.length);
  blob.set(new TextEncoder().encode(type), 4);
  return `${type} ${blob.toBase64()}`;
}
