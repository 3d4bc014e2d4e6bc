/**
 * What the Helm chart `teleport-plugin-event-handler` makes of its values: the
 * configuration, the environment and the mounted files that its container gets.
 * Written after the templates and default values of the chart's releases.
 *
 * @module
 */

import { parseYaml } from "../yaml.ts";

/** A table of YAML. */
type Values = { readonly [name: string]: unknown };

/** Where the chart mounts things. */
const MOUNT = "/var/lib/teleport/plugins/event-handler";

/** Releases that differ in what they render. */
export type ChartRelease = "first" | "refreshing" | "debugging" | "latest";

/** What the container finds. */
export interface RenderedChart {
  readonly toml: string;
  readonly env: Readonly<Record<string, string>>;
  /** A key of a Secret by the path where it is mounted. */
  readonly secrets: Readonly<Record<string, readonly [string, string]>>;
  /**
   * Who may read what is mounted, and write to the volume, besides root: the
   * chart's modes are 0600. Empty: nobody.
   */
  readonly group: string;
}

/** Renders the chart with the given values over its default ones. */
export function renderChart(
  valuesYaml: string,
  release: ChartRelease = "latest",
): RenderedChart {
  const values = tableOf(parseYaml(valuesYaml));
  const at = (path: string, otherwise = "") => {
    const parts = path.split(".");
    const table = parts.slice(0, -1).reduce<Values>(
      (table, part) => tableOf(table[part]),
      values,
    );
    return String(table[parts.at(-1) ?? ""] ?? otherwise);
  };
  const identityKey = release === "first"
    ? "auth_id"
    : at("teleport.identitySecretPath", "auth_id");
  const identity = release === "first"
    ? `${MOUNT}/auth_id`
    : `${MOUNT}/teleport-identity/${identityKey}`;
  const certificates = at("fluentd.certificate.secretName");
  const secretKey = (name: string, otherwise: string) =>
    [certificates, at(`fluentd.certificate.${name}`, otherwise)] as const;
  return {
    toml: toml({ at, identity, release }),
    env: { TELEPORT_PLUGIN_FAIL_FAST: "true", ...extraEnv(values) },
    secrets: {
      [identity]: [at("teleport.identitySecretName"), identityKey],
      [`${MOUNT}/ca.crt`]: secretKey("caPath", "ca.crt"),
      [`${MOUNT}/client.crt`]: secretKey("certPath", "client.crt"),
      [`${MOUNT}/client.key`]: secretKey("keyPath", "client.key"),
      ...extraSecrets(values),
    },
    group: at("podSecurityContext.fsGroup"),
  };
}

function toml({ at, identity, release }: {
  readonly at: (path: string, otherwise?: string) => string;
  readonly identity: string;
  readonly release: ChartRelease;
}): string {
  const handler = (name: string, otherwise: string) =>
    at(`eventHandler.${name}`, otherwise);
  const only = (releases: readonly ChartRelease[], line: string) =>
    releases.includes(release) ? `${line}\n` : "";
  return `storage = ${
    JSON.stringify(handler("storagePath", `${MOUNT}/storage`))
  }
timeout = ${JSON.stringify(handler("timeout", "10s"))}
batch = ${handler("batch", "20")}
${
    only(
      ["debugging", "latest"],
      `window-size = "${handler("windowSize", "24h")}"`,
    )
  }${only(["latest"], `debug = ${handler("debug", "false")}`)}
[teleport]
addr = "${at("teleport.address")}"
identity = "${identity}"
${only(["refreshing", "debugging", "latest"], "refresh.enabled = true")}${
    only(["debugging"], `debug = ${at("teleport.debug", "true")}`)
  }
[forward.fluentd]
url = "${at("fluentd.url")}"
session-url = "${at("fluentd.sessionUrl")}"
ca = "${MOUNT}/ca.crt"
cert = "${MOUNT}/client.crt"
key = "${MOUNT}/client.key"
`;
}

function extraEnv(values: Values): Record<string, string> {
  return Object.fromEntries(
    listOf(values["extraEnv"]).map(({ name, value }) => [name, value]),
  );
}

function extraSecrets(
  values: Values,
): Record<string, readonly [string, string]> {
  const volumes = listOf(values["volumes"]);
  return Object.fromEntries(
    listOf(values["volumeMounts"]).flatMap(({ name, mountPath }) => {
      const volume = volumes.find((volume) => volume["name"] === name);
      const secret = tableOf(volume?.["secret"]);
      return listOf(secret["items"]).map(({ key, path }) =>
        [
          `${mountPath}/${path}`,
          [String(secret["secretName"]), String(key)],
        ] as const
      );
    }),
  );
}

function tableOf(value: unknown): Values {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : {};
}

function listOf(value: unknown): Values[] {
  return Array.isArray(value) ? value.map(tableOf) : [];
}
