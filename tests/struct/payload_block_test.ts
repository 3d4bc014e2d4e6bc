import { type Payload, payloadOf } from "../../lib/event.ts";
import {
  type PackedPayloads,
  PayloadBlock,
  payloadIn,
  placesIn,
} from "../../lib/struct/payload_block.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import { Random } from "../fakes/random.ts";

function bytesOf(payloads: readonly Payload[]): number[][] {
  return payloads.map((payload) => [...payloadOf(payload)]);
}

function unpack(packed: PackedPayloads): number[][] {
  return Array.from(
    { length: packed.count },
    (_, i) => [...payloadIn(packed, i)],
  );
}

/** Bytes between each payload and the next one. */
function gapsIn(packed: PackedPayloads): number[] {
  const places = placesIn(packed);
  return Array.from(
    { length: packed.count - 1 },
    (_, i) => (places[2 * i + 2] ?? 0) - (places[2 * i + 1] ?? 0),
  );
}

Deno.test("what is packed is what the other thread unpacks, wherever the payloads are", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  const block = new PayloadBlock();
  for (let position = 0; position < 500; position++) {
    const random = new Random(seed, position);
    const messages = Array.from(
      { length: 1 + random.below(4) },
      () => Uint8Array.from({ length: 3_000 }, () => random.below(256)),
    );
    const payloads: Payload[] = [];
    for (let at = 0; payloads.length < random.below(60);) {
      const message = messages[random.below(messages.length)];
      if (message === undefined) continue;
      // In order with small and large gaps, and now and then back at the beginning.
      const start = random.below(9) === 0 ? 0 : at + random.below(700);
      if (start > message.length) break;
      const end = Math.min(message.length, start + random.below(300));
      payloads.push({ message, start, end });
      at = end;
    }
    const packed = block.pack(payloads);
    assertEquals(
      unpack(packed),
      bytesOf(payloads),
      `seed ${seed}, position ${position}`,
    );
  }
});

Deno.test("payloads of one page are copied at once, with what is between them, and others are not", () => {
  const message = new Uint8Array(10_000).fill(7);
  const near = new PayloadBlock().pack([
    { message, start: 0, end: 100 },
    { message, start: 600, end: 700 },
    { message, start: 1_200, end: 1_300 },
  ]);
  assertEquals(gapsIn(near), [500, 500]);
  const far = new PayloadBlock().pack([
    { message, start: 0, end: 100 },
    { message, start: 9_000, end: 9_100 },
    { message, start: 200, end: 300 },
  ]);
  // To the next word, and no more.
  assertEquals(gapsIn(far), [4, 4]);
});

Deno.test("payloads are as far into a word as in their messages, so that words are copied", () => {
  const memory = new ArrayBuffer(1_000);
  for (let offset = 0; offset < 8; offset++) {
    const message = new Uint8Array(memory, offset);
    const payloads = [3, 900, 5].map((start) => ({
      message,
      start,
      end: start + 9,
    }));
    const places = placesIn(new PayloadBlock().pack(payloads));
    for (const [i, { start }] of payloads.entries()) {
      assertStrictEquals((places[2 * i] ?? 0) % 8, (offset + start) % 8);
    }
  }
});

Deno.test("a block grows with what it has to hold, keeps what is in it, and is used again", () => {
  const block = new PayloadBlock();
  const small = Uint8Array.of(1, 2, 3);
  const large = new Uint8Array(3_000_000).fill(9);
  const before = block.pack([{ message: small, start: 0, end: 3 }]);
  const grown = block.pack([
    { message: small, start: 0, end: 3 },
    { message: large, start: 0, end: large.length },
  ]);
  assert(grown.memory !== before.memory);
  const [first, second] = unpack(grown);
  assertEquals(first, [1, 2, 3]);
  assertStrictEquals(second?.length, large.length);
  assert(second.every((byte) => byte === 9));
  const after = block.pack([{ message: small, start: 1, end: 2 }]);
  assertStrictEquals(after.memory, grown.memory);
  assertEquals(unpack(after), [[2]]);
});

Deno.test("only as many are packed as are asked for", () => {
  const message = Uint8Array.of(1, 2, 3);
  const payloads = [0, 1, 2].map((start) => ({ message, start, end: 3 }));
  const packed = new PayloadBlock().pack(payloads, 2);
  assertEquals(unpack(packed), [[1, 2, 3], [2, 3]]);
});

Deno.test("no payload at all is one of no bytes, or none", () => {
  const message = new Uint8Array();
  const block = new PayloadBlock();
  assertEquals(unpack(block.pack([])), []);
  assertEquals(unpack(block.pack([{ message, start: 0, end: 0 }])), [[]]);
});
