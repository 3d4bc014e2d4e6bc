/**
 * The client's certificate as a Kubernetes Secret, and values for the Helm chart
 * `teleport-plugin-event-handler`.
 *
 * @module
 */

import { fluentdUrls, passphraseFile, type Setup } from "./setup.ts";

const TLS_SECRET = "teleport-event-handler-client-tls";

/** Where `tctl` or `tbot` leaves the identity. */
export const IDENTITY_SECRET = "teleport-event-handler-identity";

/** What the Secret holds: file contents by name. */
export interface SecretData {
  readonly [name: string]: string;
}

/** A Secret, for `kubectl apply`. */
export function secretYaml(data: SecretData): string {
  const entries = Object.entries(data).map(([name, text]) =>
    `  ${JSON.stringify(name)}: ${new TextEncoder().encode(text).toBase64()}\n`
  ).join("");
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${TLS_SECRET}
type: Opaque
data:
${entries}`;
}

/** Values, for `helm install --values`. */
export function valuesYaml(setup: Setup): string {
  const { teleportAddress, names, clientKeyPassword } = setup;
  const { url, sessionUrl } = fluentdUrls(setup);
  const quote = JSON.stringify;
  const encrypted = clientKeyPassword === undefined
    ? ""
    : `# The client's key is encrypted: set FDFWD_FLUENTD_KEY_PASSPHRASE_FILE to where the
# Secret's ${passphraseFile(setup)} is mounted.
`;
  return `${encrypted}teleport:
  address: ${quote(teleportAddress)}
  identitySecretName: ${IDENTITY_SECRET}

fluentd:
  url: ${quote(url)}
  sessionUrl: ${quote(sessionUrl)}
  certificate:
    secretName: ${TLS_SECRET}
    caPath: ${quote(`${names.ca}.crt`)}
    certPath: ${quote(`${names.client}.crt`)}
    keyPath: ${quote(`${names.client}.key`)}

persistentVolumeClaim:
  enabled: true
`;
}
