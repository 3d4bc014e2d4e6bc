/**
 * THE table of options: each is declared here, once. Reading flags, environment
 * and TOML, the types of the values, help, shell completion, the reference in
 * docs/ and the example configuration derive from it.
 *
 * @module
 */

import { COMMAND_NAMES, type CommandName } from "./commands.ts";
import { duration } from "./duration.ts";
import { DIRECTORY, FILE, FILE_OR_DIRECTORY } from "./file.ts";
import { HEADERS } from "./header.ts";
import { HTTP_URL } from "./http_url.ts";
import { LISTEN_ADDRESS } from "./listen_address.ts";
import { PASSWORD } from "./password.ts";
import { PAST_TIME } from "./rfc3339.ts";
import { size } from "./size.ts";
import { DNS_NAMES, IP_ADDRESSES } from "./subject_names.ts";
import { TELEPORT_ADDRESSES } from "./teleport_address.ts";
import {
  choice,
  integer,
  optional,
  SWITCH,
  text,
  type ValueType,
  words,
} from "./value_type.ts";

/** Headings of help, in its order. */
export const GROUPS = [
  "General",
  "Teleport",
  "Fluentd",
  "What is read",
  "The run",
  "Locking users",
  "Certificates",
  "Output",
] as const;

/** Where an option can be given. */
type Place = "flag" | "environment" | "toml";

/** A row, before names in it are checked against the table. */
interface Row<T, Name extends string> {
  readonly type: ValueType<T>;
  readonly group: (typeof GROUPS)[number];
  /** One line. */
  readonly help: string;
  readonly commands: readonly CommandName[];
  /** One letter. */
  readonly short?: string;
  /** As one would write it. */
  readonly default?: string;
  /** What happens without it, in words, where there is no fixed default. */
  readonly otherwise?: string;
  /** For the example configuration, where the default does not tell how to write it. */
  readonly example?: string;
  /** Names without prefix, the documented one first; else the option's name. */
  readonly environment?: readonly string[];
  /** What some releases of the Go handler called it, as flag and in TOML. */
  readonly formerly?: string;
  /** Everywhere unless it says otherwise. */
  readonly places?: readonly Place[];
  /** Commands that cannot do without it, except in a dry run. */
  readonly required?: readonly CommandName[];
  /** Options that cannot be given together with it. */
  readonly excludes?: readonly Name[];
  /** Options that must be given together with it. */
  readonly needs?: readonly Name[];
  /** Whether its value is never shown. */
  readonly secret?: true;
}

const RUN = ["start", "check"] as const;
const DELIVER = [...RUN, "rejected retry"] as const;
const STATE = [
  ...DELIVER,
  "status",
  "rejected list",
  "rejected drop",
  "recordings list",
  "recordings retry",
  "recordings drop",
] as const;

// Timers cannot wait for longer than 2^31 milliseconds, which is 24.8 days.
const LONGEST_WAIT = "576h";

const TEN_YEARS = "87600h";

