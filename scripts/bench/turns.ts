/**
 * Processes that are compared with each other, on a machine that is faster in one
 * minute than in the next.
 *
 * @module
 */

/** Long beside what is still under way when a process is stopped. */
const TURN_MS = 1_000;

/** What a process had, in all of its turns. */
export interface Turn {
  /** From its start to its end, less the turns of others. */
  readonly seconds: number;
  /** How long the receiver was busy meanwhile. */
  readonly busySeconds: number;
}

interface Participant {
  readonly pid: number;
  /** How long its receiver was busy so far. */
  readonly busy: () => number;
  seconds: number;
  busySeconds: number;
}

/**
 * Lets one process run at a time, for a second each, while the others are stopped.
 * Nobody begins before all are there, and all that they need.
 */
export class Turns implements Disposable {
  #expected: number;
  /** The first one runs. */
  readonly #queue: Participant[] = [];
  readonly #timer = setInterval(() => this.#next(), TURN_MS);
  #sinceMs = 0;
  #busyThen = 0;

  /** @param count How many take part */
  constructor(count = 1) {
    this.#expected = count;
  }

  /**
   * Lets a process that was just started take part, until it has ended.
   *
   * @param busy How many seconds its receiver was busy so far
   */
  async take(
    pid: number,
    ended: Promise<unknown>,
    busy: () => number,
  ): Promise<Turn> {
    const participant: Participant = { pid, busy, seconds: 0, busySeconds: 0 };
    this.#queue.push(participant);
    if (--this.#expected > 0 || this.#queue.length > 1) signal(pid, "SIGSTOP");
    if (this.#expected === 0) this.#resume();
    await ended;
    this.#account();
    this.#queue.splice(this.#queue.indexOf(participant), 1);
    this.#resume();
    const { seconds, busySeconds } = participant;
    return { seconds, busySeconds };
  }

  /** Lets all that take part run on. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { pid } of this.#queue) signal(pid, "SIGCONT");
  }

  #next(): void {
    if (this.#expected > 0) return;
    this.#account();
    const last = this.#queue.shift();
    if (last === undefined) return;
    if (this.#queue.length > 0) signal(last.pid, "SIGSTOP");
    this.#queue.push(last);
    this.#resume();
  }

  #account(): void {
    const [running] = this.#queue;
    if (running === undefined) return;
    running.seconds += (performance.now() - this.#sinceMs) / 1_000;
    running.busySeconds += running.busy() - this.#busyThen;
  }

  #resume(): void {
    const [next] = this.#queue;
    if (next === undefined) return;
    this.#sinceMs = performance.now();
    this.#busyThen = next.busy();
    signal(next.pid, "SIGCONT");
  }
}

/** Who has ended in this moment needs no signal. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
