/**
 * The tests' certificates on disk, readable by the owner alone.
 *
 * @module
 */

import { join } from "node:path";
import { identityText } from "./identity_file.ts";
import { fluentdPki, type Pki, teleportPki } from "./pki.ts";

/** Paths of one end's authority, certificate and key. */
export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Both ends of a connection. */
export interface PkiPaths {
  readonly server: TlsPaths;
  readonly client: TlsPaths;
}

/** Where a Teleport cluster's credentials are. */
export interface TeleportPaths extends PkiPaths {
  readonly identity: string;
}

/** Writes `teleport-*` files and the identity file into an existing directory. */
export async function writeTeleportPki(
  directory: string,
  pki?: Pki,
): Promise<TeleportPaths> {
  pki ??= await teleportPki();
  const identity = join(directory, "identity");
  await writeSecret(identity, await identityText({ pki }));
  return { ...await writePki(directory, "teleport", pki), identity };
}

/** Writes `fluentd-*` files into an existing directory. */
export async function writeFluentdPki(
  directory: string,
  pki?: Pki,
): Promise<PkiPaths> {
  return await writePki(directory, "fluentd", pki ?? await fluentdPki());
}

/** Writes a file with mode 0600, also where it existed with another. */
export async function writeSecret(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  await Deno.chmod(path, 0o600);
}

async function writePki(
  directory: string,
  prefix: string,
  { authority, server, client }: Pki,
): Promise<PkiPaths> {
  const write = async (name: string, text: string) => {
    const path = join(directory, `${prefix}-${name}`);
    await writeSecret(path, text);
    return path;
  };
  const ca = await write("ca.crt", authority.certificatePem);
  return {
    server: {
      ca,
      cert: await write("server.crt", server.certificatePem),
      key: await write("server.key", server.privateKeyPem),
    },
    client: {
      ca,
      cert: await write("client.crt", client.certificatePem),
      key: await write("client.key", client.privateKeyPem),
    },
  };
}
