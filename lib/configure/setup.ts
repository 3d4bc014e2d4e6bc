/**
 * What the generated files tell of each other: names, paths and addresses.
 *
 * @module
 */

import { formatAddress } from "../address.ts";
import { join } from "node:path";

/** What a set of files is made for. */
export interface Setup {
  /** Absolute, so that the configurations work from any working directory. */
  readonly directory: string;
  /** host:port of Teleport, as it was written. */
  readonly teleportAddress: string;
  /** A name or address of Fluentd that its certificate is good for. */
  readonly fluentdHost: string;
  /** File names without extension. */
  readonly names: CertificateNames;
  /** Whether repeatedly failing users are to be locked. */
  readonly lockUsers: boolean;
  /** Opens the client's private key; `undefined`: it is not encrypted. */
  readonly clientKeyPassword: string | undefined;
}

/** File names without extension. */
export interface CertificateNames {
  readonly ca: string;
  readonly server: string;
  readonly client: string;
}

/** Teleport's role and user, of the same name. */
export const ROLE = "teleport-event-handler";

/** The file with that role and user. */
export const ROLE_FILE = "teleport-event-handler-role.yaml";
/** Fluentd's configuration. */
export const FLUENTD_FILE = "fluent.conf";
/** This program's configuration. */
export const TOML_FILE = "teleport-event-handler.toml";
/** The client's certificate as a Kubernetes Secret. */
export const SECRET_FILE = "teleport-event-handler-client-tls.yaml";
/** Values for the Helm chart. */
export const VALUES_FILE = "teleport-event-handler-values.yaml";

/** Fluentd's port. */
export const FLUENTD_PORT = 8888;

/** Within the directory. */
export function pathOf({ directory }: Setup, name: string): string {
  return join(directory, name);
}

/** The file with the password of the client's private key. */
export function passphraseFile({ names }: Setup): string {
  return `${names.client}.key.passphrase`;
}

/** Where events and recordings go. */
export function fluentdUrls(
  { fluentdHost }: Setup,
): { readonly url: string; readonly sessionUrl: string } {
  const address = formatAddress({ host: fluentdHost, port: FLUENTD_PORT });
  const origin = `https://${address}`;
  return { url: `${origin}/test.log`, sessionUrl: `${origin}/session` };
}
