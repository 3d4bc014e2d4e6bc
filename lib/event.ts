/**
 * The words that everything else speaks: what an event is, what a batch of them
 * is, and what a position in a cluster's audit log is. Imports nothing.
 *
 * @module
 */

/**
 * An encoded `google.protobuf.Struct`, untouched, from `start` to `end` in the
 * message that it arrived in. A view of its own would be a third of what an event
 * takes, and be there for the garbage collector to look at.
 */
export interface Payload {
  readonly message: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * One audit event, or one event of a session recording. The sink that sends it
 * picks the encoding of its payload, so nothing is parsed twice.
 */
export interface AuditEvent extends Payload {
  /** Event type as Teleport names it, e.g. `user.login`. Unknown types pass through. */
  readonly type: string;
  /** The event's own `uid`, or a SHA-256 of its payload; some servers leave it blank. */
  readonly id: string;
  /** When the event happened, milliseconds since the epoch. */
  readonly timeMs: number;
  /** The event's place in its session recording; 0 for most audit events. */
  readonly index: number;
  /** `session.upload` only: the recording that can be streamed from now on. */
  readonly sessionId: string | undefined;
}

/** A view of a payload: for the few that are looked at one by one. */
export function payloadOf({ message, start, end }: Payload): Uint8Array {
  return message.subarray(start, end);
}

/** Bytes of a payload. */
export function sizeOf({ start, end }: Payload): number {
  return end - start;
}

/** A payload that is all of a message. */
export function wholePayload(message: Uint8Array): Payload {
  return { message, start: 0, end: message.length };
}

/** The outcome of one `user.login` event. */
export interface LoginAttempt {
  readonly user: string;
  readonly login: string;
  readonly success: boolean;
}

/**
 * A place in the audit log from which reading can go on without losing or
 * repeating an event. Plain JSON: it is what the state file keeps.
 */
export type Position = PagePosition | ExportPosition;

/** A place in the pages of the audit log. */
export interface PagePosition {
  readonly kind: "page";
  /**
   * Start of the range that pages are asked for: RFC 3339, UTC, whole seconds, but
   * for what follows an event that was stepped over.
   */
  readonly start: string;
  /** Teleport's `last_key` of the last full page; "" asks for the first page. */
  readonly cursor: string;
  /**
   * Keys of the events that the page at `cursor` may show again and that are
   * delivered already, one entry for each time they were (see `event_key.ts`).
   */
  readonly seen: readonly string[];
  /**
   * Where to begin without a cursor, should this one stop working: the second of
   * the newest event, and the keys of the events read since its beginning.
   */
  readonly newest: NewestEvents | null;
  /**
   * What `newest` was before the page at `cursor`, where something of that page, or
   * behind it, is delivered: there reading begins without a cursor then, since more
   * may arrive late behind this one, and before the newest event. null where
   * nothing was read before it; a cursor from elsewhere has neither.
   */
  readonly before?: NewestEvents | null;
  /**
   * Id of the event after which to begin, where another program's position was
   * taken over (see `resume_after.ts`); gone from the first position behind it.
   */
  readonly after?: string;
}

/** The newest second of the audit log that was read. */
export interface NewestEvents {
  /** RFC 3339, UTC, whole seconds. */
  readonly time: string;
  readonly keys: readonly string[];
}

/** A place in the chunks of the audit log, of which there are several each day. */
export interface ExportPosition {
  readonly kind: "export";
  /**
   * The days that are not done with, by their UTC date, e.g. `2026-03-01`. There
   * is one at least: the latest is where days to come follow.
   */
  readonly days: Readonly<Record<string, ExportDay>>;
  /** Time of the newest event that was read: RFC 3339, UTC, whole seconds. */
  readonly newest: { readonly time: string } | null;
  /** What page search has read before, while its days are not done with. */
  readonly pages?: PagesRead;
}

/** How far the chunks of one day are read; those of no mention are not begun. */
export interface ExportDay {
  /** Chunks that are read to their end. */
  readonly done: readonly string[];
  /** Teleport's cursors of the chunks that are begun, by their names. */
  readonly cursors: Readonly<Record<string, string>>;
}

/** Where page search has ended, to go on there by other means. */
export interface PagesRead {
  /** Events before it are read, in chunks of its day and before: RFC 3339, UTC. */
  readonly until: string;
  /** Keys of the events at that time and later that are read, and were not shown again. */
  readonly keys: readonly string[];
}

/** Events that came together. */
export interface EventBatch {
  readonly events: readonly AuditEvent[];
  /**
   * Frees what the events' payloads are in, at once: for when all of them are
   * delivered, or nobody wants them. Left to the garbage collector where it is not
   * called.
   */
  readonly release?: (() => void) | undefined;
}

/** What a source yields: events, and where to go on once they are delivered. */
export interface Batch<At extends Position = Position> extends EventBatch {
  /** Safe to keep once every event of this batch and all before it is delivered. */
  readonly position: At;
  /** Whether the source is already fetching more: a sink may wait to fill a request. */
  readonly more: boolean;
  /**
   * Where it is not: when the log was asked for what is newer, milliseconds since the
   * epoch. The answer may have come long after. Left out: just now.
   */
  readonly askedMs?: number;
}

/**
 * What was asked for so long ago, as before an outage, does not tell what is there
 * now. No call takes as long, or all that a slow server says would be old.
 */
export const OLD_ANSWER_MS = 5 * 60_000;

/** Where events go: the audit log's receiver, or that of one session recording. */
export type Destination =
  | { readonly kind: "audit" }
  | { readonly kind: "recording"; readonly sessionId: string };

/** The audit log's receiver. */
export const AUDIT: Destination = { kind: "audit" };
