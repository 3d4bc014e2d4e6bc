/**
 * Locks users whose logins fail repeatedly, beside the events and never in their
 * way.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { AuditEvent, LoginAttempt } from "../event.ts";
import {
  type Account,
  FailedLogins,
  type FailedLoginsOptions,
} from "./failed_logins.ts";
import type { Checkpoints, Locker, Source } from "./ports.ts";
import { type FailedAttempt, retry } from "./retry.ts";

const RETRY = { initialMs: 500, maxMs: 30_000 };
/** Locks that wait for one that fails; past that, the oldest are left. */
const MAX_WAITING = 1_000;

/** What locking needs of its surroundings. */
export interface AutoLockOptions extends FailedLoginsOptions {
  /** The login that an event tells of, if it does. */
  readonly loginOf: (event: AuditEvent) => LoginAttempt | undefined;
  readonly locker: Locker;
  /** Whether a lock that fails so is never worth another attempt. */
  readonly isFinal: (error: unknown) => boolean;
  readonly checkpoints: Pick<Checkpoints, "locks" | "updateLocks">;
  readonly clock: Clock;
  readonly observer: AutoLockObserver;
  readonly random?: () => number;
}

/** Who is told about locks. */
export interface AutoLockObserver {
  /** The account is locked until then; undefined: for ever. */
  locked(account: Account, untilMs: number | undefined): void;
  /** An attempt to lock failed and will be made again. */
  failed(failed: FailedAttempt): void;
  /** The account is not locked, and for this breach never will be. */
  gaveUp(account: Account, error: unknown): void;
}

/** The locks of one run. */
export class AutoLock {
  readonly #options: AutoLockOptions;
  readonly #failedLogins: FailedLogins;
  readonly #kill: AbortSignal;
  /** Whose breaches have not led to a lock, nor been given up. */
  readonly #waiting: Account[] = [];
  readonly #ending = new AbortController();
  #working: Promise<void> = Promise.resolve();
  #busy = false;

  /** @param kill Aborts a request that is under way */
  constructor(options: AutoLockOptions, kill: AbortSignal) {
    this.#options = options;
    this.#failedLogins = new FailedLogins(options, options.checkpoints.locks);
    this.#kill = kill;
  }

  /** The same source, whose events are looked at as they come by. */
  watch(source: Source): Source {
    const look = (events: readonly AuditEvent[]) => this.#look(events);
    return {
      async *read(from, stop) {
        for await (const batch of source.read(from, stop)) {
          look(batch.events);
          yield batch;
        }
      },
    };
  }

  /** Resolves when nobody is left to be locked; what fails now is left. */
  async finish(): Promise<void> {
    this.#ending.abort(new Error("the run ends"));
    await this.#working;
  }

  #look(events: readonly AuditEvent[]): void {
    const { loginOf, clock } = this.#options;
    for (const event of events) {
      const attempt = loginOf(event);
      // Nobody in particular cannot be locked.
      if (attempt === undefined || attempt.success || attempt.user === "") {
        continue;
      }
      const { user, login } = attempt;
      const { id, timeMs } = event;
      const failed = { user, login, id, timeMs };
      if (this.#failedLogins.add(failed, clock.now())) {
        this.#enqueue({ user, login });
      }
    }
  }

  #enqueue(account: Account): void {
    this.#waiting.push(account);
    if (this.#waiting.length > MAX_WAITING) {
      const left = this.#waiting.shift();
      if (left !== undefined) {
        const error = new Error("too many locks wait for one that fails");
        this.#options.observer.gaveUp(left, error);
      }
    }
    if (!this.#busy) this.#working = this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (
      let account = this.#waiting.shift();
      account !== undefined;
      account = this.#waiting.shift()
    ) await this.#lock(account);
    this.#busy = false;
  }

  async #lock(account: Account): Promise<void> {
    const { locker, checkpoints, clock, observer } = this.#options;
    const patience = AbortSignal.any([this.#kill, this.#ending.signal]);
    let lastError: unknown;
    let untilMs: number | undefined;
    try {
      await retry(async () => {
        // Of this attempt: one that comes late is to hold as long as any other.
        untilMs = this.#untilMs();
        try {
          await locker.lock(account, untilMs, this.#kill);
        } catch (error) {
          lastError = error;
          throw error;
        }
      }, {
        ...this.#options,
        policy: { ...RETRY, timeoutMs: this.#failedLogins.maxAgeMs },
        signal: patience,
        onFailure: (failed) => observer.failed(failed),
      });
    } catch (error) {
      observer.gaveUp(account, patience.aborted ? lastError ?? error : error);
      return;
    }
    checkpoints.updateLocks(this.#failedLogins.locked(account, clock.now()));
    observer.locked(account, untilMs);
  }

  /** When a lock that is made now ends; undefined: never. */
  #untilMs(): number | undefined {
    const { lockMs, clock } = this.#options;
    return lockMs === undefined ? undefined : clock.now() + lockMs;
  }
}
