/**
 * Delivers session recordings, several at a time, each in order, and none of them
 * in the way of anything else.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { counted } from "../counted.ts";
import { describe, GaveUpError, isAbort, isUnreachable } from "../errors.ts";
import type { EventBatch } from "../event.ts";
import { Alarms } from "./alarms.ts";
import { isMissing } from "./missing_recording.ts";
import {
  OrderedRequests,
  type OrderedRequestsOptions,
} from "./ordered_requests.ts";
import type {
  Checkpoints,
  PendingRecording,
  RecordingMark,
  RecordingSource,
  RetryRequests,
} from "./ports.ts";
import { backoffMs } from "./retry.ts";
import { Slots } from "./slots.ts";

/** Recordings that may wait for their first attempt, for each that is exported. */
const WAITING_PER_SLOT = 16;
const RETRY = { initialMs: 5_000, maxMs: 60 * 60_000 };
/** A run that is to end tries a recording so often, spaced so, and then leaves it. */
const ATTEMPTS_BEFORE_EXIT = 3;
const RETRY_BEFORE_EXIT = { initialMs: 500, maxMs: 2_000 };
/** The same while the source cannot be reached, however often that is. */
const RETRY_UNASKED = { initialMs: 500, maxMs: 30_000 };

/** What recordings need of their surroundings. */
export interface RecordingsOptions extends OrderedRequestsOptions {
  readonly source: RecordingSource;
  readonly checkpoints: Checkpoints;
  /** See `Saver.saved`. */
  readonly saved: (stop: AbortSignal) => Promise<void>;
  /** Recordings exported at the same time. */
  readonly concurrency: number;
  /** Whether to go on retrying what is not there; otherwise it is left for the next run. */
  readonly follow: boolean;
  /**
   * How long one that is not to be followed waits for a source that cannot be reached;
   * left out: for ever.
   */
  readonly patienceMs?: number | undefined;
  readonly clock: Clock;
  readonly observer: RecordingsObserver;
  /** Left out: nobody can ask for anything. */
  readonly requests?: RetryRequests | undefined;
  readonly random?: () => number;
}

/** Who is told about recordings. */
export interface RecordingsObserver {
  /** So many events were read; `kept` of them pass the filter. */
  read(count: number, kept: number): void;
  /** It is delivered; `before` is what was known when the last attempt began. */
  finished(sessionId: string, before: PendingRecording): void;
  /** So many wait for their first attempt that no events are read meanwhile. */
  full(): void;
  /** It is tried again at once, as somebody asked for. */
  retried(sessionId: string): void;
  /**
   * It could not be read for two days; told once, however many runs it takes, until
   * it gets further.
   */
  missing(sessionId: string, recording: PendingRecording): void;
  /**
   * An attempt failed, by that error, which `recording` has in words; `waitMs` is
   * undefined where this run will not try again.
   */
  failed(
    sessionId: string,
    recording: PendingRecording,
    waitMs: number | undefined,
    error: unknown,
  ): void;
}

/** How often a recording was tried by this run without getting further, or being left. */
interface Tries {
  readonly asked: number;
  /** Times since then that the source could not be reached. */
  readonly unasked: number;
  /** When it first could not, by `Clock.monotonic`. */
  readonly unaskedSinceMs: number;
}

const NO_TRIES: Tries = { asked: 0, unasked: 0, unaskedSinceMs: 0 };

/** The recording could not be read to its end; its cause says why. */
class UnreadableError extends Error {}

