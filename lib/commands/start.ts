/**
 * `start`: forwards events until it is stopped, or until all are delivered.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { logger, setUpLogging } from "../log.ts";
import { AccountsCheck } from "../operate/accounts_check.ts";
import { Counters } from "../operate/counters.ts";
import { Monitor } from "../operate/monitor.ts";
import {
  createMovements,
  type Movements,
  watchMovements,
} from "../operate/movement.ts";
import { createObservers, type Observers } from "../operate/observers.ts";
import { ProgressLine } from "../operate/progress_line.ts";
import { reportTerms, watchExpiry } from "../operate/expiry.ts";
import { logSummaries, summaryFields } from "../operate/summary.ts";
import { openTracer } from "../operate/tracer.ts";
import { watchRecordings } from "../operate/watch_recordings.ts";
import { watchRequests } from "../operate/watch_requests.ts";
import { Accounts } from "../pipeline/accounts.ts";
import { typeFilter } from "../pipeline/filter.ts";
import type { Signals } from "../pipeline/forward.ts";
import type { Saver } from "../pipeline/ports.ts";
import type { Progress } from "../pipeline/progress.ts";
import { retry, type RetryPolicy } from "../pipeline/retry.ts";
import { run } from "../pipeline/run.ts";
import { lockingOptions, unseenLogins } from "./auto_lock.ts";
import { inBackground } from "./background.ts";
import { createSource } from "./create_source.ts";
import { ExitStatus } from "./exit_status.ts";
import { serveMonitor } from "./serve_monitor.ts";
import { openTarget, type Target } from "./target.ts";
import { openTeleport } from "./teleport_client.ts";
import { formatAddress } from "../teleport/address.ts";
import type { TeleportClient } from "../teleport/client.ts";
import type { Cluster } from "../teleport/connection.ts";
import { TeleportError } from "../teleport/errors.ts";
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
  if (!config.exitOnLastEvent) return ExitStatus.Done;
  const { audit, recording } = counters.unaccounted;
  if (audit !== 0 || recording !== 0) return ExitStatus.Failed;
  return counters.setAside > 0 ? ExitStatus.SetAside : ExitStatus.Done;
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
  const unseen = unseenLogins(config.lock, config.source);
  if (unseen !== undefined) log.warn(unseen);
  const movements = createMovements({ clock, pollMs: config.source.pollMs });
  const monitor = createMonitor(config, { counters, movements }, {
    clock,
    stop: signals.stop,
  });
  monitor.tracer = await openTracer();
  const observers = createObservers(monitor, clock);
  const accounts = new Accounts();
  const accountsCheck = new AccountsCheck(accounts, { counters, log });
  const teleport = await openTeleport(config.teleport, clock);
  const { client } = teleport;
  await using target = await openTarget(config, {
    clock,
    requests: watchRequests(monitor, signals.kill),
    state: {
      saved(seconds) {
        monitor.measurements.save(seconds);
        accountsCheck.check();
      },
    },
  });
  const terms = () => [...teleport.terms(), ...target.terms()];
  monitor.watchCredentials(() => reportTerms(terms(), clock.now()));
  await using _credentials = inBackground((stop) =>
    Promise.all([
      watchExpiry(terms, { clock, stop }),
      teleport.keepFresh(stop),
      target.keepFresh(stop),
    ])
  );
  // Before Teleport answers: who looks after it sees that it does not.
  await using _server = await serveMonitor(config.listen, monitor, clock);
  try {
    const found = await findCluster(client, target.policy, {
      clock,
      observers,
      stop: signals.stop,
    });
    if (found === undefined) return;
    const { cluster, hasExport } = found;
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
      by: hasExport ? "bulk export" : "pages",
      from: progress.position.newest?.time ?? startTime,
      pending_recordings: progress.recordings().size,
    });
    const connected = { config, client, target, hasExport };
    await forwardAll({ ...connected, progress, saver, startTime, first }, {
      clock,
      monitor,
      accounts,
      observers,
      signals,
    });
    accountsCheck.checkEnd();
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

/** What is connected. */
interface Connected {
  readonly config: Config;
  readonly client: TeleportClient;
  readonly target: Target;
  readonly hasExport: boolean;
  readonly progress: Progress;
  readonly saver: Saver;
  readonly startTime: string;
  readonly first: boolean;
}

/** What a run lives in. */
interface Surroundings {
  readonly clock: Clock;
  readonly monitor: Monitor;
  readonly accounts: Accounts;
  readonly observers: Observers;
  readonly signals: Signals;
}

async function forwardAll(
  connected: Connected,
  { clock, monitor, accounts, observers, signals }: Surroundings,
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
      accounts,
      delivery: { ...target, clock, observer: observers.delivery },
      events: {
        source: createSource({
          ...connected,
          policy: target.policy,
          notes: target.quarantine,
        }, { clock, monitor, teleport: observers.teleport }),
        filter: typeFilter(types, skipEventTypes),
        maxEvents,
        maxBytes,
        maxRequests: target.maxRequests,
        observer: observers.events,
      },
      recordings: {
        source: watchRecordings({
          stream: (sessionId, startIndex, signal) =>
            client.streamSessionEvents(sessionId, startIndex, signal),
        }, monitor),
        filter: typeFilter([], skipSessionTypes),
        concurrency: config.concurrency,
        maxEvents,
        maxBytes,
        follow: !config.exitOnLastEvent,
        clock,
        observer: observers.recordings,
        requests: target.retryRequests,
      },
      locking: lockingOptions(config.lock, client, clock),
    }, signals);
  } finally {
    ended.abort();
    await watching;
  }
}

/** Who a cluster is, and what it can do. */
interface Found {
  readonly cluster: Cluster;
  readonly hasExport: boolean;
}

/** Asks the cluster who it is, for as long as that may take; undefined once stopped. */
async function findCluster(
  client: TeleportClient,
  policy: RetryPolicy,
  { clock, observers, stop }: Pick<Surroundings, "clock" | "observers"> & {
    stop: AbortSignal;
  },
): Promise<Found | undefined> {
  const untilAnswered = <T>(
    call: () => Promise<T>,
    isFinal: (error: unknown) => boolean,
  ) =>
    retry(call, {
      policy,
      clock,
      signal: stop,
      isFinal,
      onFailure: observers.teleport.failed,
    });
  try {
    const cluster = await untilAnswered(
      () => client.ping(stop),
      (error) => error instanceof TeleportError && error.permanent,
    );
    const hasExport = await untilAnswered(
      () => client.hasExport(clock.now(), stop),
      () => false,
    );
    observers.teleport.worked();
    return { cluster, hasExport };
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}
