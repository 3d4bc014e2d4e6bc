import { Buffer } from "node:buffer";
import { Messages } from "../../lib/http2/messages.ts";
import { isOwnMemory } from "../../lib/own_memory.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  cutAtRandom,
  grpcMessage,
  HEADER_BYTES,
} from "../fakes/grpc_message.ts";
import { Random } from "../fakes/random.ts";

Deno.test("messages are whole, however they are cut, in memory of their own", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  for (let position = 0; position < 500; position++) {
    const random = new Random(seed, position);
    const messages = Array.from(
      { length: 1 + random.below(8) },
      () =>
        grpcMessage(random.bytes(random.below(5) === 0 ? 0 : random.below(90))),
    );
    const stream = new Messages();
    const complete: Buffer[] = [];
    for (const part of cutAtRandom(Buffer.concat(messages), random)) {
      stream.add(part, (bytes) => complete.push(bytes));
      // Whoever brought it may use that memory for something else.
      part.fill(0xee);
    }
    const hint = `seed ${seed}, position ${position}`;
    assertEquals(complete.flatMap(split).map(hex), messages.map(hex), hint);
    assert(complete.every(isOwnMemory), hint);
    assertEquals(stream.missing, 0, hint);
  }
});

Deno.test("messages that come together are handed on together", () => {
  const messages = [1, 2, 3].map((byte) => grpcMessage(Uint8Array.of(byte)));
  const bytes = Buffer.concat(messages);
  const complete: Buffer[] = [];
  const stream = new Messages();
  stream.add(bytes.subarray(0, -1), (bytes) => complete.push(bytes));
  stream.add(bytes.subarray(-1), (bytes) => complete.push(bytes));
  assertEquals(complete.map(hex), [
    hex(Buffer.concat(messages.slice(0, 2))),
    hex(bytes.subarray(12)),
  ]);
});

Deno.test("that a message is not complete is known at once, and what is missing from its header on", () => {
  const stream = new Messages();
  const bytes = grpcMessage(new Uint8Array(1_000));
  const missing = [4, 5, 500, 1_005].map((end, i, ends) => {
    stream.add(bytes.subarray(ends[i - 1] ?? 0, end), () => {});
    return [stream.missing, stream.isPartial];
  });
  assertEquals(missing, [[0, true], [1_000, true], [505, true], [0, false]]);
});

Deno.test("nobody waits for a message that is too large: it is handed on as it comes", () => {
  const stream = new Messages();
  const complete: Buffer[] = [];
  // What an error page of HTML begins with.
  const page = Buffer.from("<html><body>502 Bad Gateway</body></html>");
  for (const part of [page.subarray(0, 3), page.subarray(3, 20)]) {
    stream.add(part, (bytes) => complete.push(bytes));
  }
  stream.add(page.subarray(20), (bytes) => complete.push(bytes));
  assertEquals(Buffer.concat(complete).toString(), page.toString());
  assertEquals([stream.missing, stream.isPartial], [0, true]);
  const larger = Buffer.alloc(HEADER_BYTES);
  larger.writeUInt32BE(64 * 1024 * 1024 + 1, 1);
  const other = new Messages();
  other.add(larger, () => {});
  assertEquals([other.missing, other.isPartial], [0, true]);
});

function split(bytes: Buffer): Buffer[] {
  if (bytes.length === 0) return [];
  const end = HEADER_BYTES + bytes.readUInt32BE(1);
  return [bytes.subarray(0, end), ...split(bytes.subarray(end))];
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}
