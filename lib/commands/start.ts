/**
 * `start`: forwards events until it is stopped, or until all are delivered.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { logger, setUpLogging } from "../log.ts";
import { Counters } from "../operate/counters.ts";
import { Monitor } from "../operate/monitor.ts";
import {
  createMovements,
  type Movements,
  watchMovements,
} from "../operate/movement.ts";
import { createObservers, type Observers } from "../operate/observers.ts";
import { observedPages } from "../operate/observed_pages.ts";
import { ProgressLine } from "../operate/progress_line.ts";
import { countRequests } from "../operate/request_counter.ts";
import { reportTerms, watchExpiry } from "../operate/expiry.ts";
import { logSummaries, summaryFields } from "../operate/summary.ts";
import { typeFilter } from "../pipeline/filter.ts";
import type { Signals } from "../pipeline/forward.ts";
import type { Saver, Source } from "../pipeline/ports.ts";
import type { Progress } from "../pipeline/progress.ts";
import { resumeAfter } from "../pipeline/resume_after.ts";
import { retry, type RetryPolicy } from "../pipeline/retry.ts";
import { run } from "../pipeline/run.ts";
import { startAfter } from "../pipeline/start_after.ts";
import { watchedSource } from "../pipeline/watched_source.ts";
import { lockingOptions, warnOfUnseenLogins } from "./auto_lock.ts";
import { inBackground } from "./background.ts";
import { ExitStatus } from "./exit_status.ts";
import { serveMonitor } from "./serve_monitor.ts";
import { openTarget, type Target } from "./target.ts";
import { openTeleport } from "./teleport_client.ts";
import { formatAddress } from "../teleport/address.ts";
import type { TeleportClient } from "../teleport/client.ts";
import type { Cluster } from "../teleport/connection.ts";
import { TeleportError } from "../teleport/errors.ts";
import { PageSource, type PageSourceOptions } from "../teleport/page_source.ts";
import { versionInfo } from "./version.ts";

/** `start`, with its logs and its progress on stderr. */
export async function runStart(
  config: Config,
  signals: Signals,
): Promise<number> {
  const counters = new Counters();
  const encoder = new TextEncoder();
  const write = (text: string) => {
    Deno.stderr.writeSync(encoder.encode(text));
  };
  using progress = Deno.stderr.isTerminal()
    ? new ProgressLine(counters, { clock: systemClock, write })
    : undefined;
  await setUpLogging({
    ...config.log,
    write: (lines) =>
      progress === undefined ? write(lines) : progress.print(lines),
  });
  await start(config, counters, signals);
  return config.exitOnLastEvent && counters.setAside > 0
    ? ExitStatus.SetAside
    : ExitStatus.Done;
}

/**
 * Runs until the source ends or `stop` aborts.
 *
 * @param counters Filled while it runs
 * @throws {ConfigError} before anything is connected
 * @throws {GaveUpError} where something was retried for as long as it may be
 * @throws `kill.reason`, and whatever else ends a run
 */
export async function start(
  config: Config,
  counters: Counters,
  signals: Signals,
): Promise<void> {
  const clock = systemClock;
  const log = logger("start");
  warnOfMissing(config);
  warnOfUnseenLogins(config.lock, config.source);
  const movements = createMovements({ clock, pollMs: config.source.pollMs });
  const monitor = createMonitor(config, { counters, movements }, {
    clock,
    stop: signals.stop,
  });
  const observers = createObservers(monitor, clock);
  const { client, terms: teleportTerms } = await openTeleport(
    config.teleport,
    clock,
  );
  await using target = await openTarget(config, {
    clock,
    requests: countRequests(monitor, signals.kill),
    state: { saved: (seconds) => monitor.measurements.save(seconds) },
  });
  const terms = () => [...teleportTerms(), ...target.terms()];
  monitor.watchCredentials(() => reportTerms(terms()));
  await using _credentials = inBackground((stop) =>
    Promise.all([
      watchExpiry(terms, { clock, stop }),
      target.keepFresh(stop),
    ])
  );
  // Before Teleport answers: who looks after it sees that it does not.
  await using _server = await serveMonitor(config.listen, monitor, clock);
  try {
    const cluster = await findCluster(client, target.policy, {
      clock,
      observers,
      stop: signals.stop,
    });
    if (cluster === undefined) return;
    const { progress, saver, first, startTime } = target.begin(cluster.name);
    monitor.begin({
      cluster: cluster.name,
      startTime,
      progress,
      setAside: target.setAside,
    });
    log.info("started", {
      cluster: cluster.name,
      version: cluster.version,
      from: progress.position.newest?.time ?? progress.position.start,
      pending_recordings: progress.recordings().size,
    });
    await forwardAll({ config, client, target, progress, saver, first }, {
      clock,
      monitor,
      observers,
      signals,
    });
  } finally {
    client.close();
    log.info("stopped", summaryFields(counters));
  }
}

