/**
 * From options to what a command is told to do.
 *
 * @module
 */

import type { IdentitySource, TlsFiles } from "../credentials.ts";
import { ConfigError } from "../errors.ts";
import type {
  CertificateFile,
  Config,
  DeliveryConfig,
  LogConfig,
  StateConfig,
  StatusConfig,
} from "./config.ts";
import type { OptionName, Values } from "./options.ts";
import { noteProblems } from "./problems.ts";
import type { Options } from "./read_options.ts";

/** Options that name certificates, whose end people want to know. */
const CERTIFICATES = [
  ["teleport-identity", "identity"],
  ["teleport-cert", "own"],
  ["teleport-ca", "authorities"],
  ["fluentd-cert", "own"],
  ["fluentd-ca", "authorities"],
] as const;

/** A run that has an end is not retried for ever. */
const RETRY_TIMEOUT_WITH_END_MS = 300_000;

/** What `start` and `check` are told to do. */
export function toConfig(options: Options): Config {
  const { value } = options;
  const isDryRun = value("dry-run");
  return freeze<Config>({
    teleport: {
      addresses: value("teleport-addr"),
      credentials: toCredentials(options),
      refreshIntervalMs: value("teleport-refresh-enabled")
        ? value("teleport-refresh-interval")
        : undefined,
    },
    source: {
      pageSize: value("batch"),
      types: value("types"),
      skipEventTypes: value("skip-event-types"),
      skipSessionTypes: value("skip-session-types"),
      startTime: value("start-time"),
      startId: value("start-id"),
      cursor: value("cursor"),
      pollMs: value("timeout"),
      windowMs: value("window-size"),
    },
    target: {
      ...isDryRun
        ? { kind: "stdout" }
        : { kind: "fluentd", ...toDeliveryConfig(options) },
      retryTimeoutMs: value("retry-timeout") ??
        (value("exit-on-last-event") ? RETRY_TIMEOUT_WITH_END_MS : undefined),
    },
    concurrency: value("concurrency"),
    exitOnLastEvent: value("exit-on-last-event"),
    lock: !value("lock-enabled") || isDryRun ? undefined : {
      failedAttempts: value("lock-failed-attempts-count"),
      periodMs: value("lock-period"),
      // As with the Go handler, no time at all is for ever.
      forMs: value("lock-for") || undefined,
    },
    listen: value("listen"),
    log: toLogConfig(options),
  });
}

/** What `rejected …` and `recordings …` have to know of where the state is. */
export function toStateConfig(options: Options): StateConfig {
  const { value } = options;
  return freeze<StateConfig>({
    storage: required(options, "storage"),
    addresses: value("teleport-addr"),
  });
}

/** What `status` has to know; what others need, it shows where it can. */
export function toStatusConfig(options: Options): StatusConfig {
  const certificates: CertificateFile[] = [];
  const problems: string[] = [];
  for (const [name, kind] of CERTIFICATES) {
    noteProblems(problems, name, () => {
      const file = options.value(name);
      if (file !== undefined) certificates.push({ name, file, kind });
    });
  }
  return freeze<StatusConfig>({
    ...toStateConfig(options),
    listen: options.value("listen"),
    certificates,
    problems,
  });
}

/** Where to deliver what was set aside. */
export function toDeliveryConfig(options: Options): DeliveryConfig {
  const { value } = options;
  return freeze<DeliveryConfig>({
    storage: required(options, "storage"),
    fluentd: {
      url: required(options, "fluentd-url"),
      sessionUrl: required(options, "fluentd-session-url"),
      caFile: value("fluentd-ca"),
      client: toClientCertificate(options),
      maxConnections: value("fluentd-max-connections"),
      maxEvents: value("fluentd-batch"),
      maxBytes: value("fluentd-batch-bytes"),
      timeoutMs: value("fluentd-timeout"),
      compress: value("fluentd-compress"),
      headers: value("fluentd-header"),
    },
  });
}

/** How logs are written. */
export function toLogConfig({ value }: Options): LogConfig {
  return {
    level: value("debug") ? "debug" : value("log-level"),
    format: value("log-format"),
  };
}

function toCredentials(options: Options): IdentitySource {
  const file = options.value("teleport-identity");
  if (file !== undefined) return { kind: "identity", file };
  return {
    kind: "files",
    caFile: required(options, "teleport-ca"),
    certFile: required(options, "teleport-cert"),
    keyFile: required(options, "teleport-key"),
  };
}

function toClientCertificate(
  { value }: Options,
): TlsFiles["client"] {
  const certFile = value("fluentd-cert");
  const keyFile = value("fluentd-key");
  if (certFile === undefined || keyFile === undefined) return undefined;
  const keyPassphraseFile = value("fluentd-key-passphrase-file");
  return { certFile, keyFile, keyPassphraseFile };
}

/** Tells the compiler what the checks have made sure of. */
function required<Name extends OptionName>(
  { value }: Options,
  name: Name,
): NonNullable<Values[Name]> {
  const found = value(name);
  if (found === undefined || found === null) {
    throw new ConfigError([`${name} is missing`]);
  }
  return found;
}

function freeze<T extends object>(plain: T): Readonly<T> {
  for (const part of Object.values(plain)) {
    if (typeof part === "object" && part !== null) freeze(part);
  }
  return Object.freeze(plain);
}
