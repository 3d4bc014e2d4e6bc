/**
 * Fluentd's CA and our client certificate, from files.
 *
 * @module
 */

import {
  damagedCertificate,
  parseAuthorities,
  parseCertificate,
  readCredentialFile,
  readPassphraseFile,
  type Term,
  termOfAuthorities,
  type TlsFiles,
  tlsRefusal,
} from "../credentials.ts";
import { allOrProblems } from "../errors.ts";
import { parsePrivateKey, readPrivateKeyFile } from "../private_key.ts";
import type { TlsOptions } from "./lane.ts";

/** What is shown and trusted, and for how long. */
export interface FluentdTls extends TlsOptions {
  readonly terms: readonly Term[];
}

/** The files, those that are there to open others included. */
export function tlsPaths({ caFile, client }: TlsFiles): string[] {
  return [
    caFile,
    client?.certFile,
    client?.keyFile,
    client?.keyPassphraseFile,
  ].filter((path) => path !== undefined);
}

/**
 * Reads and checks the files.
 *
 * @throws {ConfigError} naming the option, the file, and the date where it is about one
 */
export async function loadTls(
  files: TlsFiles,
  nowMs: number,
): Promise<FluentdTls> {
  const { caFile, client: own } = files;
  const [authorities, client] = await allOrProblems([
    caFile === undefined ? undefined : loadAuthorities(caFile),
    own === undefined ? undefined : loadClient(own, nowMs),
  ]);
  return {
    caCerts: authorities?.pems ?? [],
    client: client?.shown,
    terms: [client?.term, authorities?.term].filter((it) => it !== undefined),
  };
}

async function loadAuthorities(
  path: string,
): Promise<{ pems: string[]; term: Term }> {
  const name = "fluentd-ca";
  const text = await readCredentialFile(path, name);
  const pems = parseAuthorities(text, { path, role: name });
  // Each connection would fail, in words that blame the server's certificate.
  const refusal = tlsRefusal({ caCerts: pems });
  if (refusal !== undefined) {
    throw damagedCertificate({ path, role: name }, refusal);
  }
  return { pems, term: termOfAuthorities(pems, { name, path }) };
}

async function loadClient(
  files: NonNullable<TlsFiles["client"]>,
  nowMs: number,
): Promise<{ shown: { cert: string; key: string }; term: Term }> {
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
      value: await readPassphraseFile(
        keyPassphraseFile,
        "fluentd-key-passphrase-file",
      ),
    };
  const key = parsePrivateKey(
    await readPrivateKeyFile(keyFile, "fluentd-key"),
    { path: keyFile, role: "fluentd-key", certificate, passphrase },
  );
  const { notBeforeMs, notAfterMs } = certificate;
  return {
    shown: { cert: certificate.pem, key },
    term: { name: "fluentd-cert", path: certFile, notBeforeMs, notAfterMs },
  };
}
