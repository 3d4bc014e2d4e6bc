/**
 * What is known of a run while it runs, and what that means: whether it is alive,
 * whether both sides answer, and the report about all of it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Progress } from "../pipeline/progress.ts";
import type { Counters } from "./counters.ts";
import { formatAge } from "./format_age.ts";
import { History } from "./history.ts";
import { type Measurements, NO_MEASUREMENTS } from "./measurements.ts";
import { hungOf, type Movements } from "./movement.ts";
import { formatCount } from "./format_number.ts";
import { Problems } from "./problems.ts";
import { reportRecordings } from "./recordings_report.ts";
import type { Verdict } from "./server.ts";
import { Side } from "./side.ts";
import type {
  CredentialReport,
  EventCounts,
  RecordingsReport,
  RunningReport,
  RunReport,
  SideReport,
  StateName,
  StateReport,
} from "./status_report.ts";
import type { Tracer } from "./tracer.ts";

/** What does not change while a run lasts. */
export interface MonitorOptions {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly movements: Movements;
  readonly version: string;
  /** `host:port` */
  readonly teleport: string;
  /** Scheme, host and port of a URL, or what stands in for it. */
  readonly fluentd: string;
  /** Aborts when it is to end. */
  readonly stop: AbortSignal;
}

/** What is known once the state is read. */
export interface Known {
  /** null where it was never asked. */
  readonly cluster: string | null;
  readonly startTime: string;
  readonly progress: Pick<Progress, "position" | "recordings">;
  /** Events that earlier runs set aside. */
  readonly setAside: number;
}

const NO_RECORDINGS = reportRecordings(new Map(), 0);

/** Watches one run. */
export class Monitor {
  readonly problems: Problems;
  readonly movements: Movements;
  readonly teleport: Side;
  readonly fluentd: Side;
  readonly counters: Counters;
  readonly #options: MonitorOptions;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** The same moment, by `Clock.monotonic`. */
  readonly #startedAtMs: number;
  /** Told of what is measured besides. */
  measurements: Measurements = NO_MEASUREMENTS;
  /** undefined: nobody wants spans. */
  tracer: Tracer | undefined;
  readonly #history: History;
  #known: Known | undefined;
  /** Up to when everything had been delivered when the run began. */
  #knownFirstMs = 0;
  #begun = false;
  #credentials: () => readonly CredentialReport[] = () => [];
  #state: { readonly name: StateName; readonly sinceMs: number };

  constructor(options: MonitorOptions) {
    const { clock } = options;
    this.counters = options.counters;
    this.movements = options.movements;
    this.#options = options;
    this.startedMs = clock.now();
    this.#startedAtMs = clock.monotonic();
    this.problems = new Problems(clock);
    this.teleport = new Side(options.teleport, clock);
    this.fluentd = new Side(options.fluentd, clock);
    this.#history = new History(clock);
    this.#state = { name: "connecting", sinceMs: this.startedMs };
  }

  /** The state of earlier runs is read; Teleport has not answered yet. */
  resume(known: Known): void {
    this.#know(known);
  }

  /** Forwarding begins. */
  begin(known: Known): void {
    this.#know(known);
    this.#begun = true;
  }

  /** Whom to ask for the certificates in use. */
  watchCredentials(list: () => readonly CredentialReport[]): void {
    this.#credentials = list;
  }

  /** Takes note of how things are; to be called every second. */
  sample(): void {
    this.#history.sample(this.counters.delivered, this.lagSeconds());
    this.#noteState();
  }

  /** Whether it moves, or at least tries to. */
  health(): Verdict {
    const hung = hungOf(this.movements);
    if (hung.length === 0) return { ok: true };
    const nowMs = this.#options.clock.now();
    return {
      ok: false,
      reason: hung.map(({ name, hungMs }) =>
        `${name}: nothing has moved for ${formatAge(hungMs)}, since ${
          new Date(nowMs - hungMs).toISOString()
        }`
      ).join("\n"),
    };
  }

  /** Whether both sides answered last. */
  readiness(): Verdict {
    const teleport = this.teleport.report();
    const reasons = [
      ...teleport.ok === null
        ? [
          `Teleport at ${teleport.address} has not answered since the start, ${teleport.since}`,
        ]
        : [],
      ...failure("Teleport", teleport),
      ...failure("Fluentd", this.fluentd.report()),
    ];
    return reasons.length === 0
      ? { ok: true }
      : { ok: false, reason: reasons.join("\n") };
  }

  get version(): string {
    return this.#options.version;
  }

