import { Readable } from "node:stream";
import { DecodedMessages } from "../../lib/teleport/event_batches.ts";
import {
  batchesOf,
  type BatchOptions,
} from "../../lib/teleport/stream_batches.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";

const LIMITS: BatchOptions<readonly string[]> = {
  maxItems: 3,
  maxBytes: 100,
  begin: () => new DecodedMessages(decode),
};

/** Here, messages are texts. */
function decode(message: Uint8Array): string {
  const text = String(message);
  if (text === "bad") throw new RangeError("no such message");
  return text;
}

/** A stream that brings what it is given, without a buffer of its own. */
function openStream() {
  return new Readable({ objectMode: true, highWaterMark: 1, read() {} });
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn();
}

Deno.test("what has arrived together comes together, in its order", async () => {
  const stream = openStream();
  const batches = batchesOf(stream, LIMITS);
  const first = batches.next();
  stream.push("a");
  stream.push("b");
  assertEquals((await first).value, ["a", "b"]);
  const second = batches.next();
  await settle();
  stream.push("c");
  assertEquals((await second).value, ["c"]);
  stream.push(null);
  assert((await batches.next()).done);
});

Deno.test("everything comes, whatever the limits", async () => {
  const items = Array.from({ length: 500 }, (_, i) => String(i));
  for (const maxItems of [1, 2, 7, 1_000]) {
    const batches = batchesOf(Readable.from(items), { ...LIMITS, maxItems });
    const all = [];
    for await (const batch of batches) {
      assert(batch.length > 0 && batch.length <= maxItems);
      all.push(...batch);
    }
    assertEquals(all, items);
  }
});

Deno.test("while nobody asks no more than one full batch is held", async () => {
  for (
    const { limits, held } of [
      { limits: LIMITS, held: 3 },
      { limits: { ...LIMITS, maxItems: 100, maxBytes: 40 }, held: 4 },
    ]
  ) {
    let made = 0;
    const stream = new Readable({
      objectMode: true,
      highWaterMark: 1,
      read() {
        made++;
        this.push("x".repeat(10));
      },
    });
    const batches = batchesOf(stream, limits);
    await batches.next();
    await settle();
    // One more waits in the stream itself.
    assert(made <= 2 * held + 2, `${made} were made`);
    assertEquals((await batches.next()).value?.length, held);
    stream.destroy();
  }
});

Deno.test("what came before an error is yielded before it is thrown", async () => {
  const stream = openStream();
  const error = new Error("cut");
  const batches = batchesOf(stream, LIMITS);
  const first = batches.next();
  stream.push("a");
  await settle();
  stream.push("b");
  await settle();
  stream.emit("error", error);
  assertEquals((await first).value, ["a"]);
  assertEquals((await batches.next()).value, ["b"]);
  const thrown = await assertRejects(() => batches.next());
  assertStrictEquals(thrown, error);
});

Deno.test("a message that cannot be taken ends it, behind those that came before", async () => {
  const stream = openStream();
  const batches = batchesOf(stream, LIMITS);
  const first = batches.next();
  for (const message of ["a", "bad", "b"]) stream.push(message);
  assertEquals((await first).value, ["a"]);
  await assertRejects(() => batches.next(), RangeError, "no such message");
  stream.destroy();
});

Deno.test("an error after everything was left is nobody's", async () => {
  const stream = openStream();
  const batches = batchesOf(stream, LIMITS);
  const first = batches.next();
  stream.push("a");
  await first;
  await batches.return(undefined);
  stream.emit("error", new Error("cancelled"));
});
