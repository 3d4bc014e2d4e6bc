/**
 * Recordings between a server and a receiver that a test scripts.
 *
 * @module
 */

import type { AuditEvent } from "../../lib/event.ts";
import { Account } from "../../lib/pipeline/accounts.ts";
import type { Deliver } from "../../lib/pipeline/deliver.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import type {
  PendingRecording,
  RetryRequests,
} from "../../lib/pipeline/ports.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import {
  Recordings,
  type RecordingsOptions,
} from "../../lib/pipeline/recordings.ts";
import { auditEvent, idsOf, position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

/** How the server streams one recording: from an index on, one event at a time. */
export type Script = (
  startIndex: number,
  signal: AbortSignal,
) => AsyncIterable<AuditEvent>;

/** Events with the indices given, and ids that name their place. */
export function recorded(
  indices: readonly number[],
  { types = [] }: { types?: readonly string[] } = {},
): AuditEvent[] {
  return indices.map((index, i) =>
    auditEvent(`r${i}`, { index, type: types[i] ?? "exec" })
  );
}

/** A server that streams what it has, as it should. */
export function streaming(events: readonly AuditEvent[]): Script {
  return async function* (startIndex) {
    yield* events.filter(({ index }) => index >= startIndex);
  };
}

/** Like `streaming`, but each stream ends with an error after so many events. */
export function cutting(
  events: readonly AuditEvent[],
  cuts: number[],
): Script {
  return async function* (startIndex) {
    const cut = cuts.shift();
    const rest = events.filter(({ index }) => index >= startIndex);
    yield* rest.slice(0, cut);
    if (cut !== undefined) throw new Error("the stream was cut");
  };
}

/** A recording of which an earlier run delivered something, or tried to. */
export function pending(
  recording: Partial<PendingRecording> = {},
): PendingRecording {
  return {
    index: 0,
    count: 0,
    attempts: 0,
    sinceMs: 0,
    notBeforeMs: 0,
    lastError: "",
    ...recording,
  };
}

/** What a test sees of running recordings. */
export interface Running {
  readonly recordings: Recordings;
  readonly progress: Progress;
  readonly clock: FakeClock;
  readonly stop: AbortController;
  /** Session id and start index of each stream. */
  readonly streams: string[];
  /** Streams that are open now, and the most that ever were. */
  readonly open: { now: number; most: number };
  /** Ids that arrived, by session. */
  readonly arrived: Map<string, string[]>;
  readonly told: string[];
  /** Announces recordings as the loop does. */
  announce(...sessionIds: string[]): void;
  /** The ids that arrived of a session, in one text. */
  text(sessionId: string): string;
}

/** Starts the recordings of a run. */
export function startRecordings(
  scripts: Readonly<Record<string, Script>>,
  { pending: left = {}, ...options }:
    & Partial<RecordingsOptions>
    & { pending?: Record<string, PendingRecording> } = {},
): Running {
  const clock = new FakeClock();
  const stop = new AbortController();
  const streams: string[] = [];
  const open = { now: 0, most: 0 };
  const arrived = new Map<string, string[]>();
  const told: string[] = [];
  const progress = new Progress({ position: position(0), recordings: left }, {
    clock,
    onChange: () => {},
  });
  const deliver: Deliver = (destination, events) => {
    const key = destination.kind === "recording" ? destination.sessionId : "";
    arrived.set(key, [...arrived.get(key) ?? [], ...idsOf(events)]);
    return Promise.resolve();
  };
  const recordings = new Recordings({
    source: {
      async *stream(sessionId, startIndex, signal) {
        streams.push(`${sessionId} ${startIndex}`);
        open.most = Math.max(open.most, ++open.now);
        try {
          for await (
            const event of scripts[sessionId]?.(startIndex, signal) ?? []
          ) yield { events: [event] };
        } finally {
          open.now--;
        }
      },
    },
    deliver,
    account: new Account(),
    checkpoints: progress,
    saved: () => Promise.resolve(),
    filter: typeFilter([], ["print"]),
    concurrency: 2,
    maxEvents: 3,
    maxBytes: 1024 * 1024,
    follow: false,
    patienceMs: 5 * 60_000,
    clock,
    observer: {
      read: (count, kept) => told.push(`read ${count}, kept ${kept}`),
      finished: (sessionId) => told.push(`${sessionId} finished`),
      full: () => told.push("no room"),
      retried: (sessionId) => told.push(`${sessionId} retried`),
      missing: (sessionId) => told.push(`${sessionId} missing`),
      failed: (sessionId, { attempts, lastError }, waitMs) =>
        told.push(
          `${sessionId} failed ${attempts}: ${lastError}${
            waitMs === undefined ? ", left" : ""
          }`,
        ),
    },
    random: () => 0.5,
    ...options,
  }, stop.signal);
  return {
    recordings,
    progress,
    clock,
    stop,
    streams,
    open,
    arrived,
    told,
    announce(...sessionIds) {
      progress.advance(position(1), sessionIds);
      recordings.announce(sessionIds);
    },
    text: (sessionId) => (arrived.get(sessionId) ?? []).join(" "),
  };
}

/** Requests that a test makes, at any time. */
export class Requests implements RetryRequests {
  #asked = Promise.withResolvers<readonly string[]>();

  ask(...sessionIds: readonly string[]): void {
    const { resolve } = this.#asked;
    this.#asked = Promise.withResolvers();
    resolve(sessionIds);
  }

  next(stop: AbortSignal): Promise<readonly string[]> {
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    if (stop.aborted) reject(stop.reason);
    stop.addEventListener("abort", () => reject(stop.reason), { once: true });
    return Promise.race([this.#asked.promise, stopped]);
  }
}
