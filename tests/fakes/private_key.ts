/**
 * Private keys in the forms in which people bring them.
 *
 * @module
 */

import { createPrivateKey } from "node:crypto";

/** PKCS#1 is for RSA keys alone, SEC1 for those of ECDSA. */
export type PrivateKeyForm = "pkcs1" | "sec1" | "pkcs8";

/** The same key in another form, and encrypted where there is a passphrase. */
export function convertPrivateKey(
  privateKeyPem: string,
  { form, passphrase }: {
    readonly form: PrivateKeyForm;
    readonly passphrase?: string;
  },
): string {
  const encryption = passphrase !== undefined &&
    { cipher: "aes-256-cbc", passphrase };
  return createPrivateKey(privateKeyPem)
    .export({ type: form, format: "pem", ...encryption }).toString();
}
