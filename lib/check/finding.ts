/**
 * What a check found.
 *
 * @module
 */

import { problemsOf } from "../errors.ts";
import { abortable } from "../vendor/async.ts";

/** How one step of a check went. */
export interface Finding {
  /** What was looked at, e.g. `TLS`. */
  readonly step: string;
  readonly status: "ok" | "warning" | "failed" | "not tried";
  /** What was found; what is wrong and what to do about it. */
  readonly text: string;
}

/** What a step finds when it does not fail, and what the next ones need of it. */
export interface Found<T> {
  readonly text: string;
  /** It works, and should be different. */
  readonly warning?: boolean;
  readonly value: T;
}

/** A step that was tried: without a value, those that need it cannot be. */
export interface Tried<T> {
  readonly finding: Finding;
  readonly value?: T;
}

/**
 * Tries one step; whatever it throws is what is wrong.
 *
 * @throws `signal.reason`
 */
export async function attempt<T>(
  step: string,
  signal: AbortSignal,
  run: () => Promise<Found<T>>,
): Promise<Tried<T>> {
  try {
    // No signal ends the search for a name, which takes longest where DNS is down.
    const { text, warning = false, value } = await abortable(run(), signal);
    const status = warning ? "warning" : "ok";
    return { finding: { step, status, text }, value };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const text = problemsOf(error).join("; ");
    return { finding: { step, status: "failed", text } };
  }
}

/** The findings, and at the end the steps that nobody came to. */
export async function* withUntried(
  steps: readonly string[],
  findings: AsyncIterable<Finding>,
): AsyncGenerator<Finding> {
  const untried = new Set(steps);
  let last = "";
  for await (const finding of findings) {
    untried.delete(finding.step);
    if (finding.status === "failed") last = finding.step;
    yield finding;
  }
  for (const step of untried) {
    yield { step, status: "not tried", text: `${last} failed` };
  }
}
