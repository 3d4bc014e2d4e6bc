/**
 * What is measured.
 *
 * @module
 */

/** One run of the program. */
export interface Case {
  readonly name: string;
  /** Besides the addresses and the credentials; everything else is the default. */
  readonly args: readonly string[];
  readonly log: Log;
  /** Whether it listens, and is asked for its metrics and its page each second. */
  readonly asked?: true;
}

/** What Teleport holds. */
export type Log =
  | { readonly kind: "events"; readonly events: number }
  /** The same for bulk export, so many to a chunk. */
  | {
    readonly kind: "chunks";
    readonly events: number;
    readonly chunkEvents: number;
  }
  /** The events of each recording, and nothing but their announcements besides. */
  | { readonly kind: "recordings"; readonly recordings: readonly number[] };

/** One event per request, and pages of 20, are that much slower. */
const FEWER = 10;
/** Events of a recording: what a command takes, and what a month in a shell does. */
const SMALL = 50;
const HUGE = 500_000;
/** Events of a chunk: what a busy cluster writes into one object. */
const CHUNK = 20_000;

/** All cases, with so many events each but where that would take too long. */
export function cases(events: number): [defaults: Case, ...others: Case[]] {
  const audit = (name: string, ...args: string[]): Case => ({
    name,
    args,
    log: { kind: "events", events },
  });
  const fewer = (name: string, ...args: string[]): Case => ({
    ...audit(name, ...args),
    log: { kind: "events", events: events / FEWER },
  });
  const recordings = (name: string, sizes: readonly number[]): Case => ({
    ...audit(name),
    log: { kind: "recordings", recordings: sizes },
  });
  const small = Array.from({ length: events / FEWER / SMALL }, () => SMALL);
  const huge = [HUGE, HUGE];
  return [
    audit("defaults"),
    fewer("pages of 20", "--batch=20"),
    audit("pages of 500", "--batch=500"),
    audit("pages of 1,000", "--batch=1000"),
    fewer("one object per request", "--fluentd-batch=1"),
    { ...audit("metrics and page served"), asked: true },
    audit("gzip", "--fluentd-compress=gzip"),
    {
      ...audit("bulk export"),
      log: { kind: "chunks", events, chunkEvents: CHUNK },
    },
    recordings("many small recordings", small),
    recordings("two huge recordings", huge),
    recordings("small and huge ones", [...huge, ...small]),
  ];
}

/** The same log, longer and longer. */
export function scaleCases(): Case[] {
  return [100_000, 1_000_000, 5_000_000].map((events) => ({
    name: `${events.toLocaleString("en")} events`,
    args: [],
    log: { kind: "events", events },
  }));
}

/** Events that arrive in a run. */
export function eventsOf(log: Log): number {
  return log.kind === "recordings"
    ? log.recordings.reduce((sum, events) => sum + events + 1, 0)
    : log.events;
}