const OPTIONS = {
  config: {
    type: optional(FILE),
    group: "General",
    short: "c",
    help: "TOML file with options",
    places: ["flag", "environment"],
    commands: STATE,
  },
  debug: {
    type: SWITCH,
    group: "General",
    short: "d",
    default: "false",
    help: "log details; never what is in events, and never secrets",
    formerly: "teleport-debug",
    commands: STATE,
  },
  "log-format": {
    type: choice("text", "json"),
    group: "General",
    default: "text",
    help: "how log lines, which go to stderr, are written",
    commands: STATE,
  },
  "log-level": {
    type: choice("debug", "info", "warning", "error"),
    group: "General",
    default: "info",
    help: "least important log lines to write",
    commands: STATE,
  },
  help: {
    type: SWITCH,
    group: "General",
    short: "h",
    default: "false",
    help: "print the help of a command",
    places: ["flag"],
    commands: COMMAND_NAMES,
  },

  "teleport-addr": {
    type: TELEPORT_ADDRESSES,
    group: "Teleport",
    default: "localhost:3025",
    help: "Teleport's proxy or auth service; the first that works is used",
    commands: STATE,
  },
  "teleport-identity": {
    type: optional(FILE_OR_DIRECTORY),
    group: "Teleport",
    help: "identity file, or tbot's directory; else ca, cert and key",
    example: "/var/lib/teleport-event-handler/identity",
    commands: RUN,
    excludes: ["teleport-ca", "teleport-cert", "teleport-key"],
  },
  "teleport-ca": {
    type: optional(FILE),
    group: "Teleport",
    help: "PEM file of Teleport's CA",
    example: "teleport-ca.crt",
    commands: RUN,
    needs: ["teleport-cert", "teleport-key"],
  },
  "teleport-cert": {
    type: optional(FILE),
    group: "Teleport",
    help: "PEM file of the client certificate for Teleport",
    example: "teleport.crt",
    commands: RUN,
    needs: ["teleport-ca", "teleport-key"],
  },
  "teleport-key": {
    type: optional(FILE),
    group: "Teleport",
    help: "PEM file of that certificate's key",
    example: "teleport.key",
    commands: RUN,
    needs: ["teleport-ca", "teleport-cert"],
  },
  "teleport-refresh-enabled": {
    type: SWITCH,
    group: "Teleport",
    default: "false",
    help: "take renewed credentials from disk while running",
    commands: RUN,
  },
  "teleport-refresh-interval": {
    type: duration({ min: "100ms", max: LONGEST_WAIT }),
    group: "Teleport",
    default: "1m",
    help: "how often to look for them",
    commands: RUN,
  },

  "fluentd-url": {
    type: optional(HTTP_URL),
    group: "Fluentd",
    help: "receives audit events; http or https",
    example: "https://localhost:8888/test.log",
    commands: DELIVER,
    required: DELIVER,
  },
  "fluentd-session-url": {
    type: optional(HTTP_URL),
    group: "Fluentd",
    help: "receives recordings; .<session id>.log is appended",
    example: "https://localhost:8888/session",
    commands: DELIVER,
    required: DELIVER,
  },
  "fluentd-ca": {
    type: optional(FILE),
    group: "Fluentd",
    otherwise: "system roots",
    help: "PEM file of Fluentd's CA",
    example: "ca.crt",
    commands: DELIVER,
  },
  "fluentd-cert": {
    type: optional(FILE),
    group: "Fluentd",
    help: "PEM file of the client certificate for Fluentd",
    example: "client.crt",
    commands: DELIVER,
    needs: ["fluentd-key"],
  },
  "fluentd-key": {
    type: optional(FILE),
    group: "Fluentd",
    help: "PEM file of that certificate's key",
    example: "client.key",
    commands: DELIVER,
    needs: ["fluentd-cert"],
  },
  "fluentd-key-passphrase-file": {
    type: optional(FILE),
    group: "Fluentd",
    help: "file with the passphrase, where that key is encrypted",
    example: "client.key.passphrase",
    commands: DELIVER,
    needs: ["fluentd-key"],
  },
  "fluentd-max-connections": {
    type: integer({ min: 1, max: 1000 }),
    group: "Fluentd",
    default: "4",
    environment: ["MAX_CONNECTIONS", "FLUENTD_MAX_CONNECTIONS"],
    help: "connections, and so requests in flight",
    commands: DELIVER,
  },
  "fluentd-batch": {
    type: integer({ min: 1, max: 100_000 }),
    group: "Fluentd",
    default: "500",
    help: "most events per request; 1 sends plain objects, no arrays",
    commands: DELIVER,
  },
  "fluentd-batch-bytes": {
    type: size({ min: "1KiB", max: "256MiB" }),
    group: "Fluentd",
    default: "1MiB",
    help: "most bytes per request body",
    commands: DELIVER,
  },
  "fluentd-timeout": {
    type: duration({ min: "10ms", max: LONGEST_WAIT }),
    group: "Fluentd",
    default: "30s",
    help: "how long one request may take",
    commands: DELIVER,
  },
  "fluentd-compress": {
    type: choice("none", "gzip"),
    group: "Fluentd",
    default: "none",
    help: "compression of request bodies",
    commands: DELIVER,
  },
  "fluentd-header": {
    type: HEADERS,
    group: "Fluentd",
    default: "",
    otherwise: "none",
    environment: ["FLUENTD_HEADERS", "FLUENTD_HEADER"],
    help: "header to send; repeatable; NAME: @/path takes it from a file",
    example: "Authorization: @/run/secrets/authorization",
    commands: DELIVER,
    secret: true,
  },

  types: {
    type: words("TYPE,..."),
    group: "What is read",
    default: "",
    otherwise: "all",
    help: "event types to forward; recordings come with session.upload",
    example: "user.login,session.start,session.upload",
    commands: RUN,
  },
  "skip-event-types": {
    type: words("TYPE,..."),
    group: "What is read",
    default: "",
    otherwise: "none",
    help: "event types not to forward",
    example: "session.recording.access",
    commands: RUN,
  },
  "skip-session-types": {
    type: words("TYPE,..."),
    group: "What is read",
    default: "print,desktop.recording",
    help: "event types in recordings not to forward; empty forwards all",
    commands: RUN,
  },
  "start-time": {
    type: optional(PAST_TIME),
    group: "What is read",
    otherwise: "now, at the first run",
    help: "forward events from then on, in RFC 3339",
    example: "2024-05-01T00:00:00Z",
    commands: RUN,
  },
  "start-id": {
    type: optional(text("ID")),
    group: "What is read",
    help: "begin after the event with this id, where the state is lost",
    example: "6e1f6c1e-5a0a-4a2e-9a93-8ee0a8b7a1c4",
    commands: RUN,
    needs: ["start-time"],
  },
  cursor: {
    type: optional(text("CURSOR")),
    group: "What is read",
    help: "begin at this cursor of Teleport's, where there is no state",
    example: "6e1f6c1e-5a0a-4a2e-9a93-8ee0a8b7a1c4",
    commands: RUN,
    excludes: ["start-id"],
  },
  batch: {
    type: optional(integer({ min: 1, max: 10_000 })),
    group: "What is read",
    otherwise: "adapts, from 20 to 1000",
    help: "events to ask of Teleport per page",
    example: "500",
    commands: RUN,
  },
  "window-size": {
    type: duration({ min: "1s", max: TEN_YEARS }),
    group: "What is read",
    default: "24h",
    help: "longest range of one search",
    commands: RUN,
  },
  timeout: {
    type: duration({ min: "1ms", max: LONGEST_WAIT }),
    group: "What is read",
    default: "5s",
    help: "pause between polls while nothing is new",
    commands: RUN,
  },

  storage: {
    type: optional(DIRECTORY),
    group: "The run",
    help: "directory of the state",
    example: "./storage",
    commands: STATE,
    required: STATE,
  },
  concurrency: {
    type: integer({ min: 1, max: 1000 }),
    group: "The run",
    default: "5",
    help: "recordings, and chunks of a bulk export, at once",
    commands: RUN,
  },
  "dry-run": {
    type: SWITCH,
    group: "The run",
    default: "false",
    help: "print events as JSON lines; no Fluentd, no state",
    commands: RUN,
  },
  "exit-on-last-event": {
    type: SWITCH,
    group: "The run",
    default: "false",
    help: "leave once everything, recordings included, is delivered",
    commands: RUN,
  },
  "retry-timeout": {
    type: optional(duration({ min: "1ms", max: TEN_YEARS })),
    group: "The run",
    otherwise: "for ever; 5m with exit-on-last-event",
    help: "how long to retry a request before leaving with status 75",
    example: "1h",
    commands: RUN,
  },
  listen: {
    type: optional(LISTEN_ADDRESS),
    group: "The run",
    otherwise: "off",
    help: "where to serve metrics, health and the status page",
    example: "127.0.0.1:9480",
    commands: [...RUN, "status"],
  },

  "lock-enabled": {
    type: SWITCH,
    group: "Locking users",
    default: "false",
    environment: ["LOCKING_ENABLED", "LOCK_ENABLED"],
    help: "lock users whose logins fail repeatedly; never in a dry run",
    commands: [...RUN, "configure"],
  },
  "lock-failed-attempts-count": {
    type: integer({ min: 1, max: 1_000_000 }),
    group: "Locking users",
    default: "3",
    environment: ["LOCKING_FAILED_ATTEMPTS", "LOCK_FAILED_ATTEMPTS_COUNT"],
    help: "failed logins that lead to a lock",
    commands: RUN,
  },
  "lock-period": {
    type: duration({ min: "1s", max: TEN_YEARS }),
    group: "Locking users",
    default: "1m",
    environment: ["LOCKING_PERIOD", "LOCK_PERIOD"],
    help: "within which they are counted",
    commands: RUN,
  },
  "lock-for": {
    type: optional(duration({ min: "0s", max: TEN_YEARS })),
    group: "Locking users",
    otherwise: "for ever",
    environment: ["LOCKING_FOR", "LOCK_FOR"],
    help: "how long a lock holds; 0 is for ever",
    example: "1h",
    commands: RUN,
  },

  ttl: {
    type: duration({ min: "1h", max: "876000h" }),
    group: "Certificates",
    default: "87600h",
    help: "how long certificates are good",
    places: ["flag"],
    commands: ["configure"],
  },
  cn: {
    type: text("NAME"),
    group: "Certificates",
    default: "localhost",
    help: "common name of Fluentd's certificate",
    places: ["flag"],
    commands: ["configure"],
  },
  "dns-names": {
    type: DNS_NAMES,
    group: "Certificates",
    default: "localhost",
    help: "host names of Fluentd",
    places: ["flag"],
    commands: ["configure"],
  },
  ip: {
    type: IP_ADDRESSES,
    group: "Certificates",
    default: "127.0.0.1",
    help: "IP addresses of Fluentd",
    places: ["flag"],
    commands: ["configure"],
  },
  "key-type": {
    type: choice("rsa", "ecdsa-p256"),
    group: "Certificates",
    default: "rsa",
    help: "kind of keys",
    places: ["flag"],
    commands: ["configure"],
  },
  length: {
    type: choice("1024", "2048", "4096"),
    group: "Certificates",
    default: "4096",
    help: "bits of RSA keys; this program takes none of 1024",
    places: ["flag"],
    commands: ["configure"],
  },
  "client-key-password": {
    type: optional(PASSWORD),
    group: "Certificates",
    otherwise: "not encrypted",
    help: "encrypts the client key; @/path takes it from a file",
    places: ["flag"],
    commands: ["configure"],
    secret: true,
  },
  force: {
    type: SWITCH,
    group: "Certificates",
    default: "false",
    help: "overwrite files that exist",
    places: ["flag"],
    commands: ["configure"],
  },
  output: {
    type: choice("fluentd"),
    group: "Certificates",
    default: "fluentd",
    help: "receiver to write a configuration for",
    places: ["flag"],
    commands: ["configure"],
  },

  "print-config": {
    type: SWITCH,
    group: "Output",
    default: "false",
    help: "print every value that holds, and where it came from",
    places: ["flag"],
    commands: ["check"],
  },
  json: {
    type: SWITCH,
    group: "Output",
    default: "false",
    help: "print JSON",
    places: ["flag"],
    commands: [
      "check",
      "status",
      "rejected list",
      "recordings list",
      "version",
    ],
  },
} as const satisfies Readonly<Record<string, Row<unknown, string>>>;

