/**
 * Where events go, and what goes with it: a run's state, or none in a dry run.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Term } from "../credentials.ts";
import type {
  Config,
  FluentdTarget,
  SourceConfig,
  StdoutTarget,
} from "../config/config.ts";
import type { PagePosition } from "../event.ts";
import { logger } from "../log.ts";
import type { Quarantine } from "../pipeline/deliver.ts";
import type { RetryRequests, Saver, Sink } from "../pipeline/ports.ts";
import { Progress } from "../pipeline/progress.ts";
import type { RequestObserver } from "../pipeline/request_observer.ts";
import type { RetryPolicy } from "../pipeline/retry.ts";
import { rfc3339, secondOf } from "../rfc3339.ts";
import { checkCluster } from "../state/cluster.ts";
import { readStateOrKeepAside } from "../state/damaged_state.ts";
import { DirectoryLock } from "../state/directory_lock.ts";
import type { StateDocument } from "../state/document.ts";
import { type GoState, readGoState } from "../state/go_state.ts";
import { RejectedEvents } from "../state/rejected.ts";
import { countRejected } from "../state/rejected_files.ts";
import { RetryRequestFiles } from "../state/retry_requests.ts";
import { checkStartTime } from "../state/start_time.ts";
import {
  createStateDirectory,
  StateFile,
  type StateObserver,
} from "../state/state_file.ts";
import { StdoutSink } from "../stdout/sink.ts";
import { openFluentdSink } from "./fluentd_sink.ts";
import type { LeftOutNotes } from "./left_out.ts";
import { stateDirectory } from "./state_directory.ts";

const RETRY = { initialMs: 500, maxMs: 30_000 };
/** Where a cursor alone has the range begin: it says by itself what is passed over. */
const BEGINNING = "1970-01-01T00:00:00Z";

/** Where a run keeps what it must not forget, and where its events go. */
export interface Target extends Disposable {
  readonly sink: Sink;
  readonly quarantine: Quarantine & LeftOutNotes;
  readonly policy: RetryPolicy;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxRequests: number;
  /** The certificates in use. */
  terms(): readonly Term[];
  /** Takes renewed credentials, until `stop` aborts. */
  keepFresh(stop: AbortSignal): Promise<void>;
  /** Recordings that somebody wants to be tried again; undefined: nobody can. */
  readonly retryRequests: RetryRequests | undefined;
  /** Events that earlier runs set aside. */
  readonly setAside: number;
  /** How far earlier runs got; undefined: there were none. */
  readonly stored: Stored | undefined;
  /** Where reading goes on, or begins. */
  begin(cluster: string): Begun;
}

/** Where a run is, and what keeps that. */
export interface Begun {
  /** What `start-time` was at the first run. */
  readonly startTime: string;
  readonly progress: Progress;
  readonly saver: Saver;
  /** Nothing was stored. */
  readonly first: boolean;
}

/** How far earlier runs got. */
export interface Stored {
  /** null where another program has stored it. */
  readonly cluster: string | null;
  readonly startTime: string;
  readonly progress: Pick<Progress, "position" | "recordings">;
}

/** What a target needs of its surroundings. */
export interface TargetOptions {
  readonly clock: Clock;
  /** Told of requests to Fluentd. */
  readonly requests: RequestObserver;
  /** Told of saves of the state. */
  readonly state: StateObserver;
  /** Whether requests are made on a thread of their own. */
  readonly ownThread: boolean;
}

/**
 * Opens what the configuration names.
 *
 * @throws {ConfigError} {@linkcode StateError}
 */
export async function openTarget(
  config: Config,
  options: TargetOptions,
): Promise<Target> {
  return config.target.kind === "fluentd"
    ? await openFluentd(config, config.target, options)
    : openStdout(config, config.target, options.clock);
}

async function openFluentd(
  config: Config,
  target: FluentdTarget,
  { clock, requests, state: observer, ownThread }: TargetOptions,
): Promise<Target> {
  const { fluentd, storage, retryTimeoutMs } = target;
  const openedMs = clock.now();
  // What is open already is closed again where the rest cannot be opened.
  using opened = new DisposableStack();
  const { sink, terms, keepFresh } = await openFluentdSink(fluentd, {
    clock,
    observer: requests,
    ownThread,
    refreshIntervalMs: config.teleport.refreshIntervalMs,
  });
  opened.defer(() => sink.close());
  const directory = stateDirectory(storage, config.teleport.addresses);
  await createStateDirectory(directory);
  opened.use(await DirectoryLock.acquire(directory, clock.now()));
  const stored = await readStateOrKeepAside(directory);
  const taken = stored === undefined
    ? await readGoState(directory, clock.now())
    : undefined;
  checkStartTime(config.source.startTime, stored ?? taken, directory);
  const setAside = await countRejected(directory);
  const kept = opened.move();
  return {
    sink,
    terms,
    keepFresh,
    quarantine: new RejectedEvents(directory, { clock }),
    policy: { ...RETRY, timeoutMs: retryTimeoutMs },
    maxEvents: fluentd.maxEvents,
    maxBytes: fluentd.maxBytes,
    maxRequests: sink.maxRequests,
    setAside,
    stored: storedOf(stored ?? taken),
    retryRequests: new RetryRequestFiles(directory, {
      clock,
      onFailure: tellOnce(),
    }),
    begin: (cluster) =>
      begin(cluster, { stored, taken }, {
        directory,
        source: config.source,
        openedMs,
        clock,
        observer,
      }),
    [Symbol.dispose]() {
      // First, so that nothing is sent when somebody else may begin.
      sink.close();
      kept.dispose();
    },
  };
}

