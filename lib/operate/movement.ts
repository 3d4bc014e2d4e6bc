/**
 * Whether the loops of the program get anywhere: what is told to the log, and
 * asked for health.
 *
 * @module
 */

import { type Clock, repeat } from "../clock.ts";
import type { Logger } from "../log.ts";

/** What has something to do and gets nowhere for so long is worth a word. */
const STALLED_MS = 5 * 60_000;
const CHECK_MS = 30_000;

/** One loop: whether it has something to do, and when it last got anywhere. */
export class Movement {
  /** As log and health call it, e.g. `delivery of events`. */
  readonly name: string;
  readonly #clock: Clock;
  readonly #stalledMs: number;
  // All by `Clock.monotonic`.
  #dueMs: number | undefined;
  #lastMs: number;
  /** Until then there is a reason to do nothing. */
  #waitsUntilMs = -Infinity;

  constructor(
    name: string,
    options: { clock: Clock; stalledMs?: number },
  ) {
    this.name = name;
    this.#clock = options.clock;
    this.#stalledMs = options.stalledMs ?? STALLED_MS;
    this.#lastMs = options.clock.monotonic();
  }

  /** For how long it has had something to do and got nowhere; 0 while it rests. */
  get stillMs(): number {
    if (this.#dueMs === undefined) return 0;
    return this.#clock.monotonic() - Math.max(this.#dueMs, this.#lastMs);
  }

  /** Whether that is so long that somebody should look. */
  get stalled(): boolean {
    return this.stillMs >= this.#stalledMs;
  }

  /**
   * For how long it has had something to do and did not even try, although no wait
   * was meant: it hangs.
   */
  get hungMs(): number {
    if (this.#dueMs === undefined) return 0;
    const triedMs = Math.max(this.#dueMs, this.#lastMs, this.#waitsUntilMs);
    return Math.max(0, this.#clock.monotonic() - triedMs);
  }

  /** Whether that is so long that only a restart helps. */
  get hung(): boolean {
    return this.hungMs >= this.#stalledMs;
  }

  /** It has something to do. */
  due(): void {
    this.#dueMs ??= this.#clock.monotonic();
  }

  /** It got somewhere. */
  moved(): void {
    this.#lastMs = this.#clock.monotonic();
  }

  /** It tried and failed, and tries again after a wait. */
  attempted(waitMs: number): void {
    const untilMs = this.#clock.monotonic() + waitMs;
    this.#waitsUntilMs = Math.max(this.#waitsUntilMs, untilMs);
  }

  /** It has nothing to do until it is due again. */
  rest(): void {
    this.#dueMs = undefined;
  }
}

/** The loops of a run. */
export interface Movements {
  /** Pages, or whatever the source yields, also where nothing is new. */
  readonly reading: Movement;
  /** Audit events: delivered or set aside. */
  readonly delivery: Movement;
  /** Events of recordings: delivered or set aside. */
  readonly recordings: Movement;
}

/**
 * The loops of a run that begins.
 *
 * @param options.pollMs The source may be silent for so long while nothing is new
 * @param options.requestMs One request may take so long
 */
export function createMovements(
  { clock, pollMs, requestMs }: {
    readonly clock: Clock;
    readonly pollMs: number;
    readonly requestMs: number;
  },
): Movements {
  const source = { clock, stalledMs: Math.max(STALLED_MS, 2 * pollMs) };
  const sink = { clock, stalledMs: Math.max(STALLED_MS, 2 * requestMs) };
  return {
    reading: new Movement("reading from Teleport", source),
    delivery: new Movement("delivery of events", sink),
    recordings: new Movement("delivery of recordings", sink),
  };
}

/** Those that have been still for too long. */
export function stalledOf(
  { reading, delivery, recordings }: Movements,
): Movement[] {
  return [reading, delivery, recordings].filter(({ stalled }) => stalled);
}

/** Those that hang: they have something to do, and do not even try. */
export function hungOf(
  { reading, delivery, recordings }: Movements,
): Movement[] {
  return [reading, delivery, recordings].filter(({ hung }) => hung);
}

/** Logs what stalls, again as long as it does, and what moves again, until `stop` aborts. */
export async function watchMovements(
  movements: Movements,
  { log, clock, stop }: { log: Logger; clock: Clock; stop: AbortSignal },
): Promise<void> {
  /** When each was told of. */
  const told = new Map<Movement, number>();
  const look = () => {
    const stalled = stalledOf(movements);
    for (const movement of stalled) {
      const toldMs = told.get(movement) ?? -Infinity;
      if (clock.monotonic() - toldMs < STALLED_MS) continue;
      told.set(movement, clock.monotonic());
      log.warn("nothing has moved for long", {
        what: movement.name,
        since: new Date(clock.now() - movement.stillMs).toISOString(),
      });
    }
    for (const movement of told.keys()) {
      if (stalled.includes(movement)) continue;
      told.delete(movement);
      log.info("it moves again", { what: movement.name });
    }
  };
  await repeat(look, { everyMs: CHECK_MS, clock, stop });
}
