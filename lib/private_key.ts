/**
 * Private keys on disk: read, checked together with their certificate, and
 * described in words where something is wrong with them.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { IS_VERSION_1 } from "./certificate_flaws.ts";
import {
  type Certificate,
  damagedCertificate,
  pemBlocks,
  readCredentialFile,
  tlsRefusal,
} from "./credentials.ts";
import { ConfigError, describe } from "./errors.ts";
import { logger } from "./log.ts";

/** Whether a PEM block is a private key of any kind. */
export function isPrivateKey(block: string): boolean {
  return /^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----/.test(block);
}

/** Permission bits with which others than the owner may read a file. */
const OTHERS_MAY_READ = 0o044;

/**
 * Reads a file that holds a private key, and warns where others than its owner
 * may read it too. Windows has other means than permission bits.
 *
 * @throws {ConfigError} naming the role and the file
 */
export async function readPrivateKeyFile(
  path: string,
  role: string,
): Promise<string> {
  const text = await readCredentialFile(path, role);
  const { mode } = await Deno.stat(path);
  if (Deno.build.os !== "windows" && ((mode ?? 0) & OTHERS_MAY_READ) !== 0) {
    logger("credentials").warn(
      "a private key can be read by others than its owner: chmod 600 this file",
      { option: role, file: path },
    );
  }
  return text;
}

/**
 * Checks that a private key can be used, and belongs to its certificate.
 * An encrypted key is decrypted, since TLS clients fail on one without a word.
 *
 * @returns The key in PEM, not encrypted
 * @throws {ConfigError} naming the file
 */
export function parsePrivateKey(
  text: string,
  options: {
    path: string;
    role: string;
    certificate: Certificate;
    /** What to do about an encrypted key, or the passphrase that opens it. */
    passphrase: { readonly remedy: string } | {
      readonly value: string | Buffer;
    };
  },
): string {
  const { path, role, certificate, passphrase } = options;
  const block = pemBlocks(text).find(isPrivateKey);
  if (block === undefined) {
    throw new ConfigError([`${role}: ${path} holds no private key in PEM`]);
  }
  const encrypted = block.includes("ENCRYPTED");
  if (encrypted && "remedy" in passphrase) {
    throw new ConfigError([
      `${role}: the private key in ${path} is encrypted: ${passphrase.remedy}`,
    ]);
  }
  let key: KeyObject;
  try {
    key = encrypted && "value" in passphrase
      ? createPrivateKey({ key: block, passphrase: passphrase.value })
      : createPrivateKey(block);
  } catch (cause) {
    throw new ConfigError([
      encrypted
        ? `${role}: cannot decrypt the private key in ${path}: ${
          decryptionHint(describe(cause))
        }`
        : `${role}: the private key in ${path} is damaged: ${describe(cause)}`,
    ], { cause });
  }
  if (!new X509Certificate(certificate.pem).checkPrivateKey(key)) {
    throw new ConfigError([
      `${role}: the private key in ${path} does not belong to the certificate in ${certificate.path}`,
    ]);
  }
  const pem = encrypted ? decryptedPem(key, { path, role }) : block + "\n";
  proveUsable(pem, { path, role }, certificate);
  return pem;
}

/** Of kinds that cannot be written down again, TLS takes none. */
function decryptedPem(
  key: KeyObject,
  { path, role }: { readonly path: string; readonly role: string },
): string {
  try {
    return key.export({ type: "pkcs8", format: "pem" }).toString();
  } catch (cause) {
    throw unusableKey({ path, role }, cause);
  }
}

/**
 * TLS takes fewer kinds of keys and certificates than OpenSSL, which has looked at
 * these: whoever is at the other end, each connection would fail with the others,
 * in words that name neither.
 */
function proveUsable(
  key: string,
  { path, role }: { readonly path: string; readonly role: string },
  certificate: Certificate,
): void {
  const cause = tlsRefusal({ key, cert: certificate.pem });
  if (cause === undefined) return;
  const text = describe(cause);
  if (text.includes("UnsupportedCertVersion")) {
    throw new ConfigError([
      `${certificate.role}: the certificate in ${certificate.path} ${IS_VERSION_1}`,
    ], { cause });
  }
  if (/Unable to decode certificate|invalid peer certificate/.test(text)) {
    throw damagedCertificate(certificate, cause);
  }
  if (!text.includes("failed to parse private key")) return;
  throw unusableKey({ path, role }, cause);
}

function unusableKey(
  { path, role }: { readonly path: string; readonly role: string },
  cause: unknown,
): ConfigError {
  return new ConfigError([
    `${role}: TLS cannot use the private key in ${path}: take RSA of 2048 bits or more, ECDSA with P-256, P-384 or P-521, or Ed25519`,
  ], { cause });
}

/**
 * Older ciphers, such as 3DES in PKCS#8, are unknown here; and so is, one time in
 * 256, what a wrong passphrase makes of a key.
 */
function decryptionHint(reason: string): string {
  return /unsupported/.test(reason)
    ? `is the passphrase right, and the cipher one of today, as with openssl pkcs8 -topk8 -v2 aes-256-cbc? (${reason})`
    : `is the passphrase right? (${reason})`;
}
