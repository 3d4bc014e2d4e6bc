/**
 * What is left to do once the files are there.
 *
 * @module
 */

import { PROGRAM } from "../config/commands.ts";
import { IDENTITY_KEY, IDENTITY_SECRET } from "./kubernetes.ts";
import {
  FLUENTD_FILE,
  passphraseFile,
  pathOf,
  ROLE,
  ROLE_FILE,
  SECRET_FILE,
  type Setup,
  TOML_FILE,
  VALUES_FILE,
} from "./setup.ts";

/** Said where the password was made up: it is shown this once. */
export function passwordNotice(setup: Setup, password: string): string {
  return `The password of ${setup.names.server}.key is ${password}
It is in ${FLUENTD_FILE} too, and nowhere else.\n\n`;
}

/** Numbered commands, ready to be copied. */
export function nextSteps(setup: Setup): string {
  const path = (name: string) => quote(pathOf(setup, name));
  const { names, clientKeyPassword } = setup;
  const needed = clientKeyPassword === undefined
    ? `${names.client}.crt and ${names.client}.key`
    : `${names.client}.crt, ${names.client}.key and ${passphraseFile(setup)}`;
  return `Next steps:

1. Create the role and the user in Teleport, and sign in for the user:

   tctl create -f ${path(ROLE_FILE)}
   tctl auth sign --format=file --user=${ROLE} --out=${
    path("identity")
  } --ttl=8760h

2. Start Fluentd. It writes what it gets into ${path("received")}:

   fluentd -c ${path(FLUENTD_FILE)}

3. Look first, then run:

   ${PROGRAM} check --config ${path(TOML_FILE)}
   ${PROGRAM} start --config ${path(TOML_FILE)} --dry-run --exit-on-last-event
   ${PROGRAM} start --config ${path(TOML_FILE)}

   Elsewhere than here it needs ${names.ca}.crt, ${needed}; ${names.ca}.key belongs into a safe.

On Kubernetes:

   kubectl create secret generic ${IDENTITY_SECRET} --from-file=${IDENTITY_KEY}=${
    path("identity")
  }
   kubectl apply -f ${path(SECRET_FILE)}
   helm install ${PROGRAM} teleport/teleport-plugin-event-handler --values ${
    path(VALUES_FILE)
  }
`;
}

/** For a shell. */
function quote(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value)
    ? value
    : `'${value.replaceAll("'", `'\\''`)}'`;
}