  /** Events that are set aside, by this run and by earlier ones. */
  get setAside(): number {
    return (this.#known?.setAside ?? 0) + this.counters.setAside;
  }

  /** The recordings that are not delivered completely. */
  recordings(): RecordingsReport {
    const { clock } = this.#options;
    return this.#known === undefined
      ? NO_RECORDINGS
      : reportRecordings(this.#known.progress.recordings(), clock.now());
  }

  /** The certificates in use. */
  credentials(): readonly CredentialReport[] {
    return this.#credentials();
  }

  /** See `StatusReport.position`. */
  positionSeconds(): number | null {
    const time = this.#position();
    return time === null ? null : Date.parse(time) / 1_000;
  }

  /** See `RunReport.lagSeconds`. */
  lagSeconds(): number | null {
    if (this.#known === undefined) return null;
    const { counters } = this;
    const nowMs = this.#options.clock.now();
    // A clock that was ahead then must not make it less behind now.
    counters.upToDateMs = Math.min(counters.upToDateMs, nowMs);
    if (counters.upToDate) return 0;
    // Chunks come in no order of time: the newest event says nothing of those before it.
    const readMs = this.#known.progress.position.kind === "export"
      ? this.#knownFirstMs
      : readUpToMs(this.#known);
    const knownMs = Math.max(readMs, counters.upToDateMs);
    return Math.max(0, (nowMs - knownMs) / 1_000);
  }

  /** Everything. */
  report(): RunningReport {
    const nowMs = this.#options.clock.now();
    const known = this.#known;
    return {
      time: new Date(nowMs).toISOString(),
      cluster: known?.cluster ?? null,
      startTime: known?.startTime ?? null,
      position: this.#position(),
      recordings: this.recordings(),
      setAside: this.setAside,
      credentials: this.#credentials(),
      run: this.#reportRun(),
    };
  }

  #know(known: Known): void {
    this.#known = known;
    this.#knownFirstMs = readUpToMs(known);
  }

  #position(): string | null {
    return this.#known?.progress.position.newest?.time ?? null;
  }

  #reportRun(): RunReport {
    const { counters } = this;
    const { clock, version } = this.#options;
    const lagSeconds = this.lagSeconds();
    return {
      version,
      startedAt: new Date(this.startedMs).toISOString(),
      uptimeSeconds: Math.round(
        (clock.monotonic() - this.#startedAtMs) / 1_000,
      ),
      state: this.#reportState(),
      lagSeconds,
      eventsPerSecond: this.#history.rate(counters.delivered),
      events: {
        audit: this.#counts("audit"),
        recording: this.#counts("recording"),
        leftOut: counters.leftOut,
      },
      recordingsDelivered: counters.recordingsFinished,
      requests: { ...counters.requests },
      requestsInFlight: counters.requestsInFlight,
      retries: {
        teleport: Object.fromEntries(counters.retries.teleport),
        fluentd: Object.fromEntries(counters.retries.fluentd),
      },
      sides: {
        teleport: this.teleport.report(),
        fluentd: this.fluentd.report(),
      },
      problems: this.problems.report(),
      history: this.#history.report(counters.delivered, lagSeconds),
      memoryBytes: Deno.memoryUsage().rss,
    };
  }

  #counts(kind: "audit" | "recording"): EventCounts {
    const { counters } = this;
    return { ...counters[kind], unaccounted: counters.unaccounted[kind] };
  }

  #reportState(): StateReport {
    const { name, sinceMs } = this.#noteState();
    return {
      name,
      since: new Date(sinceMs).toISOString(),
      text: this.#describeState(name),
    };
  }

  #noteState(): { readonly name: StateName; readonly sinceMs: number } {
    const name = this.#stateName();
    if (name !== this.#state.name) {
      this.#state = { name, sinceMs: this.#options.clock.now() };
    }
    return this.#state;
  }

  #stateName(): StateName {
    if (this.#options.stop.aborted) return "stopping";
    if (!this.health().ok) return "stalled";
    const sides = [this.teleport.report(), this.fluentd.report()];
    if (sides.some(({ ok }) => ok === false)) return "retrying";
    if (!this.#begun) return "connecting";
    return this.counters.upToDate ? "caught up" : "delivering";
  }

  #describeState(name: StateName): string {
    switch (name) {
      case "connecting":
        return `Connecting to Teleport at ${this.teleport.report().address}.`;
      case "delivering":
        return `Delivering; ${
          formatAge((this.lagSeconds() ?? 0) * 1_000)
        } behind.`;
      case "caught up":
        return `Caught up: every event that Teleport has is delivered${this.#exceptions()}.`;
      case "retrying":
        return `Retrying: ${inOneLine(this.readiness())}.`;
      case "stalled":
        return `Stalled: ${inOneLine(this.health())}.`;
      case "stopping":
        return "Stopping: what is in flight is delivered first.";
    }
  }

  /** What is not delivered, or not yet. */
  #exceptions(): string {
    const { audit, recording } = this.counters.unaccounted;
    const { pending, missing } = this.recordings();
    const recordings = (count: number, what: string) =>
      count === 0 ? [] : [
        `those of ${formatCount(count)} ${what} recording${
          count === 1 ? "" : "s"
        }`,
      ];
    const parts = [
      ...this.setAside === 0 ? [] : [`${formatCount(this.setAside)} set aside`],
      ...recordings(missing, "missing"),
      ...recordings(pending - missing, "pending"),
      ...audit + recording === 0
        ? []
        : [`${formatCount(audit + recording)} without an account`],
    ];
    return parts.length === 0 ? "" : `, but for ${parts.join(", ")}`;
  }
}

/** Up to when everything is delivered, as far as a position tells. */
function readUpToMs({ startTime, progress: { position } }: Known): number {
  const from = position.kind === "page" ? position.start : startTime;
  const { newest } = position;
  return Math.max(
    Date.parse(from),
    newest === null ? 0 : Date.parse(newest.time),
  );
}

/** The reasons, of which a verdict has one a line. */
function inOneLine(verdict: Verdict): string {
  return verdict.ok ? "" : verdict.reason.replaceAll("\n", "; ");
}

function failure(name: string, side: SideReport): string[] {
  if (side.ok !== false) return [];
  return [`${name} fails since ${side.since}: ${side.error}`];
}
