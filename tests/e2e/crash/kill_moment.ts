/**
 * When a program is killed. Nothing is decided by how well a moment is met: any
 * moment will do, and these are spread over what a run goes through.
 *
 * @module
 */

import { systemClock } from "../../../lib/clock.ts";
import type { Random } from "../../fakes/random.ts";
import type { Stage } from "../stage.ts";

/** A program that does not wait for anybody is well under way by then. */
const RUN_MS = 1_000;
/** Until its first request. */
const START_MS = 30_000;
/** From there on, should what is waited for not happen. */
const LATEST_MS = 3_000;
const LOOK_MS = 2;

/** What is waited for. */
type Moment =
  /** Time, from the start of the process. */
  | { readonly kind: "time"; readonly ms: number }
  /** Requests that Fluentd is done with. */
  | { readonly kind: "deliveries"; readonly count: number }
  /** Requests that Teleport got. */
  | { readonly kind: "reads"; readonly count: number }
  /** Changes in the state directory. */
  | { readonly kind: "changes"; readonly count: number };

/** Draws the next moment. */
export function drawMoment(random: Random): Moment {
  switch (random.below(5)) {
    case 0:
      return { kind: "time", ms: random.below(RUN_MS) };
    case 1:
      return { kind: "reads", count: 1 + random.below(12) };
    case 2:
      return { kind: "changes", count: 1 + random.below(30) };
    default:
      return { kind: "deliveries", count: 1 + random.below(20) };
  }
}

/** Resolves at that moment of a process that begins; or earlier, once the signal aborts. */
export async function meet(
  moment: Moment,
  stage: Stage,
  signal: AbortSignal,
): Promise<void> {
  if (moment.kind === "time") return await pause(moment.ms, signal);
  const begins = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
  await growth(() => readsOf(stage), 1, begins);
  const end = AbortSignal.any([signal, AbortSignal.timeout(LATEST_MS)]);
  switch (moment.kind) {
    case "reads":
      return await growth(() => readsOf(stage), moment.count, end);
    case "changes":
      return await changes(stage.stateDirectory, moment.count, end);
    case "deliveries": {
      const { received } = stage.fluentd;
      return await growth(() => received.ended, moment.count, end);
    }
  }
}

/** Like a sleep that ends early. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, signal).catch(() => {});
}

function readsOf({ teleport: { requests } }: Stage): number {
  return Object.values(requests).reduce((sum, { length }) => sum + length, 0);
}

async function growth(
  value: () => number,
  by: number,
  signal: AbortSignal,
): Promise<void> {
  const until = value() + by;
  while (value() < until && !signal.aborted) await pause(LOOK_MS, signal);
}

/** So many files were made, written or renamed. */
async function changes(
  directory: string,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  using watcher = Deno.watchFs(directory);
  const end = () => watcher.return?.();
  signal.addEventListener("abort", end, { once: true });
  let seen = 0;
  for await (const _change of watcher) if (++seen >= count) break;
  signal.removeEventListener("abort", end);
}
