/**
 * Failed logins, counted per user and login within a sliding window.
 *
 * @module
 */

import type { LoginAttempt } from "../event.ts";

/** Whose logins fail. */
export type Account = Pick<LoginAttempt, "user" | "login">;

/** When failed logins are too many. */
export interface FailedLoginsOptions {
  /** So many within the period are a breach. */
  readonly count: number;
  readonly periodMs: number;
  /** How long a lock holds; undefined: for ever. */
  readonly lockMs: number | undefined;
}

/** A login that failed. */
export interface FailedLogin extends Account {
  /** Of its event, "" where that has none. */
  readonly id: string;
  /** When it failed, by the event, milliseconds since the epoch. */
  readonly timeMs: number;
}

interface Attempt {
  readonly id: string;
  readonly timeMs: number;
}

/** Events reach the log late, are read later, and clocks differ. */
const LATE_MS = 5 * 60_000;
/** Attempts that are remembered, of all accounts: somebody may try a million names. */
const MAX_ATTEMPTS = 100_000;

/**
 * Counts by the time of the events, in whatever order they come. A breach is
 * told once: what fails within the period after it, or until its lock ends where
 * that is earlier, belongs to it.
 *
 * What is old does not count: after an outage, or when events are read again, a
 * flood of failed logins that is over is no reason to lock anybody now.
 */
export class FailedLogins {
  readonly #options: FailedLoginsOptions;
  readonly #maxAttempts: number;
  /** By account, the one that was heard of last at the end; each in order of time. */
  readonly #attempts = new Map<string, Attempt[]>();
  #count = 0;
  /** By account, until when its failures belong to a breach that was told. */
  readonly #settled: Map<string, number>;
  /** Those of them for which there is a lock. */
  readonly #locked: Map<string, number>;

  /** @param locks What `locked` returned last in an earlier run */
  constructor(
    options: FailedLoginsOptions,
    locks: Readonly<Record<string, number>>,
  ) {
    this.#options = options;
    this.#maxAttempts = Math.max(MAX_ATTEMPTS, 2 * options.count);
    this.#settled = new Map(Object.entries(locks));
    this.#locked = new Map(this.#settled);
  }

  /** After so long, a failed login is old. */
  get maxAgeMs(): number {
    return this.#options.periodMs + LATE_MS;
  }

  /** Takes one in, and says whether it makes a breach. */
  add({ user, login, id, timeMs }: FailedLogin, nowMs: number): boolean {
    const oldestMs = nowMs - this.maxAgeMs;
    const account = keyOf({ user, login });
    if (timeMs < oldestMs || timeMs <= (this.#settled.get(account) ?? -1)) {
      return false;
    }
    const attempts = this.#take(account)
      .filter((attempt) => attempt.timeMs >= oldestMs);
    if (id !== "" && attempts.some((attempt) => attempt.id === id)) {
      this.#put(account, attempts);
      return false;
    }
    const place = attempts.findLastIndex((it) => it.timeMs <= timeMs) + 1;
    attempts.splice(place, 0, { id, timeMs });
    const endMs = this.#breachEndMs(attempts, place);
    if (endMs === undefined) {
      this.#put(account, attempts);
      return false;
    }
    const { periodMs, lockMs = Infinity } = this.#options;
    const settledMs = endMs + Math.min(periodMs, lockMs);
    forgetBefore(this.#settled, oldestMs);
    this.#settled.set(account, settledMs);
    this.#put(account, attempts.filter((it) => it.timeMs > settledMs));
    return true;
  }

  /**
   * Notes that the account's last breach has led to a lock.
   *
   * @returns What another run must know, so that nobody is locked twice for one
   * breach: until when failures are settled, by account
   */
  locked(account: Account, nowMs: number): Record<string, number> {
    const key = keyOf(account);
    this.#locked.set(key, this.#settled.get(key) ?? nowMs);
    forgetBefore(this.#locked, nowMs - this.maxAgeMs);
    return Object.fromEntries(this.#locked);
  }

  /** The end of a period that holds the attempt at `place` and enough others. */
  #breachEndMs(
    attempts: readonly Attempt[],
    place: number,
  ): number | undefined {
    const { count, periodMs } = this.#options;
    for (let first = Math.max(0, place - count + 1); first <= place; first++) {
      const from = attempts[first];
      const to = attempts[first + count - 1];
      if (from === undefined || to === undefined) return undefined;
      if (to.timeMs - from.timeMs <= periodMs) return to.timeMs;
    }
    return undefined;
  }

  #take(account: string): Attempt[] {
    const attempts = this.#attempts.get(account) ?? [];
    this.#attempts.delete(account);
    this.#count -= attempts.length;
    return attempts;
  }

  #put(account: string, attempts: Attempt[]): void {
    if (attempts.length === 0) return;
    this.#attempts.set(account, attempts);
    this.#count += attempts.length;
    for (const oldest of this.#attempts.keys()) {
      if (this.#count <= this.#maxAttempts) return;
      this.#take(oldest);
    }
  }
}

/** Failures of that time are old, so nobody asks what became of them. */
function forgetBefore(settled: Map<string, number>, oldestMs: number): void {
  for (const [account, settledMs] of settled) {
    if (settledMs < oldestMs) settled.delete(account);
  }
}

/** Of no two accounts the same, whatever their names hold. */
function keyOf({ user, login }: Account): string {
  return JSON.stringify([user, login]);
}