/** The recordings of one run. */
export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #stop: AbortSignal;
  readonly #failure = new AbortController();
  /** Those whose turn comes, in line. */
  readonly #due = new Set<string>();
  /** Those that failed, until they are due again. */
  readonly #waiting: Alarms;
  readonly #running = new Set<string>();
  /** Those that were announced once more since their attempt began. */
  readonly #again = new Set<string>();
  /** Those that somebody asked for while they were under way. */
  readonly #asked = new Set<string>();
  readonly #tries = new Map<string, Tries>();
  /** Those that were left as the source could not be reached, and why. */
  readonly #unreached = new Map<string, string>();
  /** Recordings that wait for, or are in, their first attempt: so many at most. */
  readonly #room: Slots;
  readonly #fresh = new Set<string>();
  /** Whether one of them comes next. */
  #freshNext = false;
  #changed = Promise.withResolvers<void>();
  readonly #drained = new AbortController();
  readonly #heeding: Promise<void>;

  /** Takes up the recordings that an earlier run left. */
  constructor(options: RecordingsOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = AbortSignal.any([stop, this.#failure.signal]);
    this.#stop.addEventListener("abort", () => this.#change());
    this.#waiting = new Alarms({
      clock: options.clock,
      stop: this.#stop,
      ring: (sessionId) => this.#tryNow(sessionId),
    });
    this.#room = new Slots(WAITING_PER_SLOT * options.concurrency);
    this.announce([...options.checkpoints.recordings().keys()]);
    this.#heeding = this.#heedRequests();
  }

  /** Aborts, with the error, when a recording could not be delivered for good. */
  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  /** Exports recordings that the checkpoints hold since just now. */
  announce(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) this.#announce(sessionId);
    this.#tryNext();
  }

  /** Resolves when fewer recordings wait than may; rejects with the reason of `signal`. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#room.isFull) this.#options.observer.full();
    await this.#room.acquire(signal);
    this.#room.release();
  }

  /**
   * Resolves when nothing is left to do: with `follow`, only after `stop`.
   *
   * @throws {GaveUpError} where some are left as the source could not be reached
   */
  async drain(): Promise<void> {
    while (this.#isBusy()) await this.#changed.promise;
    this.#drained.abort();
    await this.#heeding;
    this.#failure.signal.throwIfAborted();
    const [reason] = this.#unreached.values();
    if (reason === undefined || this.#stop.aborted) return;
    throw new GaveUpError(
      `gave up reading ${
        counted(this.#unreached.size, "recording")
      }: ${reason}`,
    );
  }

  #isBusy(): boolean {
    if (this.#running.size > 0) return true;
    return !this.#stop.aborted && this.#due.size + this.#waiting.size > 0;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #heedRequests(): Promise<void> {
    const { requests } = this.#options;
    if (requests === undefined) return;
    const stop = AbortSignal.any([this.#stop, this.#drained.signal]);
    try {
      while (true) {
        for (const sessionId of await requests.next(stop)) {
          this.#retry(sessionId);
        }
        // Those who ask for the next ones are done with these.
        await this.#options.saved(stop);
      }
    } catch (error) {
      if (!isAbort(error, stop)) this.#failure.abort(error);
    }
  }

  /**
   * Nothing to do for one that is delivered, or about to be tried. What is under way
   * may have begun before what was in its way was mended.
   */
  #retry(sessionId: string): void {
    const { checkpoints, observer } = this.#options;
    if (this.#running.has(sessionId)) {
      this.#asked.add(sessionId);
      return;
    }
    const recording = checkpoints.recordings().get(sessionId);
    if (recording === undefined || !this.#waiting.delete(sessionId)) return;
    checkpoints.updateRecording(sessionId, { ...recording, notBeforeMs: 0 });
    observer.retried(sessionId);
    this.#tryNow(sessionId);
  }

  #announce(sessionId: string): void {
    const { checkpoints, clock, follow } = this.#options;
    // An event that was read twice, or another upload, of which there may be more.
    if (this.#running.has(sessionId)) {
      this.#again.add(sessionId);
      return;
    }
    if (this.#due.has(sessionId) || this.#waiting.has(sessionId)) return;
    const recording = checkpoints.recordings().get(sessionId);
    if (recording === undefined) return;
    // What failed before waits for its time, and nothing waits for it.
    if (recording.attempts === 0) {
      this.#room.take();
      this.#fresh.add(sessionId);
    }
    // A run that ends tries everything once, however recently it failed. A time may
    // have been set by a clock that was ahead.
    const waitMs = follow
      ? Math.min(recording.notBeforeMs - clock.now(), RETRY.maxMs)
      : 0;
    if (waitMs > 0) this.#waiting.set(sessionId, waitMs);
    else this.#due.add(sessionId);
  }

  /** As soon as it is its turn. */
  #tryNow(sessionId: string): void {
    this.#due.add(sessionId);
    this.#tryNext();
  }

  /** Tries those that are due, as many as may be at a time. */
  #tryNext(): void {
    const { concurrency } = this.#options;
    while (!this.#stop.aborted && this.#running.size < concurrency) {
      const sessionId = this.#next();
      if (sessionId === undefined) return;
      this.#due.delete(sessionId);
      this.#running.add(sessionId);
      this.#try(sessionId)
        .catch((error) => {
          if (!isAbort(error, this.#stop)) this.#failure.abort(error);
        })
        .finally(() => {
          this.#tryNext();
          this.#change();
        });
    }
  }

  /**
   * Whose turn it is: every other time one for the first time, since those that fail
   * may be many, and slow to.
   */
  #next(): string | undefined {
    this.#freshNext = !this.#freshNext;
    for (const sessionId of this.#freshNext ? this.#fresh : []) {
      if (this.#due.has(sessionId)) return sessionId;
    }
    const [first] = this.#due;
    return first;
  }

  async #try(sessionId: string): Promise<void> {
    const { checkpoints, observer } = this.#options;
    const recording = checkpoints.recordings().get(sessionId);
    this.#again.delete(sessionId);
    this.#unreached.delete(sessionId);
    let failure;
    let asked;
    try {
      failure = recording && await this.#attempt(sessionId, recording);
    } finally {
      // From now on an announcement means another export.
      this.#running.delete(sessionId);
      asked = this.#asked.delete(sessionId);
      if (this.#fresh.delete(sessionId)) this.#room.release();
    }
    if (recording === undefined) return;
    if (failure !== undefined) {
      this.#failed(sessionId, recording, failure);
      if (asked) this.#retry(sessionId);
      return;
    }
    this.#tries.delete(sessionId);
    if (this.#again.has(sessionId)) {
      this.#tryNow(sessionId);
      return;
    }
    checkpoints.finishRecording(sessionId);
    observer.finished(sessionId, recording);
  }

  /** Has it tried again later, or left for the next run. */
  #failed(
    sessionId: string,
    before: PendingRecording,
    { cause }: UnreadableError,
  ): void {
    const { checkpoints, clock, observer } = this.#options;
    const now = checkpoints.recordings().get(sessionId) ?? before;
    const failed = now.attempts + 1;
    const tries = this.#triedOnceMore(
      failed === 1 ? NO_TRIES : this.#tries.get(sessionId) ?? NO_TRIES,
      cause,
    );
    const waitMs = this.#waitMs(tries, failed);
    if (waitMs !== undefined) this.#tries.set(sessionId, tries);
    else {
      this.#tries.delete(sessionId);
      if (tries.unasked > 0) this.#unreached.set(sessionId, describe(cause));
    }
    const nowMs = clock.now();
    const { toldMissing = false, ...known } = now;
    const told = toldMissing && failed > 1;
    const pending = {
      ...known,
      attempts: failed,
      // By a clock that was ahead: from now on, as far as anybody knows.
      sinceMs: failed === 1 ? nowMs : Math.min(now.sinceMs, nowMs),
      notBeforeMs: nowMs + (waitMs ?? 0),
      lastError: describe(cause),
    };
    const missing = isMissing(pending, nowMs);
    checkpoints.updateRecording(
      sessionId,
      missing || told ? { ...pending, toldMissing: true } : pending,
    );
    observer.failed(sessionId, pending, waitMs, cause);
    if (missing && !told) observer.missing(sessionId, pending);
    if (waitMs !== undefined) this.#waiting.set(sessionId, waitMs);
  }

  /** That nobody was there to be asked says nothing of the recording. */
  #triedOnceMore(
    { asked, unasked, unaskedSinceMs }: Tries,
    cause: unknown,
  ): Tries {
    if (!isUnreachable(cause)) return { ...NO_TRIES, asked: asked + 1 };
    const sinceMs = unasked > 0
      ? unaskedSinceMs
      : this.#options.clock.monotonic();
    return { asked, unasked: unasked + 1, unaskedSinceMs: sinceMs };
  }

  /** How long to wait for the next attempt; undefined: it is left for the next run. */
  #waitMs(
    { asked, unasked, unaskedSinceMs }: Tries,
    failed: number,
  ): number | undefined {
    const { clock, follow, patienceMs = Infinity, random = Math.random } =
      this.#options;
    if (follow) return random() * backoffMs(RETRY, failed);
    if (unasked === 0) {
      return asked < ATTEMPTS_BEFORE_EXIT
        ? random() * backoffMs(RETRY_BEFORE_EXIT, asked)
        : undefined;
    }
    const waitMs = random() * backoffMs(RETRY_UNASKED, unasked);
    const waitedMs = clock.monotonic() - unaskedSinceMs;
    return waitedMs + waitMs <= patienceMs ? waitMs : undefined;
  }

  /**
   * Streams a recording from where it stands, and keeps the mark behind what is
   * delivered.
   *
   * @returns Why it is not complete; undefined where it is
   * @throws `stop.reason` when stopped, after what was read is delivered
   */
  async #attempt(
    sessionId: string,
    from: RecordingMark,
  ): Promise<UnreadableError | undefined> {
    const { checkpoints } = this.#options;
    const stop = this.#stop;
    const update = (changes: Partial<PendingRecording>) => {
      const recording = checkpoints.recordings().get(sessionId);
      if (recording === undefined) return;
      checkpoints.updateRecording(sessionId, { ...recording, ...changes });
    };
    const requests = new OrderedRequests(
      this.#options,
      { sessionId, from },
      {
        // It can be read, however long the receiver takes.
        onFurther: () => update({ attempts: 0, notBeforeMs: 0, lastError: "" }),
        onDelivered: update,
      },
    );
    let seen = 0;
    let error: unknown;
    try {
      for await (const batch of this.#read(sessionId, from.index)) {
        seen += batch.events.length;
        await requests.add(batch);
      }
    } catch (thrown) {
      error = thrown;
    }
    await requests.finish();
    if (error instanceof UnreadableError) return error;
    if (error !== undefined) throw error;
    stop.throwIfAborted();
    if (seen === 0) {
      return unreadable(new Error("the recording is not there (yet)"));
    }
    return requests.areBehind
      ? unreadable(
        new Error("the recording ends before what was delivered of it"),
      )
      : undefined;
  }

  /** The stream, its errors told from those of delivery. */
  async *#read(
    sessionId: string,
    startIndex: number,
  ): AsyncGenerator<EventBatch> {
    const stop = this.#stop;
    try {
      yield* this.#options.source.stream(sessionId, startIndex, stop);
    } catch (cause) {
      if (stop.aborted) throw stop.reason;
      throw unreadable(cause);
    }
  }
}

function unreadable(cause: unknown): UnreadableError {
  return new UnreadableError("unreadable", { cause });
}
