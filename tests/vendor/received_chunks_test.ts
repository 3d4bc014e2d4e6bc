import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { StreamDecoder } from "@grpc/grpc-js/build/src/stream-decoder.js";
import {
  freeWhenDecoded,
  freeWhenRead,
} from "../../lib/vendor/received_chunks.ts";
import { assertEquals } from "../assert.ts";
import { Random } from "../fakes/random.ts";

Deno.test("messages that grpc-js puts together are whole, and none of their chunks is left", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  for (let position = 0; position < 500; position++) {
    const random = new Random(seed, position);
    const messages = Array.from(
      { length: 1 + random.below(8) },
      () => frame(random.bytes(random.below(5) === 0 ? 0 : random.below(90))),
    );
    const decoder = new StreamDecoder(-1);
    const stream = new Readable({ read() {} });
    const decoded: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => decoded.push(...decoder.write(chunk)));
    freeWhenDecoded(stream);
    const chunks = cut(Buffer.concat(messages), random);
    for (const chunk of chunks) stream.emit("data", chunk);
    const hint = `seed ${seed}, position ${position}`;
    assertEquals(decoded.map(hex), messages.map(hex), hint);
    assertEquals(chunks.filter(isThere).length, 0, hint);
    stream.destroy();
  }
});

Deno.test("what a message that is not complete has brought is kept, and no more", () => {
  const stream = new Readable({ read() {} });
  stream.on("data", () => {});
  freeWhenDecoded(stream);
  const [first, second] = [frame(Uint8Array.of(1, 2)), frame(Uint8Array.of(3))];
  const parts = [
    first.subarray(0, 6),
    Buffer.concat([first.subarray(6), second.subarray(0, 1)]),
    second.subarray(1, 5),
    second.subarray(5),
  ].map(alone);
  const left = parts.map((part) => {
    stream.emit("data", part);
    return parts.map(isThere);
  });
  assertEquals(left, [
    [true, true, true, true],
    // Its last byte is the flag of the second message, which is looked at later.
    [false, true, true, true],
    [false, true, true, true],
    [false, false, false, false],
  ]);
  stream.destroy();
});

Deno.test("a chunk is freed behind those who read it, and one of shared memory is not", () => {
  const stream = new Readable({ read() {} });
  const heard: string[] = [];
  stream.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
  freeWhenRead(stream);
  const own = alone(Buffer.from("own"));
  const shared = alone(Buffer.from("shared")).subarray(1, 3);
  for (const chunk of [own, shared]) stream.emit("data", chunk);
  assertEquals(heard, ["own", "ha"]);
  assertEquals([isThere(own), shared.toString()], [false, "ha"]);
  stream.destroy();
});

/** A message of gRPC. */
function frame(content: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + 1 + random.below(40));
    chunks.push(alone(bytes.subarray(from, to)));
    from = to;
  }
  return chunks;
}

/** In memory of its own, as Deno hands chunks over. */
function alone(bytes: Uint8Array): Buffer {
  return Buffer.from(Uint8Array.from(bytes).buffer);
}

function isThere({ buffer }: Buffer): boolean {
  return !(buffer instanceof ArrayBuffer && buffer.detached);
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}
