/**
 * Fluentd's CA and our client certificate, from files.
 *
 * @module
 */

import {
  parseAuthorities,
  parseCertificate,
  parsePrivateKey,
  readCredentialFile,
  readPrivateKeyFile,
} from "../credentials.ts";
import type { TlsOptions } from "./lane.ts";

/** Where the certificates are. */
export interface TlsFiles {
  /** PEM file of the receiver's CA; undefined: the system's roots. */
  readonly caFile: string | undefined;
  /** Undefined: no client certificate is shown. */
  readonly client: {
    readonly certFile: string;
    readonly keyFile: string;
    readonly keyPassphraseFile: string | undefined;
  } | undefined;
}

/**
 * Reads and checks the files.
 *
 * @throws {ConfigError} naming the option, the file, and the date where it is about one
 */
export async function loadTls(
  files: TlsFiles,
  nowMs: number,
): Promise<TlsOptions> {
  const { caFile, client } = files;
  return {
    caCerts: caFile === undefined
      ? []
      : parseAuthorities(await readCredentialFile(caFile, "fluentd-ca"), {
        path: caFile,
        role: "fluentd-ca",
      }),
    client: client === undefined ? undefined : await loadClient(client, nowMs),
  };
}

async function loadClient(
  files: NonNullable<TlsFiles["client"]>,
  nowMs: number,
): Promise<{ cert: string; key: string }> {
  const { certFile, keyFile, keyPassphraseFile } = files;
  const certificate = parseCertificate(
    await readCredentialFile(certFile, "fluentd-cert"),
    { path: certFile, role: "fluentd-cert", nowMs },
  );
  const passphrase = keyPassphraseFile === undefined
    ? {
      remedy:
        "name the file with its passphrase in fluentd-key-passphrase-file",
    }
    : {
      value: (await readCredentialFile(
        keyPassphraseFile,
        "fluentd-key-passphrase-file",
      )).replace(/\r?\n$/, ""),
    };
  const key = parsePrivateKey(
    await readPrivateKeyFile(keyFile, "fluentd-key"),
    { path: keyFile, role: "fluentd-key", certificate, passphrase },
  );
  return { cert: certificate.pem, key };
}