/** Goes on from what was stored, by this program or by the Go handler, or begins. */
function begin(
  cluster: string,
  { stored, taken }: {
    readonly stored: StateDocument | undefined;
    readonly taken: GoState | undefined;
  },
  { directory, source, openedMs, clock, observer }: {
    readonly directory: string;
    readonly source: SourceConfig;
    readonly openedMs: number;
    readonly clock: Clock;
    readonly observer: StateObserver;
  },
): Begun {
  checkCluster(cluster, stored, directory);
  const document = stored ??
    (taken === undefined
      ? firstDocument(source, cluster, firstRunMs(openedMs, clock))
      : takenDocument(taken, cluster));
  const state = new StateFile(directory, document, { clock, observer });
  if (taken !== undefined) logTaken(taken, directory);
  const first = stored === undefined && taken === undefined;
  if (first) warnOfNothingBefore(source, document, directory);
  // With start-id nothing is kept until the event is found. What is stored is saved
  // again, which shows whether that is possible.
  if (!first || source.startId === undefined) state.change();
  const { startTime } = document;
  return { startTime, progress: state.progress, saver: state, first };
}

/** A state that got lost, or is looked for in another place, must not go unnoticed. */
function warnOfNothingBefore(
  { startTime, cursor }: SourceConfig,
  document: StateDocument,
  directory: string,
): void {
  if (startTime !== undefined || cursor !== undefined) return;
  logger("state").warn(
    "there is no state yet, so nothing of before is sent: if it should be, stop this run, move the directory away, and give start-time",
    { directory, from: document.startTime },
  );
}

/** What cannot be read stays so, as a rule. */
function tellOnce(): (error: Error) => void {
  const told = new Set<string>();
  return ({ message }) => {
    if (told.has(message)) return;
    told.add(message);
    logger("state").warn("requests to retry recordings are not heeded", {
      error: message,
    });
  };
}

function openStdout(
  config: Config,
  { retryTimeoutMs }: StdoutTarget,
  clock: Clock,
): Target {
  const log = logger("delivery");
  const openedMs = clock.now();
  const sink = new StdoutSink((bytes) => Deno.stdout.write(bytes), {
    isTerminal: Deno.stdout.isTerminal(),
  });
  return {
    sink,
    quarantine: {
      setAside(event, _destination, reason) {
        log.error("event cannot be printed", { id: event.id, reason });
        return Promise.resolve();
      },
      noteLeftOut: () => Promise.resolve(),
    },
    terms: () => [],
    keepFresh: () => Promise.resolve(),
    policy: { ...RETRY, timeoutMs: retryTimeoutMs },
    maxEvents: 500,
    maxBytes: 1024 * 1024,
    maxRequests: 1,
    setAside: 0,
    stored: undefined,
    retryRequests: undefined,
    begin() {
      const nowMs = firstRunMs(openedMs, clock);
      const position = firstPosition(config.source, nowMs);
      const snapshot = { position, recordings: {} };
      return {
        startTime: position.start,
        progress: new Progress(snapshot, { clock, onChange: () => {} }),
        saver: {
          keepSaved: () => Promise.resolve(),
          saved: () => Promise.resolve(),
          save: () => Promise.resolve(),
        },
        first: true,
      };
    },
    [Symbol.dispose]() {},
  };
}

function firstDocument(
  source: SourceConfig,
  cluster: string,
  nowMs: number,
): StateDocument {
  const position = firstPosition(source, nowMs);
  return {
    version: 1,
    cluster,
    startTime: position.start,
    position,
    recordings: {},
  };
}

function storedOf(
  read: StateDocument | GoState | undefined,
): Stored | undefined {
  if (read === undefined) return undefined;
  const { startTime, position } = read;
  const recordings = new Map(Object.entries(read.recordings));
  return {
    cluster: "cluster" in read ? read.cluster : null,
    startTime,
    progress: { position, recordings: () => recordings },
  };
}

function takenDocument(
  { startTime, position, recordings }: GoState,
  cluster: string,
): StateDocument {
  return { version: 1, cluster, startTime, position, recordings };
}

function logTaken(
  { position, recordings }: GoState,
  directory: string,
): void {
  const place = position.kind === "page"
    ? {
      from: position.start,
      cursor: position.cursor || undefined,
      after: position.after,
    }
    : { days: Object.keys(position.days).join(",") };
  logger("state").info(
    "took over the Go handler's state, its files stay as they are",
    {
      directory,
      ...place,
      pending_recordings: Object.keys(recordings).length,
    },
  );
}

/** However long Teleport was away since; unless the clock was ahead then. */
function firstRunMs(openedMs: number, clock: Clock): number {
  return Math.min(openedMs, clock.now());
}

function firstPosition(
  { startTime, cursor }: SourceConfig,
  nowMs: number,
): PagePosition {
  return {
    kind: "page",
    start: startTime ??
      (cursor === undefined ? rfc3339(secondOf(nowMs)) : BEGINNING),
    cursor: cursor ?? "",
    seen: [],
    newest: null,
  };
}
