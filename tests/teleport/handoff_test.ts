import { Handoff } from "../../lib/teleport/handoff.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";

function setUp() {
  const stop = new AbortController();
  return { stop, handoff: new Handoff<string>(stop.signal) };
}

Deno.test("items are taken in the order in which they were offered", async () => {
  const { handoff } = setUp();
  const offers = ["a", "b", "c"].map((item) => handoff.offer(item));
  const taken = [];
  for (let i = 0; i < 3; i++) taken.push(await handoff.take());
  await Promise.all(offers);
  assertEquals(taken, ["a", "b", "c"]);
});

Deno.test("who offers waits until the item is taken", async () => {
  const { handoff } = setUp();
  let taken = 0;
  for (const item of ["a", "b"]) handoff.offer(item).then(() => taken++);
  await turn();
  assertEquals(taken, 0);
  await handoff.take();
  await turn();
  assertEquals(taken, 1);
  await handoff.take();
  await turn();
  assertEquals(taken, 2);
});

Deno.test("who takes waits until an item is offered", async () => {
  const { handoff } = setUp();
  const taken = handoff.take();
  await turn();
  await handoff.offer("a");
  assertEquals(await taken, "a");
});

Deno.test("an item that is offered before the next one is asked for waits, and is not lost", async () => {
  const { handoff } = setUp();
  const first = handoff.take();
  const offers = ["a", "b"].map((item) => handoff.offer(item));
  assertEquals(await first, "a");
  assertEquals(await handoff.take(), "b");
  await Promise.all(offers);
});

Deno.test("the end is told to all who wait and to all who come, with the first error", async () => {
  for (const waits of ["offer", "take"] as const) {
    const { stop, handoff } = setUp();
    const waiting = waits === "take" ? handoff.take() : handoff.offer("a");
    const settled = waiting.catch((error) => error);
    const error = new Error("the end");
    handoff.end(error);
    handoff.end(new Error("another"));
    stop.abort();
    assertStrictEquals(await settled, error);
    await assertRejects(() => handoff.take(), Error, "the end");
    await assertRejects(() => handoff.offer("b"), Error, "the end");
  }
});

Deno.test("it ends with the reason of its signal, also where that came before", async () => {
  const { stop, handoff } = setUp();
  const reason = new Error("stopped");
  const taken = handoff.take().catch((error) => error);
  stop.abort(reason);
  assertStrictEquals(await taken, reason);
  const late = new Handoff<string>(stop.signal);
  assertStrictEquals(await late.take().catch((error) => error), reason);
});
