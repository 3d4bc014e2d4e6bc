import { Buffer } from "node:buffer";
import { Http2Error } from "../../lib/http2/errors.ts";
import {
  Flag,
  frame,
  type FrameHeader,
  FrameReader,
  FrameType,
  headersFrames,
  headersIn,
  MAX_FRAME_BYTES,
  settingsFrame,
  settingsIn,
  uint32,
  withoutPadding,
} from "../../lib/http2/frames.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { cutAtRandom } from "../fakes/grpc_message.ts";
import { Random } from "../fakes/random.ts";

Deno.test("frames are read as they were sent, however they are cut", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  for (let position = 0; position < 300; position++) {
    const random = new Random(seed, position);
    const sent = Array.from({ length: 1 + random.below(6) }, () => ({
      type: random.below(10),
      flags: random.below(64),
      streamId: random.below(2 ** 31),
      payload: Buffer.from(random.bytes(random.below(60))),
    }));
    const bytes = Buffer.concat(
      sent.map(({ payload, ...header }) => frame(header, payload)),
    );
    const hint = `seed ${seed}, position ${position}`;
    assertEquals(read(cutAtRandom(bytes, random)), sent, hint);
  }
});

Deno.test("a reader that is stopped reads no more, not even of what it has", () => {
  const types: number[] = [];
  const reader = new FrameReader({
    data: () => {},
    frame: ({ type }) => {
      types.push(type);
      reader.stop();
    },
  });
  const ping = frame({ type: FrameType.PING }, new Uint8Array(8));
  reader.read(Buffer.concat([ping, ping]));
  reader.read(ping);
  assertEquals(types, [FrameType.PING]);
});

Deno.test("a frame that is too large is refused by its header", () => {
  const header = frame({ type: FrameType.DATA }).fill(0xff, 0, 3);
  assertThrows(() => read([header]), Http2Error);
  const largest = frame(
    { type: FrameType.PING },
    new Uint8Array(MAX_FRAME_BYTES),
  );
  assertEquals(read([largest])[0]?.payload.length, MAX_FRAME_BYTES);
});

Deno.test("settings come back as they were encoded", () => {
  const settings = new Map([[1, 0], [4, 2 ** 31 - 1], [0xffff, 2 ** 32 - 1]]);
  const [received] = read([settingsFrame(settings)]);
  assertEquals(settingsIn(received?.payload ?? Buffer.alloc(0)), settings);
  assertThrows(() => settingsIn(Buffer.alloc(7)), Http2Error);
});

Deno.test("headers that fit no frame go on in others", () => {
  for (const length of [0, 1, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 40_000]) {
    const block = new Random(1, length).bytes(length);
    const frames = read(headersFrames(5, block));
    assertEquals(
      frames.map(({ type, flags }) => ({ type, flags })),
      frames.map((_, i) => ({
        type: i === 0 ? FrameType.HEADERS : FrameType.CONTINUATION,
        flags: i === frames.length - 1 ? Flag.END_HEADERS : 0,
      })),
    );
    assertEquals(
      Buffer.concat(frames.map(({ payload }) => payload)),
      Buffer.from(block),
    );
  }
});

Deno.test("what a frame is filled up with, and the priority, is left out", () => {
  const header = (flags: number, payload: Buffer): FrameHeader => ({
    ...{ type: FrameType.HEADERS, flags, streamId: 1, length: payload.length },
  });
  const padded = Buffer.from("\x02block\0\0");
  assertEquals(
    withoutPadding(header(Flag.PADDED, padded), padded).toString(),
    "block",
  );
  const both = Buffer.from("\x01\0\0\0\0\x10block\0");
  assertEquals(
    headersIn(header(Flag.PADDED | Flag.PRIORITY, both), both).toString(),
    "block",
  );
  for (const text of ["", "\x05abc", "\x01\0\0"]) {
    const payload = Buffer.from(text);
    const flags = Flag.PADDED | Flag.PRIORITY;
    assertThrows(() => headersIn(header(flags, payload), payload), Http2Error);
  }
});

Deno.test("numbers are of 32 bits", () => {
  assertEquals(uint32(0, 2 ** 32 - 1).toString("hex"), "00000000ffffffff");
});

interface Received {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** With the data of plain frames put together again. */
function read(chunks: readonly Buffer[]): Received[] {
  const received: Received[] = [];
  let data: Buffer[] = [];
  const reader = new FrameReader({
    data: (_, part) => data.push(Buffer.from(part)),
    frame: ({ type, flags, streamId }, payload) => {
      received.push({
        ...{ type, flags, streamId },
        payload: Buffer.concat([...data, payload]),
      });
      data = [];
    },
  });
  for (const chunk of chunks) {
    reader.read(chunk);
    // Whoever brought it may use that memory for something else.
    chunk.fill(0xee);
  }
  return received;
}
