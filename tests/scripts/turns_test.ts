import { Turns } from "../../scripts/bench/turns.ts";
import { assert, assertEquals } from "../assert.ts";
import { waitUntil } from "../fakes/wait_until.ts";

const STOPPED = "T";

/** A process that does nothing until its input ends. */
class Idle implements AsyncDisposable {
  readonly #process = new Deno.Command("cat", {
    stdin: "piped",
    stdout: "null",
  }).spawn();
  #closed: Promise<void> | undefined;

  get pid(): number {
    return this.#process.pid;
  }

  get ended(): Promise<unknown> {
    return this.#process.status;
  }

  /** As Linux has it; one that is told to stop does so a moment later. */
  get isStopped(): boolean {
    const stat = Deno.readTextFileSync(`/proc/${this.pid}/stat`);
    return stat.replace(/^.*\) /, "").startsWith(STOPPED);
  }

  /** Ends it, once it runs. */
  async end(): Promise<void> {
    await (this.#closed ??= this.#process.stdin.close());
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

Deno.test("nobody begins before all are there, and then one runs at a time", async () => {
  await using first = new Idle();
  await using second = new Idle();
  using turns = new Turns(2);
  let busy = 0;
  const taken = [turns.take(first.pid, first.ended, () => busy++)];
  await waitUntil("the first one to wait", () => first.isStopped);
  taken.push(turns.take(second.pid, second.ended, () => 0));
  await waitUntil("the first one's turn", () => !first.isStopped);
  await waitUntil("the second one to wait", () => second.isStopped);
  await waitUntil("the second one's turn", () => !second.isStopped);
  await waitUntil("the first one to wait again", () => first.isStopped);
  await second.end();
  await waitUntil("the first one to run alone", () => !first.isStopped);
  await first.end();
  const [one, other] = await Promise.all(taken);
  assert(one !== undefined && one.seconds > 0 && one.busySeconds > 0);
  assert(other !== undefined && other.seconds > 0);
  assertEquals(other.busySeconds, 0);
});

Deno.test("who takes part runs on where nobody looks after the turns any more", async () => {
  await using first = new Idle();
  const turns = new Turns(2);
  const taken = turns.take(first.pid, first.ended, () => 0);
  await waitUntil("it to wait", () => first.isStopped);
  turns[Symbol.dispose]();
  await waitUntil("it to run", () => !first.isStopped);
  await first.end();
  await taken;
});
