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

/** The same, and the client's key as it goes to disk and into the Secret. */
interface Ingredients extends Material {
  readonly clientKeyPem: string;
}

/** Makes the content of one file. */
type Make = (ingredients: Ingredients) => string;

/** The names of all files. */
export function fileNames(setup: Setup): string[] {
  return [...makers(setup).keys()];
}

/** All files, with their contents. */
export function makeFiles(setup: Setup, material: Material): NewFile[] {
  const { privateKeyPem } = material.credentials.client;
  const { clientKeyPassword } = setup;
  const clientKeyPem = clientKeyPassword === undefined
    ? privateKeyPem
    : encryptKey(privateKeyPem, clientKeyPassword);
  return Array.from(
    makers(setup),
    ([name, make]) => ({ name, text: make({ ...material, clientKeyPem }) }),
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
    [SECRET_FILE, (ingredients) =>
      secretYaml({
        [`${ca}.crt`]: ingredients.credentials.ca.certificatePem,
        ...Object.fromEntries(
          Array.from(client, ([name, make]) => [name, make(ingredients)]),
        ),
      })],
    [VALUES_FILE, () => valuesYaml(setup)],
  ]);
}

/** What this program needs besides the CA's certificate. */
function clientMakers(setup: Setup): Map<string, Make> {
  const { names: { client }, clientKeyPassword } = setup;
  const makers = new Map<string, Make>([
    [`${client}.crt`, ({ credentials }) => credentials.client.certificatePem],
    [`${client}.key`, ({ clientKeyPem }) => clientKeyPem],
  ]);
  if (clientKeyPassword !== undefined) {
    makers.set(passphraseFile(setup), () => `${clientKeyPassword}\n`);
  }
  return makers;
}
