/**
 * Delivers session recordings, several at a time, each in order, and none of them
 * in the way of anything else.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import { type AuditEvent, type EventBatch, sizeOf } from "../event.ts";
import type { Account } from "./accounts.ts";
import type { Deliver } from "./deliver.ts";
import type { TypeFilter } from "./filter.ts";
import type {
  Checkpoints,
  PendingRecording,
  RecordingMark,
  RecordingSource,
  RetryRequests,
} from "./ports.ts";
import { isMissing } from "./missing_recording.ts";
import { backoffMs } from "./retry.ts";
import { Slots } from "./slots.ts";

/** Recordings that may wait for their first attempt, for each that is exported. */
const WAITING_PER_SLOT = 16;
/**
 * Payload bytes read for one request, skipped events among them, for each byte that
 * it may have: what they were read into is held until then.
 */
const READ_PER_BYTE = 2;
const RETRY = { initialMs: 5_000, maxMs: 60 * 60_000 };
/** A run that is to end tries a recording so often, spaced so, and then leaves it. */
const ATTEMPTS_BEFORE_EXIT = 3;
const RETRY_BEFORE_EXIT = { initialMs: 500, maxMs: 2_000 };

/** What recordings need of their surroundings. */
export interface RecordingsOptions {
  readonly source: RecordingSource;
  readonly deliver: Deliver;
  /** Of the events of recordings. */
  readonly account: Account;
  readonly checkpoints: Checkpoints;
  readonly filter: TypeFilter;
  /** Recordings exported at the same time. */
  readonly concurrency: number;
  /** Most events of one request. */
  readonly maxEvents: number;
  /** Most payload bytes held for one request. */
  readonly maxBytes: number;
  /** Whether to go on retrying what is not there; otherwise it is left for the next run. */
  readonly follow: boolean;
  readonly clock: Clock;
  readonly observer: RecordingsObserver;
  /** Left out: nobody can ask for anything. */
  readonly requests?: RetryRequests | undefined;
  readonly random?: () => number;
}

/** Who is told about recordings. */
export interface RecordingsObserver {
  read(count: number, kept: number): void;
  finished(sessionId: string): void;
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

/** The recording could not be read to its end; its cause says why. */
class UnreadableError extends Error {}

/** The recordings of one run. */
export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #stop: AbortSignal;
  readonly #slots: Slots;
  readonly #failure = new AbortController();
  readonly #tasks = new Map<string, Promise<void>>();
  /** Those that were announced once more since their attempt began. */
  readonly #again = new Set<string>();
  /** Recordings that wait for, or are in, their first attempt. */
  readonly #room: Slots;
  /** Ends the wait of a recording for its next attempt. */
  readonly #wake = new Map<string, () => void>();
  readonly #drained = new AbortController();
  readonly #heeding: Promise<void>;

