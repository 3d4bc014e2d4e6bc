/**
 * Certificates on disk: read, checked as far as that goes without a server, and
 * described in words where something is wrong with them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { ConfigError, describe } from "./errors.ts";
import { whyUnreadable } from "./unreadable.ts";

/** PEM text, and from when until when it is good. */
export interface Certificate {
  /** The certificate, and the chain that came with it. */
  readonly pem: string;
  /** Beginning of the certificate, milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** End of the certificate, milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** The file that it was read from, for messages. */
  readonly path: string;
  /** The option that names it, for messages. */
  readonly role: string;
}

/** A certificate that is in use, and its time. */
export interface Term {
  /** The option that it comes from, e.g. `fluentd-cert`, and what it is there. */
  readonly name: string;
  /** The file that it was read from. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Where the credentials for Teleport are. */
export type IdentitySource = IdentityFile | CredentialFiles;

/**
 * One file with everything in it, as `tctl auth sign --format=file` writes it. To
 * begin with, it may be a directory, in which tbot keeps such a file, or three.
 */
export interface IdentityFile {
  readonly kind: "identity";
  readonly file: string;
}

/** Three PEM files. */
export interface CredentialFiles {
  readonly kind: "files";
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where what is shown to Fluentd and trusted of it is. */
export interface TlsFiles {
  /** PEM file of the receiver's CA; undefined: the system's roots. */
  readonly caFile: string | undefined;
  /** Undefined: no client certificate is shown. */
  readonly client: {
    readonly certFile: string;
    readonly keyFile: string;
    /** Where the key is encrypted. */
    readonly keyPassphraseFile: string | undefined;
  } | undefined;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The PEM blocks of a text, in order; what stands between them is left out, and so
 * are blanks at the ends of their lines, which not everything reads over.
 */
export function pemBlocks(text: string): string[] {
  const blocks: string[] = text.match(PEM_BLOCK) ?? [];
  return blocks.map((block) => block.replace(/[ \t]+$/gm, ""));
}

/** Whether a text ends within a PEM block: somebody is still writing it. */
export function endsWithinBlock(text: string): boolean {
  return text.replace(PEM_BLOCK, "").includes("-----BEGIN ");
}

function isCertificate(block: string): boolean {
  return block.startsWith("-----BEGIN CERTIFICATE-----");
}

/**
 * Reads a text file.
 *
 * @param role What the file is for, e.g. `teleport-identity`
 * @throws {ConfigError} naming the role and the file
 */
export async function readCredentialFile(
  path: string,
  role: string,
): Promise<string> {
  const text = await attempt(Deno.readTextFile, path, role);
  if (text === "" && !(await attempt(Deno.stat, path, role)).isFile) {
    throw new ConfigError([
      `${role}: ${path} is no file but, as it seems, a pipe, which can be read only once: ` +
      "write it into a file, for it is read again to look for renewed ones",
    ]);
  }
  return text;
}

/**
 * Reads a file with a passphrase, without its last line end. It need not be UTF-8.
 *
 * @throws {ConfigError} naming the role and the file
 */
export async function readPassphraseFile(
  path: string,
  role: string,
): Promise<Buffer> {
  const bytes = Buffer.from(await attempt(Deno.readFile, path, role));
  if (bytes.at(-1) !== LINE_FEED) return bytes;
  return bytes.subarray(0, bytes.at(-2) === CARRIAGE_RETURN ? -2 : -1);
}

async function attempt<T>(
  read: (path: string) => Promise<T>,
  path: string,
  role: string,
): Promise<T> {
  try {
    return await read(path);
  } catch (error) {
    throw new ConfigError([
      `${role}: cannot read ${path}: ${whyUnreadable(error)}`,
    ], {
      cause: error,
    });
  }
}

/**
 * Checks a certificate, chain included.
 *
 * @throws {ConfigError} where `text` has no certificate, a broken one, or one
 * that ended before `nowMs`, naming the file and the date
 */
export function parseCertificate(
  text: string,
  options: { path: string; role: string; nowMs: number },
): Certificate {
  const { path, role, nowMs } = options;
  const blocks = pemBlocks(text).filter(isCertificate);
  const [first] = blocks;
  if (first === undefined) {
    throw new ConfigError([`${role}: ${path} holds no certificate in PEM`]);
  }
  if (endsWithinBlock(text)) {
    throw new ConfigError([
      `${role}: ${path} is incomplete: its last PEM block has no end; is it still being written?`,
    ]);
  }
  const { validFromDate, validToDate } = parseX509(first, path, role);
  const notAfterMs = validToDate.getTime();
  if (notAfterMs <= nowMs) {
    throw new ConfigError([
      `${role}: the certificate in ${path} expired on ${validToDate.toISOString()}: renew it and try again`,
    ]);
  }
  return {
    pem: blocks.join("\n") + "\n",
    notBeforeMs: validFromDate.getTime(),
    notAfterMs,
    path,
    role,
  };
}

/**
 * Checks a bundle of CA certificates. Expired ones are let through: a bundle may
 * hold an old CA beside its successor.
 *
 * @throws {ConfigError} where there is none, or one is broken
 */
export function parseAuthorities(
  text: string,
  options: { path: string; role: string },
): string[] {
  const { path, role } = options;
  const blocks = pemBlocks(text).filter(isCertificate);
  if (blocks.length === 0) {
    throw new ConfigError([`${role}: ${path} holds no CA certificate in PEM`]);
  }
  for (const block of blocks) parseX509(block, path, role);
  if (endsWithinBlock(text)) {
    throw new ConfigError([
      `${role}: ${path} is incomplete: its last PEM block has no end; is it still being written?`,
    ]);
  }
  return blocks;
}

/**
 * The time of a bundle of CAs: of the one that ends last, for a bundle may hold
 * an old CA beside its successor.
 *
 * @param authorities As `parseAuthorities` returns them: one at least
 */
export function termOfAuthorities(
  authorities: readonly string[],
  { name, path }: Pick<Term, "name" | "path">,
): Term {
  let last = { notBeforeMs: 0, notAfterMs: 0 };
  for (const pem of authorities) {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    const notAfterMs = validToDate.getTime();
    if (notAfterMs <= last.notAfterMs) continue;
    last = { notBeforeMs: validFromDate.getTime(), notAfterMs };
  }
  return { name, path, ...last };
}

/**
 * The time of what a file holds: of a certificate of our own, the first in it, or
 * of CAs. It may be over.
 *
 * @throws {ConfigError} naming the option and the file
 */
export async function readTerm(
  { name, file, kind }: {
    readonly name: string;
    readonly file: string;
    readonly kind: "own" | "authorities";
  },
): Promise<Term> {
  const text = await readCredentialFile(file, name);
  const about = { path: file, role: name };
  if (kind === "authorities") {
    const pems = parseAuthorities(text, about);
    return termOfAuthorities(pems, { name, path: file });
  }
  const { notBeforeMs, notAfterMs } = parseCertificate(text, {
    ...about,
    nowMs: -Infinity,
  });
  return { name, path: file, notBeforeMs, notAfterMs };
}

function parseX509(block: string, path: string, role: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw damagedCertificate({ path, role }, cause);
  }
}

/** What a TLS client is made of. */
type Shown =
  | Pick<Deno.CreateHttpClientOptions, "caCerts">
  | Deno.TlsCertifiedKeyPem;

/**
 * Why TLS does not take what something else has read already; undefined where it
 * does, or takes nothing at all: the runtime's own roots may be no good.
 */
export function tlsRefusal(options: Shown): unknown {
  const error = tlsError(options);
  return error === undefined || tlsError() !== undefined ? undefined : error;
}

/** Why a TLS client cannot be made of these, with the roots that there are. */
export function tlsError(options: Shown = {}): unknown {
  try {
    Deno.createHttpClient(options).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The error about a file with a certificate that is not what was issued. */
export function damagedCertificate(
  { path, role }: { readonly path: string; readonly role: string },
  cause: unknown,
): ConfigError {
  return new ConfigError([
    `${role}: a certificate in ${path} is damaged: ${describe(cause)}`,
  ], { cause });
}
