/**
 * `configure`: makes the files to start with.
 *
 * @module
 */

import { resolve } from "node:path";
import { checkPassword } from "../config/password.ts";
import type { Options } from "../config/read_options.ts";
import type { KeyType } from "../configure/certificates.ts";
import {
  createCredentials,
  type Credentials,
} from "../configure/credentials.ts";
import { fileNames, makeFiles } from "../configure/file_set.ts";
import { existingNames, writeFiles } from "../configure/files.ts";
import { placeholderIn } from "../configure/fluent_conf.ts";
import { nextSteps, passwordNotice } from "../configure/next_steps.ts";
import type { Setup } from "../configure/setup.ts";
import { readLine } from "../configure/stdin.ts";
import { ConfigError, describe } from "../errors.ts";
import { StoppedError } from "./signals.ts";
import { ExitStatus } from "./exit_status.ts";
import { complain, print, tell } from "./print.ts";

/** They are made all the same, for whoever has the Go handler use them. */
const TOO_SHORT =
  "configure: keys of 1024 bits are too short for this program, and for OpenSSL 3 unless it is told otherwise: give --length 2048 or 4096";

/** The password of the server's key, and whether somebody has to be told of it. */
interface ServerPassword {
  readonly text: string;
  readonly isNew: boolean;
}

/**
 * Writes certificates, role and configurations, and prints what to do next.
 *
 * @throws {ConfigError} where that cannot be done or is not wanted: nothing is
 * written then
 * @throws {StoppedError} where nothing is written yet
 */
export async function runConfigure(
  options: Options,
  stop: AbortSignal,
): Promise<number> {
  const setup = toSetup(options);
  const { replace, password, files } = await prepare(options, setup, stop);
  try {
    await writeFiles(setup.directory, files, { replace });
  } catch (cause) {
    throw cannot(`write to ${setup.directory}; nothing is written`, cause);
  }
  const names = files.map(({ name }) => `  ${name}\n`).join("");
  const notice = password.isNew ? passwordNotice(setup, password.text) : "";
  print(
    `Written to ${setup.directory}:\n\n${names}\n${notice}${nextSteps(setup)}`,
  );
  return ExitStatus.Done;
}

/**
 * Everything up to the first change on disk.
 *
 * @throws {StoppedError}
 */
async function prepare(options: Options, setup: Setup, stop: AbortSignal) {
  try {
    const replace = await agreeToReplace(setup, {
      force: options.value("force"),
      stop,
    });
    const password = await serverPassword(stop);
    const what = toCredentialOptions(options);
    if (what.keyType === "rsa-1024") complain([TOO_SHORT]);
    const credentials = await createCredentials(what, {
      stop,
      onMade: showMaking(what.keyType),
    });
    const material = { credentials, serverPassword: password.text };
    const files = makeFiles(setup, material);
    stop.throwIfAborted();
    return { replace, password, files };
  } catch (error) {
    if (error !== stop.reason || !(error instanceof StoppedError)) throw error;
    throw new StoppedError(
      error.signal,
      "while configuring: nothing is written",
    );
  }
}

/** For people who wait. */
function showMaking(keyType: KeyType): (name: keyof Credentials) => void {
  if (!Deno.stderr.isTerminal()) return () => {};
  let made = 0;
  tell(`Making three keys (${keyType}); large RSA keys take a while.\n`);
  return (name) => tell(`  ${++made} of 3: ${name}\n`);
}

function toSetup({ value, operands }: Options): Setup {
  const [out = "", teleportAddress = "", ca = "", server = "", client = ""] =
    operands;
  const directory = resolve(out);
  const problems = [...directoryProblems(directory)];
  if (new Set([ca, server, client]).size < 3) {
    problems.push(
      "configure: ca-name, server-name and client-name have to differ",
    );
  }
  const fluentdHost =
    value("dns-names").find((name) => !name.startsWith("*")) ??
      value("ip")[0];
  if (fluentdHost === undefined) {
    problems.push(
      "configure: Fluentd needs a name without a star, or an address: give --dns-names or --ip",
    );
  }
  if (fluentdHost === undefined || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return {
    directory,
    teleportAddress,
    fluentdHost,
    names: { ca, server, client },
    lockUsers: value("lock-enabled"),
    clientKeyPassword: value("client-key-password"),
  };
}

/** The directory is in the path that Fluentd writes to. */
function* directoryProblems(directory: string): Generator<string> {
  const placeholder = placeholderIn(directory);
  if (placeholder === undefined) return;
  yield `configure: out: ${JSON.stringify(placeholder)} in ${
    JSON.stringify(directory)
  } means something else to Fluentd: name another directory`;
}

function toCredentialOptions({ value }: Options) {
  const keyType: KeyType = value("key-type") === "rsa"
    ? `rsa-${value("length")}`
    : "ecdsa-p256";
  return {
    keyType,
    ttlMs: value("ttl"),
    nowMs: Date.now(),
    serverName: value("cn"),
    dnsNames: value("dns-names"),
    ipAddresses: value("ip"),
  };
}

/** @returns Names of files that are to be overwritten */
async function agreeToReplace(
  setup: Setup,
  { force, stop }: { readonly force: boolean; readonly stop: AbortSignal },
): Promise<string[]> {
  let existing: string[];
  try {
    existing = existingNames(setup.directory, fileNames(setup));
  } catch (cause) {
    throw cannot(`write to ${setup.directory}`, cause);
  }
  if (existing.length === 0 || force) return existing;
  const found = `${setup.directory} has ${existing.join(", ")} already`;
  if (!Deno.stdin.isTerminal()) {
    throw new ConfigError([
      `configure: ${found}: name another directory, or overwrite with --force`,
    ]);
  }
  tell(`${found}.\nOverwrite? [y/N] `);
  const answer = await readLine(stop).finally(() => {
    if (stop.aborted) tell("\n");
  });
  if (/^y(es)?$/i.test(answer.trim())) return existing;
  throw new ConfigError(["configure: nothing is written"]);
}

/** What a pipe carries; else, at a terminal or without a word, a new one. */
async function serverPassword(stop: AbortSignal): Promise<ServerPassword> {
  const text = Deno.stdin.isTerminal() ? "" : await readLine(stop);
  if (text === "") {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return { text: bytes.toHex(), isNew: true };
  }
  try {
    return { text: checkPassword(text), isNew: false };
  } catch (cause) {
    throw cannot("take the password from standard input", cause);
  }
}

function cannot(what: string, cause: unknown): ConfigError {
  return new ConfigError([`configure: cannot ${what}: ${describe(cause)}`], {
    cause,
  });
}
