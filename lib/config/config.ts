/**
 * What a run is told to do, after flags, environment, TOML and defaults are
 * resolved: frozen, plain values. Components get the parts they need, not the
 * whole.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { IdentitySource, TlsFiles } from "../credentials.ts";
import type { LogOptions } from "../log.ts";

/** Everything that `start` and `check` need to know. */
export interface Config {
  readonly teleport: TeleportConfig;
  readonly source: SourceConfig;
  readonly target: FluentdTarget | StdoutTarget;
  /** Session recordings, and chunks of a bulk export, at once. */
  readonly concurrency: number;
  /** Whether to leave once everything that is there is delivered. */
  readonly exitOnLastEvent: boolean;
  /** When to lock a user; `undefined` where that is off, as in every dry run. */
  readonly lock: LockConfig | undefined;
  /** Where metrics, health and the status page are served; `undefined`: nowhere. */
  readonly listen: Address | undefined;
  readonly log: LogConfig;
}

/** What the commands on the state directory need: `status`, `rejected …`, `recordings …`. */
export interface StateConfig {
  readonly storage: string;
  /** They name the directory within `storage`. */
  readonly addresses: readonly Address[];
}

/** What `status` needs. */
export interface StatusConfig extends StateConfig {
  /** Where a running process may be asked; `undefined`: nowhere. */
  readonly listen: Address | undefined;
  /** What connections are made with, as far as it is configured. */
  readonly certificates: readonly CertificateFile[];
  /** Why others are not among them, one sentence each. */
  readonly problems: readonly string[];
}

/** A file with certificates, or for an identity a directory of tbot's. */
export interface CertificateFile {
  /** As reports call it, mostly the option's name. */
  readonly name: string;
  readonly file: string;
  /** One of ours and what comes with it, those of CAs, or one of ours and CAs. */
  readonly kind: "own" | "authorities" | "identity";
}

/** Where Teleport is and how to prove who we are. */
export interface TeleportConfig {
  /** At least one; the first that works is used. */
  readonly addresses: readonly Address[];
  readonly credentials: IdentitySource;
  /** How often credentials are read from disk anew; `undefined`: only once they have ended. */
  readonly refreshIntervalMs: number | undefined;
}

/** What to read of the audit log, and from where on. */
export interface SourceConfig {
  /** Events per page; `undefined`: adapts between 20 and 1,000. */
  readonly pageSize: number | undefined;
  /** Only these event types; empty: all. */
  readonly types: readonly string[];
  readonly skipEventTypes: readonly string[];
  /** Types of recorded session events that are not forwarded. */
  readonly skipSessionTypes: readonly string[];
  /** RFC 3339, UTC, whole seconds; `undefined`: now, at the first run. */
  readonly startTime: string | undefined;
  /** Begin after the event with this id; comes with `startTime` only. */
  readonly startId: string | undefined;
  /** Begin at this Teleport cursor where no state is stored. */
  readonly cursor: string | undefined;
  /** Pause between polls while nothing is new. */
  readonly pollMs: number;
  /** Longest range of one page search. */
  readonly windowMs: number;
}

/** What `rejected retry` needs. */
export interface DeliveryConfig {
  /** Directory of the state. */
  readonly storage: string;
  readonly fluentd: FluentdConfig;
}

/** Forward to Fluentd and keep state. */
export interface FluentdTarget extends DeliveryConfig, RetryConfig {
  readonly kind: "fluentd";
}

/** A dry run: JSON lines on standard output, no Fluentd, no state. */
export interface StdoutTarget extends RetryConfig {
  readonly kind: "stdout";
}

/** When to give up. */
export interface RetryConfig {
  /** How long one request is retried before the run gives up; `undefined`: for ever. */
  readonly retryTimeoutMs: number | undefined;
}

/** How to talk to Fluentd, or whatever else takes its requests. */
export interface FluentdConfig extends TlsFiles {
  /** Receives audit events; http or https. */
  readonly url: string;
  /** Receives recordings once `.<session id>.log` is appended. */
  readonly sessionUrl: string;
  /** Connections, and so requests in flight. */
  readonly maxConnections: number;
  /** Most events per request; 1 sends one plain object instead of an array. */
  readonly maxEvents: number;
  /** Most bytes per request body, before compression. */
  readonly maxBytes: number;
  /** Per request. */
  readonly timeoutMs: number;
  readonly compress: "none" | "gzip";
  /** Sent with every request; values are secret. */
  readonly headers: readonly Header[];
}

/** One HTTP header. */
export interface Header {
  readonly name: string;
  readonly value: string;
  /** The file that holds the value, where it comes from one. */
  readonly file?: string;
}

/** When a user is locked, and for how long. */
export interface LockConfig {
  /** Failed logins within `periodMs` that trigger the lock. */
  readonly failedAttempts: number;
  readonly periodMs: number;
  /** `undefined`: for ever. */
  readonly forMs: number | undefined;
}

/** What is logged to stderr, and how. */
export type LogConfig = Omit<LogOptions, "write">;
