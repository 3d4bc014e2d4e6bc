/**
 * What the pipeline needs of the world. It names no vendor: Teleport, Fluentd,
 * standard output and the state directory implement these and never meet.
 *
 * @module
 */

import type {
  AuditEvent,
  Batch,
  Destination,
  EventBatch,
  LoginAttempt,
  Position,
} from "../event.ts";

/** Where audit events come from, with the kind of position that it goes by. */
export interface Source<At extends Position = Position> {
  /**
   * Yields batches from `from` on. Pull-based: no more than about one batch ahead
   * of each request is fetched until the consumer asks, which is the backpressure.
   *
   * Ends when `stop` aborts, and, for a source that does not follow the log,
   * when the log has no newer event. Retries what can be retried by itself.
   */
  read(from: At, stop: AbortSignal): AsyncIterable<Batch<At>>;
}

/** Where session recordings come from. */
export interface RecordingSource {
  /**
   * Yields a recording's events in order, as they come, from the one with index
   * `startIndex` on. A server may begin earlier. Indices never decrease, which is
   * what going on by index relies on: Teleport numbers the events of a session as
   * they come, and its reader of recordings (`ProtoReader`) passes over those that are
   * not above the one before. Throws when the recording cannot be read; ends
   * without an event when it is not there (yet).
   */
  stream(
    sessionId: string,
    startIndex: number,
    signal: AbortSignal,
  ): AsyncIterable<EventBatch>;
}

/** Where events go. */
export interface Sink {
  /**
   * Sends the leading events of `events`, as many as fit one request and at
   * least one, and resolves with their number only after the receiver has
   * acknowledged them.
   *
   * Sinks classify, and do nothing else about it: a `RejectedError` means never
   * again like this, anything else means again later. `kill` aborts the request,
   * which then rejects with `kill.reason`: an aborted request is not a delivery.
   */
  send(
    destination: Destination,
    events: readonly AuditEvent[],
    kill: AbortSignal,
  ): Promise<number>;
  /** Closes the connections. */
  close(): void;
}

/** Keeps somebody from logging in. */
export interface Locker {
  /**
   * Locks, or replaces the lock that there is, until `untilMs`, milliseconds since
   * the epoch; undefined: for ever. Resolves once the lock is in force.
   */
  lock(
    account: Pick<LoginAttempt, "user" | "login">,
    untilMs: number | undefined,
    kill: AbortSignal,
  ): Promise<void>;
}

/** How far a recording was delivered. */
export interface RecordingMark {
  /** Index of the last event that was delivered or skipped; 0 before the first. */
  readonly index: number;
  /** How many events with exactly that index were; 0 before the first event. */
  readonly count: number;
}

/** A recording that is not delivered completely. */
export interface PendingRecording extends RecordingMark {
  /** Failed attempts since the last one that got further. */
  readonly attempts: number;
  /**
   * When the recording was first heard of, or, where attempts failed, when the first
   * of these did: milliseconds since the epoch.
   */
  readonly sinceMs: number;
  /** Not before then is it tried again, milliseconds since the epoch; 0: at once. */
  readonly notBeforeMs: number;
  /** Why the last attempt failed, in words; "" where none has. */
  readonly lastError: string;
  /** Somebody was told that it is missing. */
  readonly toldMissing?: boolean;
}

/** Recordings that somebody wants to be tried at once. */
export interface RetryRequests {
  /**
   * Resolves with their session ids once there are any; those of the last time are
   * done with then. Rejects with the reason of `stop`.
   */
  next(stop: AbortSignal): Promise<readonly string[]>;
}

/** What survives the process. Changes are saved together, soon, and in one piece. */
export interface Checkpoints {
  /** Moves the position, and remembers the recordings announced on the way to it. */
  advance(position: Position, announced: readonly string[]): void;
  /** The recordings that are not delivered completely, oldest first. */
  recordings(): ReadonlyMap<string, PendingRecording>;
  /** Replaces what is known of a pending recording. */
  updateRecording(sessionId: string, recording: PendingRecording): void;
  /** Forgets a recording that is delivered completely. */
  finishRecording(sessionId: string): void;
  /** Who is locked for which failed logins (see `FailedLogins.locked`). */
  readonly locks: Readonly<Record<string, number>>;
  /** Replaces what is known of locks. */
  updateLocks(locks: Readonly<Record<string, number>>): void;
}

/** Keeps checkpoints somewhere that outlives the process. */
export interface Saver {
  /**
   * Saves changes soon after they are made, until `stop` aborts; what came last
   * is for `save`. Throws as soon as a save fails.
   */
  keepSaved(stop: AbortSignal): Promise<void>;
  /** Resolves once all that has changed is saved; rejects with the reason of `stop`. */
  saved(stop: AbortSignal): Promise<void>;
  /** Saves what changed since the last time. */
  save(): Promise<void>;
}