  /** Takes up the recordings that an earlier run left. */
  constructor(options: RecordingsOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = AbortSignal.any([stop, this.#failure.signal]);
    this.#slots = new Slots(options.concurrency);
    this.#room = new Slots(WAITING_PER_SLOT * options.concurrency);
    for (const sessionId of options.checkpoints.recordings().keys()) {
      this.#start(sessionId);
    }
    this.#heeding = this.#heedRequests();
  }

  /** Aborts, with the error, when a recording could not be delivered for good. */
  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  /** Exports recordings that the checkpoints hold since just now. */
  announce(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) this.#start(sessionId);
  }

  /** Resolves when fewer recordings wait than may; rejects with the reason of `signal`. */
  async room(signal: AbortSignal): Promise<void> {
    await this.#room.acquire(signal);
    this.#room.release();
  }

  /** Resolves when nothing is left to do: with `follow`, only after `stop`. */
  async drain(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.values());
    this.#drained.abort();
    await this.#heeding;
    this.#failure.signal.throwIfAborted();
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
      }
    } catch (error) {
      if (!stop.aborted || error !== stop.reason) this.#failure.abort(error);
    }
  }

  /** Nothing to do for one that is delivered, under way, or about to be. */
  #retry(sessionId: string): void {
    const { checkpoints, observer } = this.#options;
    const recording = checkpoints.recordings().get(sessionId);
    const wake = this.#wake.get(sessionId);
    if (recording === undefined || wake === undefined) return;
    checkpoints.updateRecording(sessionId, { ...recording, notBeforeMs: 0 });
    observer.retried(sessionId);
    wake();
  }

  #start(sessionId: string): void {
    // An event that was read twice, or another upload, of which there may be more.
    if (this.#tasks.has(sessionId)) {
      this.#again.add(sessionId);
      return;
    }
    const { checkpoints } = this.#options;
    // What failed before waits for its time, and nothing waits for it.
    let fresh = checkpoints.recordings().get(sessionId)?.attempts === 0;
    if (fresh) this.#room.take();
    const attempted = () => {
      if (fresh) this.#room.release();
      fresh = false;
    };
    const task = this.#export(sessionId, attempted)
      .catch((error) => {
        if (error !== this.#stop.reason) this.#failure.abort(error);
      })
      .finally(() => {
        attempted();
        if (this.#tasks.get(sessionId) === task) this.#tasks.delete(sessionId);
      });
    this.#tasks.set(sessionId, task);
  }

  /** Tries one recording until it is delivered, or left for the next run. */
  async #export(sessionId: string, attempted: () => void): Promise<void> {
    const { checkpoints, clock, follow, observer } = this.#options;
    const stop = this.#stop;
    for (let attempts = 1;; attempts++) {
      const recording = checkpoints.recordings().get(sessionId);
      if (recording === undefined) return;
      // A run that ends tries everything once, however recently it failed.
      if (follow) await this.#sleepUntil(recording.notBeforeMs, sessionId);
      await this.#slots.acquire(stop);
      this.#again.delete(sessionId);
      let failure;
      try {
        failure = await this.#attempt(sessionId, recording);
      } finally {
        this.#slots.release();
      }
      if (failure === undefined) {
        if (this.#again.has(sessionId)) {
          attempts = 0;
          continue;
        }
        checkpoints.finishRecording(sessionId);
        // From now on an announcement means another export.
        this.#tasks.delete(sessionId);
        observer.finished(sessionId);
        return;
      }
      attempted();
      const now = checkpoints.recordings().get(sessionId) ?? recording;
      const gotFurther = now.index !== recording.index ||
        now.count !== recording.count;
      const failed = gotFurther ? 1 : recording.attempts + 1;
      if (gotFurther) attempts = 1;
      const last = !follow && attempts >= ATTEMPTS_BEFORE_EXIT;
      const waitMs = this.#waitMs(follow ? failed : attempts);
      const nowMs = clock.now();
      const { toldMissing = false, ...known } = now;
      const told = toldMissing && failed > 1;
      const pending = {
        ...known,
        attempts: failed,
        // By a clock that was ahead: from now on, as far as anybody knows.
        sinceMs: failed === 1 ? nowMs : Math.min(now.sinceMs, nowMs),
        notBeforeMs: nowMs + (last ? 0 : waitMs),
        lastError: describe(failure.cause),
      };
      const missing = isMissing(pending, nowMs);
      checkpoints.updateRecording(
        sessionId,
        missing || told ? { ...pending, toldMissing: true } : pending,
      );
      observer.failed(
        sessionId,
        pending,
        last ? undefined : waitMs,
        failure.cause,
      );
      if (missing && !told) observer.missing(sessionId, pending);
      if (last) return;
      if (!follow) await clock.sleep(waitMs, stop);
    }
  }

  /**
   * Shorter where somebody asks for it, and where the time was set by a clock that
   * was ahead.
   */
  async #sleepUntil(timeMs: number, sessionId: string): Promise<void> {
    const { clock } = this.#options;
    const waitMs = Math.min(timeMs - clock.now(), RETRY.maxMs);
    if (waitMs <= 0) return;
    const awake = new AbortController();
    this.#wake.set(sessionId, () => awake.abort());
    try {
      await clock.sleep(waitMs, AbortSignal.any([this.#stop, awake.signal]));
    } catch (error) {
      if (error !== awake.signal.reason) throw error;
    } finally {
      this.#wake.delete(sessionId);
    }
  }

  #waitMs(attempts: number): number {
    const { follow, random = Math.random } = this.#options;
    const policy = follow ? RETRY : RETRY_BEFORE_EXIT;
    return random() * backoffMs(policy, attempts);
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
    const requests = new OrderedRequests(
      this.#options,
      { sessionId, from },
      (mark) => {
        const recording = checkpoints.recordings().get(sessionId);
        if (recording === undefined) return;
        checkpoints.updateRecording(sessionId, { ...recording, ...mark });
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
    return seen === 0
      ? unreadable(new Error("the recording is not there (yet)"))
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

/** Requests of one recording: one in flight, while the next one fills. */
class OrderedRequests {
  readonly #options: RecordingsOptions;
  readonly #sessionId: string;
  readonly #onDelivered: (mark: RecordingMark) => void;
  readonly #from: RecordingMark;
  /** Says that no event is kept any more. */
  readonly #forget: () => void;
  #toSkip: number;
  #mark: RecordingMark;
  #buffer: AuditEvent[] = [];
  #bufferedBytes = 0;
  #read = 0;
  /** Of all that was read since the last request. */
  #readBytes = 0;
  /** Of the batches whose last event is in the buffer, or before it. */
  #releases: (() => void)[] = [];
  #inFlight: Promise<void> = Promise.resolve();

  constructor(
    options: RecordingsOptions,
    stream: { sessionId: string; from: RecordingMark },
    onDelivered: (mark: RecordingMark) => void,
  ) {
    this.#options = options;
    this.#sessionId = stream.sessionId;
    this.#onDelivered = onDelivered;
    this.#from = stream.from;
    this.#toSkip = stream.from.count;
    this.#mark = { index: stream.from.index, count: stream.from.count };
    this.#forget = options.account.hold(() => this.#buffer.length);
  }

  /** Takes the next events of the stream, but for what was delivered before. */
  async add({ events, release }: EventBatch): Promise<void> {
    const { maxEvents, maxBytes } = this.#options;
    for (const event of events) {
      this.#readBytes += sizeOf(event);
      this.#addOne(event);
      if (this.#buffer.length >= maxEvents || this.#bufferedBytes >= maxBytes) {
        await this.#send();
      }
    }
    if (release !== undefined) this.#releases.push(release);
    // A recording may be skipped almost whole, and be larger than memory.
    if (this.#readBytes >= READ_PER_BYTE * maxBytes) await this.#send();
  }

  /** Resolves when everything that was added is delivered. */
  async finish(): Promise<void> {
    await this.#send();
    await this.#inFlight;
    this.#forget();
  }

  #addOne(event: AuditEvent): void {
    const { account, filter } = this.#options;
    if (this.#toSkip > 0 && this.#deliveredBefore(event)) return;
    this.#mark = event.index === this.#mark.index
      ? { index: event.index, count: this.#mark.count + 1 }
      : { index: event.index, count: 1 };
    this.#read++;
    account.read++;
    if (filter(event.type)) {
      this.#buffer.push(event);
      this.#bufferedBytes += sizeOf(event);
    }
  }

  /** A server may begin before the index it was asked for. */
  #deliveredBefore({ index }: AuditEvent): boolean {
    if (index < this.#from.index) return true;
    if (index > this.#from.index) return false;
    this.#toSkip--;
    return true;
  }

  async #send(): Promise<void> {
    await this.#inFlight;
    const events = this.#buffer;
    const mark = this.#mark;
    const releases = this.#releases;
    this.#options.observer.read(this.#read, events.length);
    this.#buffer = [];
    this.#bufferedBytes = 0;
    this.#read = 0;
    this.#readBytes = 0;
    this.#releases = [];
    this.#inFlight = this.#options.deliver(
      { kind: "recording", sessionId: this.#sessionId },
      events,
    ).then(() => {
      this.#onDelivered(mark);
      for (const release of releases) release();
    });
    // Awaited by the next request; until then a failure must not be unhandled.
    this.#inFlight.catch(() => {});
  }
}
