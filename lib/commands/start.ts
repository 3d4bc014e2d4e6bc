/**
 * `start`: forwards events until it is stopped, or until all are delivered.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { allOrProblems, problemsOf } from "../errors.ts";
import { loadTls } from "../fluentd/tls.ts";
import { logger, setUpLogging } from "../log.ts";
import { AccountsCheck } from "../operate/accounts_check.ts";
import { Counters } from "../operate/counters.ts";
import { reportTerms, watchExpiry } from "../operate/expiry.ts";
import { createObservers } from "../operate/observers.ts";
import { openTracer } from "../operate/open_tracer.ts";
import { ProgressLine } from "../operate/progress_line.ts";
import { summaryFields } from "../operate/summary.ts";
import { watchRequests } from "../operate/watch_requests.ts";
import { Accounts } from "../pipeline/accounts.ts";
import type { Signals } from "../pipeline/forward.ts";
import { StoppedError } from "./signals.ts";
import { unseenLogins } from "./auto_lock.ts";
import { inBackground } from "./background.ts";
import { createMonitor } from "./create_monitor.ts";
import { ExitStatus, statusOfError, statusOfRun } from "./exit_status.ts";
import { findCluster } from "./find_cluster.ts";
import { forwardAll } from "./forward_all.ts";
import { tell } from "./print.ts";
import { serveMonitor } from "./serve_monitor.ts";
import { settleNetwork } from "./network.ts";
import { openTarget } from "./target.ts";
import { openTeleport } from "./teleport_client.ts";

/** `start`, with its logs and its progress on stderr. */
export async function runStart(
  config: Config,
  signals: Signals,
): Promise<number> {
  const counters = new Counters();
  // What is printed to a terminal would stand behind the line.
  const isPrinted = config.target.kind === "stdout" && Deno.stdout.isTerminal();
  using progress = Deno.stderr.isTerminal() && !isPrinted
    ? new ProgressLine(counters, { clock: systemClock, write: tell })
    : undefined;
  await setUpLogging({
    ...config.log,
    write: (lines) =>
      progress === undefined ? tell(lines) : progress.print(lines),
  });
  try {
    settleNetwork(config.teleport.addresses, config.target);
    await start(config, counters, signals);
  } catch (error) {
    if (config.log.format === "text") throw error;
    // What reads JSON reads nothing else.
    logEnd(error);
    return statusOfError(error);
  }
  return config.exitOnLastEvent ? statusOfRun(counters) : ExitStatus.Done;
}

/** Where Teleport's credentials are no good, what is wrong with Fluentd's is told, too. */
async function refuse(
  error: unknown,
  target: Config["target"],
  nowMs: number,
): Promise<never> {
  if (target.kind === "fluentd") {
    await allOrProblems([
      Promise.reject(error),
      loadTls(target.fluentd, nowMs),
    ]);
  }
  throw error;
}

/** Logs what ended a run before its time. */
function logEnd(error: unknown): void {
  const level = error instanceof StoppedError ? "warn" : "error";
  for (const problem of problemsOf(error)) {
    logger("start")[level]("ended before its time", { error: problem });
  }
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
  const { stop } = signals;
  const monitor = createMonitor(config, { clock, counters, stop });
  monitor.tracer = await openTracer();
  const observers = createObservers(monitor, clock);
  const accounts = new Accounts();
  const accountsCheck = new AccountsCheck(accounts, {
    counters,
    problems: monitor.problems,
    log,
  });
  const teleport = await openTeleport(config.teleport, clock)
    .catch((error) => refuse(error, config.target, clock.now()));
  const { client } = teleport;
  using target = await openTarget(config, {
    clock,
    requests: watchRequests(monitor, { kill: signals.kill, clock }),
    // What the runtime tells of a request is within our span on this thread alone.
    ownThread: monitor.tracer === undefined,
    state: {
      saved(seconds) {
        monitor.measurements.save(seconds);
        accountsCheck.check();
      },
    },
  });
  const terms = () => [...teleport.terms(), ...target.terms()];
  const { stored, setAside } = target;
  if (stored !== undefined) monitor.resume({ ...stored, setAside });
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
    const found = await findCluster(client, {
      policy: target.policy,
      clock,
      teleport: observers.teleport,
      stop,
    });
    if (found === undefined) return;
    const { cluster, hasExport } = found;
    const begun = target.begin(cluster.name);
    const { progress, startTime } = begun;
    monitor.begin({ cluster: cluster.name, startTime, progress, setAside });
    log.info("started", {
      cluster: cluster.name,
      version: cluster.version,
      by: hasExport ? "bulk export" : "pages",
      from: progress.position.newest?.time ?? startTime,
      pending_recordings: progress.recordings().size,
    });
    await forwardAll({ config, client, target, hasExport, ...begun }, {
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