/** An option, as its flag is called. */
export type OptionName = keyof typeof OPTIONS;

/** One option. */
export type Option<T> = Row<T, OptionName>;

type ValueOf<R> = R extends { readonly type: ValueType<infer T> } ? T : never;

/** The type of each option's value. */
export type Values = {
  readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]>;
};

const TABLE: { readonly [Name in OptionName]: Option<Values[Name]> } = OPTIONS;

/** The options' names, in the order of help. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(TABLE)
  .filter(isOption);

/** An option's name of today: the same, but for a former one. */
export function currentName(name: string): string {
  return OPTION_NAMES.find((it) => TABLE[it].formerly === name) ?? name;
}

/** Whether there is an option of that name. */
export function isOption(name: string): name is OptionName {
  return Object.hasOwn(TABLE, name);
}

/** The row of an option. */
export function optionOf<Name extends OptionName>(
  name: Name,
): Option<Values[Name]> {
  return TABLE[name];
}

/** Whether a command takes an option. */
export function takes(command: CommandName, name: OptionName): boolean {
  return TABLE[name].commands.includes(command);
}

/** Whether an option can be given as a flag, in the environment, or in TOML. */
export function canStandIn(place: Place, name: OptionName): boolean {
  return TABLE[name].places?.includes(place) ?? true;
}

/** Old releases of the Go handler take it, where it has no effect either. */
export const IGNORED_NAME = "namespace";

/** Prefixes of environment variables: the second is the Go handler's misspelling. */
export const ENVIRONMENT_PREFIXES = ["FDFWD_", "FDWRD_"] as const;

/** Names of an option's environment variables, the documented one first. */
export function environmentNames(name: OptionName): string[] {
  if (!canStandIn("environment", name)) return [];
  const suffixes = TABLE[name].environment ??
    [name.toUpperCase().replaceAll("-", "_")];
  return suffixes.flatMap((suffix) =>
    ENVIRONMENT_PREFIXES.map((prefix) => prefix + suffix)
  );
}
