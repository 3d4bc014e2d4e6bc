/**
 * What `/status` answers and `status --json` prints. Plain JSON; times are RFC
 * 3339 in UTC. Imports nothing.
 *
 * @module
 */

/** How forwarding is. */
export interface StatusReport {
  /** When this was found out. */
  readonly time: string;
  /** The cluster's name; null until Teleport has said it. */
  readonly cluster: string | null;
  /** Since when events are forwarded; null until the state is read. */
  readonly startTime: string | null;
  /**
   * Time of the newest event that is delivered; null before the first. Read by
   * pages, all before it are, too; a bulk export comes in no order of time.
   */
  readonly position: string | null;
  readonly recordings: RecordingsReport;
  /** Events that are set aside in the state directory, also by earlier runs. */
  readonly setAside: number;
  /** In the order in which they end. */
  readonly credentials: readonly CredentialReport[];
  /** What only the running process knows; null where the state directory alone was read. */
  readonly run: RunReport | null;
}

/** A report of the running process itself. */
export interface RunningReport extends StatusReport {
  readonly run: RunReport;
}

/** Recordings that are not delivered completely. */
export interface RecordingsReport {
  readonly pending: number;
  /** Of these, those whose last attempt failed. */
  readonly failing: number;
  /** Of these, those that could not be read for two days. */
  readonly missing: number;
  /** Those that fail, longest known first; at most 100. */
  readonly troubled: readonly TroubledRecording[];
}

/** A recording that could not be read so far. */
export interface TroubledRecording {
  readonly sessionId: string;
  /** When the first of the attempts failed. */
  readonly since: string;
  readonly attempts: number;
  readonly missing: boolean;
  readonly lastError: string;
}

/** A certificate that the program shows to one of the sides, or CAs that it trusts. */
export interface CredentialReport {
  /** The option that names it, e.g. `teleport-identity`, and what it is there. */
  readonly name: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whether it is time to renew it, or past that. */
  readonly endsSoon: boolean;
}

/** What the running process knows of itself. */
export interface RunReport {
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly state: StateReport;
  /**
   * Seconds up to now for which it is not known that every event is delivered: 0
   * when Teleport had nothing newer at the last poll; null until the state is read.
   * During a bulk export it begins where the last poll that is delivered completely
   * was made, or where the run went on.
   */
  readonly lagSeconds: number | null;
  /** Events delivered per second, over the last ten seconds or so. */
  readonly eventsPerSecond: number;
  /** Since the start of the process. */
  readonly events: {
    readonly audit: EventCounts;
    /** Events of session recordings. */
    readonly recording: EventCounts;
    /** Ranges of time with events that Teleport could not send; part of `setAside`. */
    readonly leftOut: number;
  };
  /** Recordings delivered completely since the start of the process. */
  readonly recordingsDelivered: number;
  /** Requests to Fluentd since the start of the process, by outcome. */
  readonly requests: Readonly<Record<RequestOutcome, number>>;
  readonly requestsInFlight: number;
  /** Attempts that failed and were made again, since the start of the process, by reason. */
  readonly retries: {
    readonly teleport: Readonly<Record<string, number>>;
    readonly fluentd: Readonly<Record<string, number>>;
  };
  readonly sides: {
    readonly teleport: SideReport;
    readonly fluentd: SideReport;
  };
  /** The last ten, newest first. */
  readonly problems: readonly ProblemReport[];
  /**
   * The last hour, oldest first: a point at the end of each minute, and last the
   * minute that is not over.
   */
  readonly history: readonly HistoryPoint[];
  /** Resident memory. */
  readonly memoryBytes: number;
}

/** What the program is doing, and since when. */
export interface StateReport {
  readonly name: StateName;
  readonly since: string;
  /** A sentence for people, e.g. why and which side. */
  readonly text: string;
}

/**
 * - `connecting`: Teleport has not answered yet.
 * - `delivering`: there is more to deliver, and it arrives.
 * - `caught up`: Teleport had nothing newer, and everything is delivered.
 * - `retrying`: the last attempt on one of the sides failed.
 * - `stalled`: nothing has moved for minutes.
 * - `stopping`: what is in flight is delivered, and then it ends.
 */
export type StateName =
  | "connecting"
  | "delivering"
  | "caught up"
  | "retrying"
  | "stalled"
  | "stopping";

/** What became of the events of one kind. */
export interface EventCounts {
  readonly read: number;
  readonly filtered: number;
  readonly delivered: number;
  readonly setAside: number;
  /** Events that are nowhere, or in two places: 0, or a fault of this program. */
  readonly unaccounted: number;
}

/** How a request to Fluentd ended. */
export type RequestOutcome =
  /** Answered with 2xx. */
  | "delivered"
  /** Refused for good: split, and in the end set aside. */
  | "refused"
  /** Answered with a status that means again later. */
  | "busy"
  /** No answer in time. */
  | "timeout"
  /** Not welcome there with whatever we send: somebody has to act. */
  | "misdirected"
  /** No connection, or it broke. */
  | "connection"
  /** By ourselves, at the end of a run. */
  | "aborted";

/** What a side is asked for. */
export type Errand =
  | "reading from Teleport"
  | "delivery of events"
  | "delivery of recordings";

/** One of the two ends. */
export interface SideReport {
  /** Where it is: `host:port`, or scheme, host and port of a URL. */
  readonly address: string;
  /** Whether the last answer was good; null where it was not asked yet. */
  readonly ok: boolean | null;
  /** What it fails at, longest first. */
  readonly failing: readonly Errand[];
  /** Since when that is so; since the start where it was not asked yet. */
  readonly since: string;
  /** Why it is not. */
  readonly error: string | null;
}

/** Something that went wrong. */
export interface ProblemReport {
  /** What it is that went wrong, e.g. `delivery of events`. */
  readonly what: string;
  /** Why, in words. */
  readonly error: string;
  readonly first: string;
  readonly last: string;
  /** When it was over; null where it is not. */
  readonly over: string | null;
  readonly times: number;
}

/** One minute. */
export interface HistoryPoint {
  /** Its end. */
  readonly time: string;
  readonly eventsPerSecond: number;
  /** At its end; null where it was not known. */
  readonly lagSeconds: number | null;
}