function createMonitor(
  { teleport, target }: Config,
  watched: { counters: Counters; movements: Movements },
  surroundings: { clock: Clock; stop: AbortSignal },
): Monitor {
  return new Monitor({
    ...watched,
    ...surroundings,
    version: versionInfo().version,
    teleport: teleport.addresses.map(formatAddress).join(","),
    fluentd: target.kind === "fluentd"
      ? new URL(target.fluentd.url).origin
      : "standard output",
  });
}

/** Nobody is to rely on what is configured and not there yet. */
function warnOfMissing({ teleport }: Config): void {
  const missing = [
    ...teleport.refreshIntervalMs === undefined
      ? []
      : ["teleport-refresh-enabled: restart after a renewal of the identity"],
  ];
  for (const option of missing) {
    logger("start").warn("this option has no effect yet", { option });
  }
}

/** What is connected. */
interface Connected {
  readonly config: Config;
  readonly client: TeleportClient;
  readonly target: Target;
  readonly progress: Progress;
  readonly saver: Saver;
  readonly first: boolean;
}

/** What a run lives in. */
interface Surroundings {
  readonly clock: Clock;
  readonly monitor: Monitor;
  readonly observers: Observers;
  readonly signals: Signals;
}

async function forwardAll(
  connected: Connected,
  { clock, monitor, observers, signals }: Surroundings,
): Promise<void> {
  const { config, client, target, progress, saver } = connected;
  const { maxEvents, maxBytes } = target;
  const { types, skipEventTypes, skipSessionTypes } = config.source;
  const ended = new AbortController();
  const background = { log: logger("start"), clock, stop: ended.signal };
  const watching = Promise.all([
    logSummaries(monitor.counters, background),
    watchMovements(monitor.movements, background),
  ]);
  try {
    await run({
      progress,
      saver,
      delivery: { ...target, clock, observer: observers.delivery },
      events: {
        source: createSource(connected, { clock, monitor, observers }),
        filter: typeFilter(types, skipEventTypes),
        maxEvents,
        maxBytes,
        maxRequests: target.maxRequests,
        observer: observers.events,
      },
      recordings: {
        source: {
          stream: (sessionId, startIndex, signal) =>
            client.streamSessionEvents(sessionId, startIndex, signal),
        },
        filter: typeFilter([], skipSessionTypes),
        concurrency: config.concurrency,
        maxEvents,
        maxBytes,
        follow: !config.exitOnLastEvent,
        clock,
        observer: observers.recordings,
      },
      locking: lockingOptions(config.lock, client, clock),
    }, signals);
  } finally {
    ended.abort();
    await watching;
  }
}

function createSource(
  { config, client, target, first }: Connected,
  { clock, monitor, observers }: Pick<
    Surroundings,
    "clock" | "monitor" | "observers"
  >,
): Source {
  const log = logger("teleport");
  const options: Omit<PageSourceOptions, "follow"> = {
    ...config.source,
    getEvents: observedPages(
      (request, signal) => client.getEvents(request, signal),
      monitor,
    ),
    policy: target.policy,
    clock,
    observer: {
      page: () => observers.teleport.worked(),
      shrunk: (limit, error) =>
        log.info("page too large for the server, asking for less", {
          limit,
          error: error.message,
        }),
      cursorDropped: (cursor, time) =>
        log.debug("cursor shows nothing, reading from the newest event", {
          cursor,
          time,
        }),
      failed: observers.teleport.failed,
    },
  };
  const createPages = (follow: boolean) =>
    watchedSource(
      new PageSource({ ...options, follow }),
      monitor.movements.reading,
    );
  const source = createPages(!config.exitOnLastEvent);
  const { startId } = config.source;
  if (first && startId !== undefined) {
    return startAfter({ search: createPages(false), source }, startId);
  }
  return resumeAfter(
    source,
    (id, events) =>
      log.warn(
        "the event after which to go on does not show up, so what may have been sent before is sent again",
        { id, events },
      ),
  );
}

/** Asks the cluster who it is, for as long as that may take; undefined once stopped. */
async function findCluster(
  client: TeleportClient,
  policy: RetryPolicy,
  { clock, observers, stop }: Pick<Surroundings, "clock" | "observers"> & {
    stop: AbortSignal;
  },
): Promise<Cluster | undefined> {
  try {
    const cluster = await retry(() => client.ping(stop), {
      policy,
      clock,
      signal: stop,
      isFinal: (error) => error instanceof TeleportError && error.permanent,
      onFailure: observers.teleport.failed,
    });
    observers.teleport.worked();
    return cluster;
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}
