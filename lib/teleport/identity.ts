/**
 * Credentials for Teleport: an identity file, certificate, key and CA files, or a
 * directory in which tbot keeps either.
 *
 * @module
 */

import {
  type Certificate,
  type CredentialFiles,
  endsWithinBlock,
  type IdentitySource,
  parseAuthorities,
  parseCertificate,
  pemBlocks,
  readCredentialFile,
  readTerm,
  type Term,
  termOfAuthorities,
} from "../credentials.ts";
import {
  isPrivateKey,
  parsePrivateKey,
  readPrivateKeyFile,
} from "../private_key.ts";
import { allOrProblems, ConfigError } from "../errors.ts";
import { findOutput, possibleFiles } from "./tbot_output.ts";

/** What a TLS client needs to talk to Teleport. */
export interface Identity {
  readonly certificate: Certificate;
  /** The private key in PEM. */
  readonly privateKey: string;
  /** The authorities, in PEM, that Teleport's own certificates are checked against. */
  readonly authorities: readonly string[];
  /** The file that they are from. */
  readonly authoritiesPath: string;
}

const ENCRYPTED_KEY = {
  remedy:
    "Teleport issues unencrypted keys; decrypt it (openssl pkey) or issue a new one",
};

/**
 * Reads the credentials and checks all that can be checked without a server.
 *
 * @param nowMs Milliseconds since the epoch; a certificate that ended before is refused
 * @throws {ConfigError} naming the file, and the date where it is about one
 */
export async function loadIdentity(
  source: IdentitySource,
  nowMs: number,
): Promise<Identity> {
  if (source.kind === "files") {
    return await loadFiles(source, {
      nowMs,
      roles: { ca: "teleport-ca", cert: "teleport-cert", key: "teleport-key" },
    });
  }
  const role = "teleport-identity";
  const found = await findOutput(source.file);
  if (found.kind === "files") {
    return await loadFiles(found, {
      nowMs,
      roles: { ca: role, cert: role, key: role },
    });
  }
  const text = await readPrivateKeyFile(found.file, role);
  return parseIdentityFile(text, { path: found.file, nowMs });
}

/** The files that the credentials are, or may be, read from. */
export function identityPaths(source: IdentitySource): string[] {
  return source.kind === "identity"
    ? possibleFiles(source.file)
    : [source.caFile, source.certFile, source.keyFile];
}

async function loadFiles(
  { caFile, certFile, keyFile }: CredentialFiles,
  { nowMs, roles }: {
    readonly nowMs: number;
    /** What each file is for. */
    readonly roles: Readonly<Record<"ca" | "cert" | "key", string>>;
  },
): Promise<Identity> {
  const loadOwn = async () => {
    const [certificateText, keyText] = await allOrProblems([
      readCredentialFile(certFile, roles.cert),
      readPrivateKeyFile(keyFile, roles.key),
    ]);
    const certificate = parseCertificate(certificateText, {
      path: certFile,
      role: roles.cert,
      nowMs,
    });
    const privateKey = parsePrivateKey(keyText, {
      path: keyFile,
      role: roles.key,
      certificate,
      passphrase: ENCRYPTED_KEY,
    });
    return { certificate, privateKey };
  };
  const loadAuthorities = async () =>
    parseAuthorities(await readCredentialFile(caFile, roles.ca), {
      path: caFile,
      role: roles.ca,
    });
  const [own, authorities] = await allOrProblems([
    loadOwn(),
    loadAuthorities(),
  ]);
  return { ...own, authorities, authoritiesPath: caFile };
}

/** The certificates of an identity, and their time. */
export function identityTerms(
  { certificate, authorities, authoritiesPath }: Omit<Identity, "privateKey">,
  { kind }: IdentitySource,
): Term[] {
  const { path, notBeforeMs, notAfterMs } = certificate;
  const [name, caName] = kind === "identity"
    ? ["teleport-identity", "teleport-identity (CA)"]
    : ["teleport-cert", "teleport-ca"];
  const ca = { name: caName, path: authoritiesPath };
  return [
    { name, path, notBeforeMs, notAfterMs },
    termOfAuthorities(authorities, ca),
  ];
}

/**
 * The certificates of an identity, be it a file or a directory, and their time, which
 * may be over. Private keys are let alone.
 *
 * @throws {ConfigError} naming the file
 */
export async function readIdentityTerms(path: string): Promise<Term[]> {
  const role = "teleport-identity";
  const found = await findOutput(path);
  if (found.kind === "files") {
    return await Promise.all([
      readTerm({ name: role, file: found.certFile, kind: "own" }),
      readTerm({
        name: `${role} (CA)`,
        file: found.caFile,
        kind: "authorities",
      }),
    ]);
  }
  const about = { path: found.file, role };
  const text = await readCredentialFile(found.file, role);
  const [, , ...authorities] = pemBlocks(text);
  return identityTerms({
    certificate: parseCertificate(text, { ...about, nowMs: -Infinity }),
    authorities: parseAuthorities(authorities.join("\n"), about),
    authoritiesPath: found.file,
  }, found);
}

/**
 * Parses an identity file as `tctl auth sign --format=file` and tbot write it:
 * the first PEM block is the private key, the second the TLS certificate, all
 * later ones are CAs. The SSH lines between them are not ours.
 *
 * @throws {ConfigError} naming the file
 */
export function parseIdentityFile(
  text: string,
  options: { path: string; nowMs: number },
): Identity {
  const { path, nowMs } = options;
  const role = "teleport-identity";
  const [key, certificatePem, ...authorities] = pemBlocks(text);
  if (key === undefined || !isPrivateKey(key)) {
    throw new ConfigError([
      `${role}: ${path} is no identity file: it does not begin with a private ` +
      "key; make one with: tctl auth sign --format=file --user=<user> --out=<file>",
    ]);
  }
  if (certificatePem === undefined || authorities.length === 0) {
    const missing = certificatePem === undefined
      ? "TLS certificate"
      : "CA certificate";
    throw new ConfigError([
      `${role}: ${path} is incomplete: it holds no ${missing}; was it made with --format=file?`,
    ]);
  }
  if (endsWithinBlock(text)) {
    throw new ConfigError([
      `${role}: ${path} is incomplete: its last PEM block has no end; is it still being written?`,
    ]);
  }
  const certificate = parseCertificate(certificatePem, { path, role, nowMs });
  return {
    certificate,
    privateKey: parsePrivateKey(key, {
      path,
      role,
      certificate,
      passphrase: ENCRYPTED_KEY,
    }),
    authorities: parseAuthorities(authorities.join("\n"), { path, role }),
    authoritiesPath: path,
  };
}
