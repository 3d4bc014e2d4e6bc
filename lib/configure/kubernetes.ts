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

/** The group that the program has in the image of `example/Containerfile`. */
const IMAGE_GROUP = 65532;

/** The key in that Secret. */
export const IDENTITY_KEY = "identity";

// The chart has a directory for the certificates, and no room in it for more.
const PASSPHRASE_DIRECTORY = "/etc/teleport-event-handler-passphrase";

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
  const { teleportAddress, names } = setup;
  const { url, sessionUrl } = fluentdUrls(setup);
  const quote = JSON.stringify;
  return `# Without an image of your own, the chart runs the Go handler.
# image:
#   repository: registry.example.com/teleport-event-handler
#   tag: latest

# Lets that image, which does not run as root, read the Secrets and write its state.
podSecurityContext:
  fsGroup: ${IMAGE_GROUP}

teleport:
  address: ${quote(teleportAddress)}
  identitySecretName: ${IDENTITY_SECRET}
  identitySecretPath: ${IDENTITY_KEY}

# As it is called inside the cluster, by a name that its certificate is good for.
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
${environment(setup)}${passphraseVolume(setup)}`;
}

/** What the chart has no values for. */
function environment(setup: Setup): string {
  const variables = [
    ...setup.lockUsers ? [["FDFWD_LOCKING_ENABLED", "true"]] : [],
    ...setup.clientKeyPassword === undefined ? [] : [[
      "FDFWD_FLUENTD_KEY_PASSPHRASE_FILE",
      `${PASSPHRASE_DIRECTORY}/passphrase`,
    ]],
  ];
  if (variables.length === 0) return "";
  const entries = variables.map(([name, value]) =>
    `  - name: ${name}\n    value: ${JSON.stringify(value)}\n`
  );
  return `\nextraEnv:\n${entries.join("")}`;
}

function passphraseVolume(setup: Setup): string {
  if (setup.clientKeyPassword === undefined) return "";
  return `
volumes:
  - name: passphrase
    secret:
      secretName: ${TLS_SECRET}
      items:
        - key: ${JSON.stringify(passphraseFile(setup))}
          path: passphrase
      defaultMode: 0600

volumeMounts:
  - name: passphrase
    mountPath: ${PASSPHRASE_DIRECTORY}
    readOnly: true
`;
}
