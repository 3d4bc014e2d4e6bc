/**
 * The last things that went wrong, for people.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { causeOf } from "./cause.ts";
import type { ProblemReport } from "./status_report.ts";

const MAX_PROBLEMS = 10;

interface Problem {
  readonly what: string;
  readonly cause: string;
  error: string;
  readonly firstMs: number;
  lastMs: number;
  overMs: number | undefined;
  times: number;
}

/** Remembers the last ten problems: one for each thing and cause, from its beginning to its end. */
export class Problems {
  readonly #clock: Clock;
  /** Most recently seen last. */
  #problems: Problem[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It went wrong, perhaps once more. */
  occurred(what: string, error: string): void {
    const nowMs = this.#clock.now();
    const cause = causeOf(error);
    const index = this.#problems.findIndex((it) =>
      it.what === what && it.cause === cause && it.overMs === undefined
    );
    const [known] = index === -1 ? [] : this.#problems.splice(index, 1);
    const problem = known ?? {
      what,
      cause,
      error,
      firstMs: nowMs,
      lastMs: nowMs,
      overMs: undefined,
      times: 0,
    };
    problem.times++;
    problem.error = error;
    problem.lastMs = nowMs;
    this.#problems.push(problem);
    if (this.#problems.length > MAX_PROBLEMS) this.#forgetOne();
  }

  /** It works (again), whatever was wrong with it. */
  over(what: string): void {
    for (const problem of this.#problems) {
      if (problem.what === what) problem.overMs ??= this.#clock.now();
    }
  }

  /** Newest first. */
  report(): ProblemReport[] {
    return this.#problems.toReversed().map((it) => ({
      what: it.what,
      error: it.error,
      first: new Date(it.firstMs).toISOString(),
      last: new Date(it.lastMs).toISOString(),
      over: it.overMs === undefined ? null : new Date(it.overMs).toISOString(),
      times: it.times,
    }));
  }

  /** What is over is forgotten first, and of that the oldest. */
  #forgetOne(): void {
    const over = this.#problems.findIndex((it) => it.overMs !== undefined);
    this.#problems.splice(Math.max(over, 0), 1);
  }
}
