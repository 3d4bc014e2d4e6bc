/**
 * Which files there are, and what is in each.
 *
 * @module
 */

import { type Credentials, encryptKey } from "./credentials.ts";
import { eventHandlerToml } from "./event_handler_toml.ts";
import type { NewFile } from "./files.ts";
import { fluentConf } from "./fluent_conf.ts";
import { secretYaml, valuesYaml } from "./kubernetes.ts";
import { roleYaml } from "./role.ts";
import {
  FLUENTD_FILE,
  passphraseFile,
  ROLE_FILE,
  SECRET_FILE,
  type Setup,
  TOML_FILE,
  VALUES_FILE,
} from "./setup.ts";

/** What takes time, or somebody's word, to get. */
export interface Material {
  readonly credentials: Credentials;
  /** Opens the server's private key. */
  readonly serverPassword: string;
}

/** Makes the content of one file. */
type Make = (material: Material) => string;

/** The names of all files. */
export function fileNames(setup: Setup): string[] {
  return [...makers(setup).keys()];
}

/** All files, with their contents. */
export function makeFiles(setup: Setup, material: Material): NewFile[] {
  return Array.from(
    makers(setup),
    ([name, make]) => ({ name, text: make(material) }),
  );
}

function makers(setup: Setup): Map<string, Make> {
  const { ca, server } = setup.names;
  const client = clientMakers(setup);
  return new Map<string, Make>([
    [`${ca}.crt`, ({ credentials }) => credentials.ca.certificatePem],
    [`${ca}.key`, ({ credentials }) => credentials.ca.privateKeyPem],
    [`${server}.crt`, ({ credentials }) => credentials.server.certificatePem],
    [
      `${server}.key`,
      ({ credentials, serverPassword }) =>
        encryptKey(credentials.server.privateKeyPem, serverPassword),
    ],
    ...client,
    [ROLE_FILE, () => roleYaml(setup)],
    [FLUENTD_FILE, ({ serverPassword }) => fluentConf(setup, serverPassword)],
    [TOML_FILE, () => eventHandlerToml(setup)],
    [SECRET_FILE, (material) =>
      secretYaml({
        [`${ca}.crt`]: material.credentials.ca.certificatePem,
        ...Object.fromEntries(
          Array.from(client, ([name, make]) => [name, make(material)]),
        ),
      })],
    [VALUES_FILE, () => valuesYaml(setup)],
  ]);
}

/** What this program needs besides the CA's certificate. */
function clientMakers(setup: Setup): Map<string, Make> {
  const { names: { client }, clientKeyPassword } = setup;
  const certificate: Make = ({ credentials }) =>
    credentials.client.certificatePem;
  const key: Make = ({ credentials }) => credentials.client.privateKeyPem;
  if (clientKeyPassword === undefined) {
    return new Map([[`${client}.crt`, certificate], [`${client}.key`, key]]);
  }
  return new Map<string, Make>([
    [`${client}.crt`, certificate],
    [
      `${client}.key`,
      (material) => encryptKey(key(material), clientKeyPassword),
    ],
    [passphraseFile(setup), () => `${clientKeyPassword}\n`],
  ]);
}
