import { Slots } from "../../lib/pipeline/slots.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";

const NEVER = never();

/** Acquires, and notes the name once it has. */
function acquireAs(
  name: string,
  slots: Slots,
  { log, signal = NEVER }: { log: string[]; signal?: AbortSignal },
): Promise<void> {
  return slots.acquire(signal).then(() => void log.push(name));
}

Deno.test("as many as there are slots are served at once", async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  acquireAs("a", slots, { log });
  acquireAs("b", slots, { log });
  acquireAs("c", slots, { log });
  await turn();
  assertEquals(log, ["a", "b"]);
});

Deno.test("who waits longest is served first", async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  for (const name of ["a", "b", "c", "d"]) acquireAs(name, slots, { log });
  for (let i = 0; i < 3; i++) {
    slots.release();
    await turn();
  }
  assertEquals(log, ["a", "b", "c", "d"]);
});

Deno.test("nobody overtakes those who wait", async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  acquireAs("a", slots, { log });
  acquireAs("b", slots, { log });
  slots.release();
  acquireAs("c", slots, { log });
  await turn();
  assertEquals(log, ["a", "b"]);
});

Deno.test("whoever gives up leaves the line, and the others move up", async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  const gone = new AbortController();
  acquireAs("a", slots, { log });
  const waiting = acquireAs("b", slots, { log, signal: gone.signal });
  acquireAs("c", slots, { log });
  const reason = new Error("tired");
  gone.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  slots.release();
  await turn();
  assertEquals(log, ["a", "c"]);
});

Deno.test("an aborted signal gets no slot, even where one is free", async () => {
  const slots = new Slots(1);
  const reason = new Error("tired");
  assertStrictEquals(
    await assertRejects(() => slots.acquire(AbortSignal.abort(reason))),
    reason,
  );
  const log: string[] = [];
  await acquireAs("a", slots, { log });
  assertEquals(log, ["a"]);
});

Deno.test("an abort after the slot was given changes nothing", async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  const late = new AbortController();
  acquireAs("a", slots, { log });
  const second = acquireAs("b", slots, { log, signal: late.signal });
  acquireAs("c", slots, { log });
  slots.release();
  late.abort();
  await second;
  assertEquals(log, ["a", "b"]);
  slots.release();
  await turn();
  assertEquals(log, ["a", "b", "c"]);
});

Deno.test("slots that are taken beyond their number are made up for first", async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  for (let i = 0; i < 4; i++) slots.take();
  acquireAs("a", slots, { log });
  slots.release();
  slots.release();
  await turn();
  assertEquals(log, []);
  slots.release();
  await turn();
  assertEquals(log, ["a"]);
});

Deno.test("a signal that outlives many acquisitions keeps none of their listeners", async () => {
  const slots = new Slots(1);
  const signal = never();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await slots.acquire(signal);
  for (let i = 0; i < 100; i++) {
    const next = slots.acquire(signal);
    slots.release();
    await next;
  }
  assertEquals(listeners, 0);
});
