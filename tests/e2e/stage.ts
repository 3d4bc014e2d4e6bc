/**
 * A Teleport, a Fluentd, and the files that the program needs to go between them.
 *
 * @module
 */

import { join } from "node:path";
import { AuditLog, type AuditLogOptions } from "../fakes/audit_log.ts";
import {
  type FluentdOptions,
  type FluentdStandIn,
  startFluentd,
} from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { fluentdPki } from "../fakes/pki.ts";
import {
  type PkiPaths,
  type TeleportPaths,
  writeFluentdPki,
  writeTeleportPki,
} from "../fakes/pki_files.ts";
import {
  startTeleport,
  type TeleportOptions,
  type TeleportStandIn,
} from "../fakes/teleport.ts";

/** Session events that are not forwarded unless that is asked for. */
const SKIPPED = new Set(["print", "desktop.recording"]);

/** Where the generated log begins, and reading with it, unless told otherwise. */
const LOG_START = Date.UTC(2026, 0, 1);

/** The options that name a Fluentd. */
export function fluentdUrls(url: string): string[] {
  return [
    `--fluentd-url=${url}/test.log`,
    `--fluentd-session-url=${url}/session`,
  ];
}

/** Sets everything up; the log begins at 2026-01-01 where `startMs` is not given. */
export async function setStage(
  log: AuditLogOptions = {},
  options:
    & Omit<FluentdOptions, "tls">
    & Pick<TeleportOptions, "exportSupported"> = {},
): Promise<Stage> {
  const { startMs = LOG_START } = log;
  const { exportSupported = false, ...receiving } = options;
  const directory = await Deno.makeTempDir({ prefix: "event_handler_" });
  const teleport = await startTeleport({
    log: new AuditLog({ ...log, startMs }),
    exportSupported,
  });
  const tls = fluentdTls(await fluentdPki());
  const fluentd = await startFluentd({ ...receiving, tls });
  return new Stage({ directory, startMs }, { teleport, fluentd }, {
    teleport: await writeTeleportPki(directory),
    fluentd: await writeFluentdPki(directory),
  });
}

/** Both stand-ins, certificates on disk, and a directory for the state. */
export class Stage implements AsyncDisposable {
  readonly directory: string;
  /** Where reading begins, milliseconds since the epoch. */
  readonly startMs: number;
  readonly teleport: TeleportStandIn;
  readonly fluentd: FluentdStandIn;
  readonly paths: {
    readonly teleport: TeleportPaths;
    readonly fluentd: PkiPaths;
  };

  constructor(
    { directory, startMs }: { directory: string; startMs: number },
    ends: { teleport: TeleportStandIn; fluentd: FluentdStandIn },
    paths: { teleport: TeleportPaths; fluentd: PkiPaths },
  ) {
    this.directory = directory;
    this.startMs = startMs;
    this.teleport = ends.teleport;
    this.fluentd = ends.fluentd;
    this.paths = paths;
  }

  /** The storage; the state is below it, in `stateDirectory`. */
  get storage(): string {
    return join(this.directory, "storage");
  }

  get stateDirectory(): string {
    return join(this.storage, this.teleport.address.replace(":", "_"));
  }

  /** Arguments of a `start` that reads the log from its beginning. */
  start(...more: readonly string[]): string[] {
    return this.startAt(this.fluentd.url, ...more);
  }

  /** The same, with another Fluentd. */
  startAt(fluentdUrl: string, ...more: readonly string[]): string[] {
    const { client } = this.paths.fluentd;
    return [
      "start",
      `--teleport-addr=${this.teleport.address}`,
      `--teleport-identity=${this.paths.teleport.identity}`,
      ...fluentdUrls(fluentdUrl),
      `--fluentd-ca=${client.ca}`,
      `--fluentd-cert=${client.cert}`,
      `--fluentd-key=${client.key}`,
      `--storage=${this.storage}`,
      `--start-time=${new Date(this.startMs).toISOString()}`,
      ...more,
    ];
  }

  /** The same, as a dry run: without Fluentd and storage. */
  dryRun(...more: readonly string[]): string[] {
    const args = this.start("--dry-run", ...more);
    return args.filter((arg) => !/^--(fluentd|storage)/.test(arg));
  }

  /** The ids that have to arrive: of the log, and of what its recordings forward. */
  *expectedIds(): Generator<string> {
    const { log } = this.teleport;
    yield* log.ids();
    for (const sessionId of log.sessionIds()) {
      yield* this.expectedRecording(sessionId);
    }
  }

  /** The ids of what is forwarded of a recording, in their order. */
  *expectedRecording(sessionId: string): Generator<string> {
    const recording = this.teleport.log.recording(sessionId);
    if (recording === undefined) return;
    for (const { type, id } of recording.events()) {
      if (!SKIPPED.has(type)) yield id;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.teleport[Symbol.asyncDispose]();
    await this.fluentd[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** What `compare` returns when everything arrived, once. */
export const COMPLETE_AND_ONCE = {
  missing: [],
  duplicates: [],
  unexpected: [],
};
