/**
 * Private keys in the forms in which people bring them.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";

/** PKCS#1 is for RSA keys alone, SEC1 for those of ECDSA. */
export type PrivateKeyForm = "pkcs1" | "sec1" | "pkcs8";

/**
 * The same key in another form, and encrypted where there is a passphrase: so that
 * those that are wrong are refused, while of one in 256 the padding seems right.
 */
export function convertPrivateKey(
  privateKeyPem: string,
  { form, passphrase, wrong = [] }: {
    readonly form: PrivateKeyForm;
    readonly passphrase?: string | Buffer;
    readonly wrong?: readonly string[];
  },
): string {
  const encryption = passphrase !== undefined &&
    { cipher: "aes-256-cbc", passphrase };
  const key = createPrivateKey(privateKeyPem);
  while (true) {
    const pem = key.export({ type: form, format: "pem", ...encryption })
      .toString();
    if (wrong.every((it) => isRefused(pem, it))) return pem;
  }
}

function isRefused(key: string, passphrase: string): boolean {
  try {
    createPrivateKey({ key, passphrase });
    return false;
  } catch (error) {
    return !`${error}`.includes("unsupported");
  }
}
