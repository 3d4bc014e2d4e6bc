import { Buffer } from "node:buffer";
import { readName } from "../../lib/teleport/event_names.ts";
import { assertStrictEquals } from "../assert.ts";
import { Random } from "../fakes/random.ts";

Deno.test("a name is read as it stands, whatever was read before in its place", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  const random = new Random(seed, 0);
  for (let i = 0; i < 20_000; i++) {
    const before = random.below(4);
    // Few characters and lengths, so that many share a place.
    const name = Array.from(
      { length: random.below(i % 50 === 0 ? 200 : 6) },
      () => "ab.ü"[random.below(4)],
    ).join("");
    const message = Buffer.from(`${"x".repeat(before)}${name}yy`);
    assertStrictEquals(
      readName(message, before, message.length - 2),
      name,
      `seed ${seed}, name ${i}`,
    );
  }
});

Deno.test("a name outlives the message that it was read from first", () => {
  const first = Buffer.from(Uint8Array.from(Buffer.from("user.login")).buffer);
  assertStrictEquals(readName(first, 0, 10), "user.login");
  first.fill(0);
  assertStrictEquals(readName(Buffer.from("user.login"), 0, 10), "user.login");
});

Deno.test("names that are no UTF-8 are read as any other text is", () => {
  const message = Buffer.from([0x61, 0xff, 0xfe]);
  for (let i = 0; i < 3; i++) {
    assertStrictEquals(readName(message, 0, 3), "a\ufffd\ufffd");
  }
});
