import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { ClientSession } from "../../lib/http2/client_session.ts";
import { ErrorCode } from "../../lib/http2/errors.ts";
import {
  Flag,
  frame,
  FrameType,
  headersFrames,
  Setting,
  settingsFrame,
  uint32,
} from "../../lib/http2/frames.ts";
import { encodeHeaders } from "../../lib/http2/hpack.ts";
import { assertEquals } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import {
  ANSWER,
  ANSWER_FRAME,
  connectToScript,
  HEADERS,
  type ScriptedPeer,
} from "./peers.ts";

const DATA = { type: FrameType.DATA, streamId: 1 };
/** The trailers that end a good answer. */
const OK_FRAME = frame({
  type: FrameType.HEADERS,
  flags: Flag.END_HEADERS | Flag.END_STREAM,
  streamId: 1,
}, encodeHeaders([["grpc-status", "0"]]));

/** What a peer says to a first request, and with which error code it is told off. */
const VIOLATIONS: readonly {
  readonly what: string;
  readonly frames: readonly Uint8Array[];
  readonly code: number;
  readonly says: string;
}[] = [
  {
    what: "sends a frame that is too large",
    frames: [frame(DATA).fill(0xff, 0, 3)],
    code: ErrorCode.FRAME_SIZE_ERROR,
    says: "a frame of a size that is not allowed",
  },
  {
    what: "cuts a number off",
    frames: [frame({ type: FrameType.WINDOW_UPDATE }, Buffer.alloc(3))],
    code: ErrorCode.FRAME_SIZE_ERROR,
    says: "a frame of a size that is not allowed",
  },
  {
    what: "sends more than the window of a stream",
    frames: [
      ANSWER_FRAME,
      ...Array(20).fill(frame(DATA, Buffer.alloc(16_384))),
    ],
    code: ErrorCode.FLOW_CONTROL_ERROR,
    says: "the peer goes beyond a window",
  },
  {
    what: "allows more than can be counted, for a stream",
    frames: [
      frame({ type: FrameType.WINDOW_UPDATE, streamId: 1 }, uint32(0x7fffffff)),
    ],
    code: ErrorCode.FLOW_CONTROL_ERROR,
    says: "the peer goes beyond a window",
  },
  {
    what: "allows more than can be counted, for the connection",
    frames: [frame({ type: FrameType.WINDOW_UPDATE }, uint32(0x7fffffff))],
    code: ErrorCode.FLOW_CONTROL_ERROR,
    says: "the peer goes beyond a window",
  },
  {
    what: "begins with a window that is too large",
    frames: [settingsFrame(new Map([[Setting.INITIAL_WINDOW_SIZE, 2 ** 31]]))],
    code: ErrorCode.FLOW_CONTROL_ERROR,
    says: "the peer goes beyond a window",
  },
  {
    what: "answers what was never asked",
    frames: headersFrames(3, ANSWER),
    code: ErrorCode.PROTOCOL_ERROR,
    says: "a frame of a stream that was never begun",
  },
  {
    what: "pushes",
    frames: [frame({ type: FrameType.PUSH_PROMISE, streamId: 1 }, uint32(2))],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "a push that was not allowed",
  },
  {
    what: "interrupts headers",
    frames: [
      frame({ type: FrameType.HEADERS, streamId: 1 }, ANSWER),
      frame({ type: FrameType.PING }, uint32(0, 0)),
    ],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "headers are interrupted",
  },
  {
    what: "goes on with headers that were not begun",
    frames: [frame({ type: FrameType.CONTINUATION, streamId: 1 }, ANSWER)],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "headers go on that were not begun",
  },
  {
    what: "sends headers without end",
    frames: [
      frame({ type: FrameType.HEADERS, streamId: 1 }),
      ...Array(10).fill(frame(
        { type: FrameType.CONTINUATION, streamId: 1 },
        Buffer.alloc(16_000),
      )),
    ],
    code: ErrorCode.ENHANCE_YOUR_CALM,
    says: "too many headers",
  },
  {
    what: "goes on with headers without end, and without a byte of them",
    frames: [
      frame({ type: FrameType.HEADERS, streamId: 1 }),
      ...Array(70_000).fill(
        frame({ type: FrameType.CONTINUATION, streamId: 1 }),
      ),
    ],
    code: ErrorCode.ENHANCE_YOUR_CALM,
    says: "too many headers",
  },
  {
    what: "sends headers that cannot be decoded",
    frames: headersFrames(1, Buffer.from([0xff])),
    code: ErrorCode.COMPRESSION_ERROR,
    says: "half a header among the headers",
  },
  {
    what: "goes on behind the end",
    frames: [
      ANSWER_FRAME,
      frame({ ...DATA, flags: Flag.END_STREAM }),
      frame(DATA, Buffer.alloc(1)),
    ],
    code: ErrorCode.STREAM_CLOSED,
    says: "a stream goes on behind its end",
  },
  {
    what: "begins an answer with its data",
    frames: [frame(DATA, Buffer.alloc(5))],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "an answer without headers",
  },
  {
    what: "sends trailers, and no end with them",
    frames: [
      ANSWER_FRAME,
      ...headersFrames(1, encodeHeaders([["grpc-status", "0"]])),
    ],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "headers in the middle of an answer",
  },
  {
    what: "fills a frame up beyond its end",
    frames: [
      ANSWER_FRAME,
      frame({ ...DATA, flags: Flag.PADDED }, Uint8Array.of(9, 0)),
    ],
    code: ErrorCode.PROTOCOL_ERROR,
    says: "a frame is filled up beyond its end",
  },
];

for (const { what, frames, code, says } of VIOLATIONS) {
  Deno.test(`a peer that ${what} is told off, and the call fails for that reason`, async () => {
    await using connected = await connectToScript();
    const { session, peer } = connected;
    const failed = requestError(session);
    const reported = once(session, "error");
    await peer.received(FrameType.HEADERS);
    peer.send(...frames);
    assertEquals(await failed, `HTTP/2: ${says}`);
    assertEquals((await reported)[0].message, `HTTP/2: ${says}`);
    assertEquals(await goodbyeCode(peer), code);
  });
}

Deno.test("a peer that does not speak HTTP/2 is said not to", async () => {
  const page = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
  await using connected = await connectToScript(page);
  const [error] = await once(connected.session, "error");
  assertEquals(error.message, "HTTP/2: the peer does not speak it");
});

Deno.test("a peer that says goodbye with its greeting was never there", async () => {
  await using connected = await connectToScript(Buffer.concat([
    settingsFrame(new Map()),
    frame({ type: FrameType.GOAWAY }, uint32(0, 0)),
  ]));
  const { session } = connected;
  const told: string[] = [];
  session.on("remoteSettings", () => told.push("greeted"));
  session.on("goaway", () => told.push("goodbye"));
  await once(session, "close");
  await turn();
  assertEquals(told, ["goodbye"]);
});

Deno.test("settings that change are kept to, also by streams that are open", async () => {
  const windowOf = (bytes: number) =>
    settingsFrame(new Map([[Setting.INITIAL_WINDOW_SIZE, bytes]]));
  await using connected = await connectToScript(windowOf(10));
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  const stream = session.request(HEADERS);
  stream.on("error", () => {});
  stream.end(Buffer.from("0123456789abcdefghij"));
  const sent = () =>
    Buffer.concat(
      peer.frames.filter(({ type }) => type === FrameType.DATA)
        .map(({ payload }) => payload),
    ).toString();
  await waitUntil("the window to be used", () => sent() === "0123456789");
  // Five less than nothing, and so the next five are none.
  peer.send(windowOf(5));
  peer.send(frame({ type: FrameType.WINDOW_UPDATE, streamId: 1 }, uint32(5)));
  peer.send(frame({ type: FrameType.WINDOW_UPDATE, streamId: 1 }, uint32(3)));
  await waitUntil("more to be sent", () => sent() === "0123456789abc");
  peer.send(windowOf(100));
  await peer.received(
    FrameType.DATA,
    ({ flags }) => (flags & Flag.END_STREAM) !== 0,
  );
  assertEquals(sent(), "0123456789abcdefghij");
});

Deno.test("what a peer may do, and seldom does, is understood", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  const heard: string[] = [];
  stream.on("response", (headers) => heard.push(`${headers[":status"]}`));
  stream.on("data", (bytes: Buffer) => heard.push(bytes.toString("hex")));
  stream.on("trailers", (headers) => heard.push(headers["grpc-status"]));
  await peer.received(FrameType.HEADERS);
  const padded = (bytes: Uint8Array, fill: number) =>
    Buffer.concat([Uint8Array.of(fill), bytes, Buffer.alloc(fill)]);
  const half = ANSWER.length >> 1;
  peer.send(
    frame({ type: 0x42 }, Buffer.from("of a type that nobody knows")),
    // More to come: it only says that it is there.
    ...headersFrames(1, encodeHeaders([[":status", "103"]])),
    frame({
      type: FrameType.HEADERS,
      flags: Flag.PADDED | Flag.PRIORITY,
      streamId: 1,
    }, padded(Buffer.concat([Buffer.alloc(5), ANSWER.subarray(0, half)]), 7)),
    frame({
      type: FrameType.CONTINUATION,
      flags: Flag.END_HEADERS,
      streamId: 1,
    }, ANSWER.subarray(half)),
    frame({ ...DATA, flags: Flag.PADDED }, padded(Buffer.alloc(3), 200)),
    frame(DATA),
    frame(DATA, Buffer.from([0, 1, 0xee])),
    frame({
      type: FrameType.HEADERS,
      flags: Flag.END_HEADERS | Flag.END_STREAM,
      streamId: 1,
    }, encodeHeaders([["grpc-status", "0"]])),
    // It wants to hear no more, as Go's servers say.
    frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(0)),
  );
  await once(stream, "close");
  assertEquals(heard, ["200", "0000000001ee", "0"]);
  assertEquals(stream.rstCode, 0);
});

Deno.test("a peer that fills its frames up gets leave for that, too, of the stream and of the connection", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  stream.resume();
  await peer.received(FrameType.HEADERS);
  const padding = Buffer.alloc(256).fill(255, 0, 1);
  const one = frame({ ...DATA, flags: Flag.PADDED }, padding);
  const count = 40_000;
  peer.send(ANSWER_FRAME, ...Array(count).fill(one));
  const allowed = (id: number) =>
    peer.frames.filter(({ type, streamId }) =>
      type === FrameType.WINDOW_UPDATE && streamId === id
    ).reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  const before = allowed(0);
  await waitUntil(
    "leave for the stream",
    () => allowed(1) > (count - 1_000) * padding.length,
  );
  await waitUntil("leave for the connection", () => allowed(0) > before);
  stream.close(ErrorCode.CANCEL);
});

Deno.test("what is on its way for a stream that was left does no harm", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  await peer.received(FrameType.HEADERS);
  stream.close(ErrorCode.CANCEL);
  const reset = await peer.received(FrameType.RST_STREAM);
  assertEquals(reset.payload.readUInt32BE(0), ErrorCode.CANCEL);
  peer.send(
    ANSWER_FRAME,
    frame({ ...DATA, flags: Flag.END_STREAM }, Buffer.alloc(100)),
    frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(0)),
  );
  const answered = Promise.withResolvers<Error | null>();
  session.ping((error) => answered.resolve(error));
  const { payload } = await peer.received(FrameType.PING);
  peer.send(frame({ type: FrameType.PING, flags: Flag.ACK }, payload));
  assertEquals(await answered.promise, null);
});

Deno.test("messages come before the failure that comes with them", async () => {
  const failures = {
    trailers: frame({
      type: FrameType.HEADERS,
      flags: Flag.END_HEADERS | Flag.END_STREAM,
      streamId: 1,
    }, encodeHeaders([["grpc-status", "14"]])),
    reset: frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(2)),
  };
  for (const [name, failure] of Object.entries(failures)) {
    await using connected = await connectToScript();
    const { session, peer } = connected;
    const stream = session.request(HEADERS).end();
    const heard: string[] = [];
    // Whoever takes messages one by one, as grpc-js does.
    stream.on("data", () => queueMicrotask(() => heard.push("message")));
    stream.on("trailers", () => heard.push("trailers"));
    stream.on("error", () => heard.push("reset"));
    await peer.received(FrameType.HEADERS);
    peer.send(Buffer.concat([
      ANSWER_FRAME,
      frame(DATA, Buffer.from([0, 0, 0, 0, 1, 0xee])),
      failure,
    ]));
    await once(stream, "close").catch(() => {});
    assertEquals(heard, ["message", name]);
  }
});

Deno.test("an answer that ends within a message has failed, whatever its status, and what was whole is read", async () => {
  for (const cut of [[0, 0], [0, 0, 0, 0, 9, 0xee]]) {
    await using connected = await connectToScript();
    const { session, peer } = connected;
    const stream = session.request(HEADERS).end();
    const heard: string[] = [];
    stream.on("data", () => queueMicrotask(() => heard.push("message")));
    stream.on("trailers", () => heard.push("trailers"));
    stream.on("error", ({ message }) => heard.push(message));
    await peer.received(FrameType.HEADERS);
    peer.send(Buffer.concat([
      ANSWER_FRAME,
      frame(DATA, Buffer.from([0, 0, 0, 0, 1, 0xee, ...cut])),
      frame({
        type: FrameType.HEADERS,
        flags: Flag.END_HEADERS | Flag.END_STREAM,
        streamId: 1,
      }, encodeHeaders([["grpc-status", "0"]])),
    ]));
    await once(stream, "close").catch(() => {});
    assertEquals(heard, ["message", "the answer ends within a message"]);
    assertEquals(stream.rstCode, ErrorCode.INTERNAL_ERROR);
  }
});

Deno.test("a peer that breaks off without a reason says so", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  await peer.received(FrameType.HEADERS);
  peer.send(
    ANSWER_FRAME,
    frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(0)),
  );
  await once(stream, "close");
  assertEquals(stream.rstCode, ErrorCode.NO_ERROR);
});

Deno.test("an answer is whole although the peer breaks off behind its end, for whatever reason", async () => {
  for (const code of [ErrorCode.NO_ERROR, ErrorCode.CANCEL]) {
    await using connected = await connectToScript();
    const { session, peer } = connected;
    const stream = session.request(HEADERS).end();
    const heard: string[] = [];
    stream.on("data", () => heard.push("message"));
    stream.on("trailers", () => heard.push("trailers"));
    stream.on("end", () => heard.push("end"));
    // Whoever is still at something else.
    stream.pause();
    const closed = once(stream, "close");
    await peer.received(FrameType.HEADERS);
    peer.send(
      ANSWER_FRAME,
      frame(DATA, Buffer.from([0, 0, 0, 0, 1, 0xee])),
      OK_FRAME,
      frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(code)),
      frame({ type: FrameType.PING }, uint32(0, 0)),
    );
    await peer.received(FrameType.PING);
    stream.resume();
    await closed;
    assertEquals(heard, ["trailers", "message", "end"]);
    assertEquals(stream.rstCode, ErrorCode.NO_ERROR);
  }
});

Deno.test("a request of which its peer wants to hear no more is over, whatever it waits for", async () => {
  await using connected = await connectToScript(
    settingsFrame(new Map([[Setting.INITIAL_WINDOW_SIZE, 0]])),
  );
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  const stream = session.request(HEADERS).end(Buffer.from("never sent"));
  stream.resume();
  await peer.received(FrameType.HEADERS);
  peer.send(
    ANSWER_FRAME,
    OK_FRAME,
    frame({ type: FrameType.RST_STREAM, streamId: 1 }, uint32(0)),
  );
  await waitUntil("the request to be over", () => stream.closed);
  session.close();
  assertEquals(session.destroyed, true);
});

Deno.test("streams that a peer has not begun with when it says goodbye are refused", async () => {
  await using connected = await connectToScript(
    settingsFrame(new Map([[Setting.MAX_CONCURRENT_STREAMS, 2]])),
  );
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  const streams = [1, 2, 3].map(() => session.request(HEADERS).end());
  const refused = streams.slice(1).map((stream) =>
    once(stream, "error").then(() => stream.rstCode)
  );
  await peer.received(FrameType.HEADERS, ({ streamId }) => streamId === 3);
  peer.send(frame({ type: FrameType.GOAWAY }, uint32(1, 0)));
  assertEquals(await Promise.all(refused), [
    ErrorCode.REFUSED_STREAM,
    ErrorCode.REFUSED_STREAM,
  ]);
  assertEquals(streams[0]?.destroyed, false);
});

Deno.test("a peer that says goodbye with a reason is not waited for", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  await peer.received(FrameType.HEADERS);
  const said = once(session, "goaway");
  const reported = once(session, "error");
  peer.send(frame(
    { type: FrameType.GOAWAY },
    Buffer.concat([
      uint32(1, ErrorCode.ENHANCE_YOUR_CALM),
      Buffer.from("too_many_pings"),
    ]),
  ));
  const [code, , data] = await said;
  assertEquals([code, String(data)], [11, "too_many_pings"]);
  const [error] = await reported;
  assertEquals(
    error.message,
    "the peer ends the HTTP/2 connection with error code 11",
  );
  assertEquals(stream.rstCode, ErrorCode.CANCEL);
});

Deno.test("of a connection that is lost, the session tells before its streams do", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const told: string[] = [];
  session.on("close", () => told.push("session"));
  const stream = session.request(HEADERS).end();
  stream.on("close", () => told.push(`stream ${stream.rstCode}`));
  await peer.received(FrameType.HEADERS);
  peer.cut();
  await once(stream, "close");
  assertEquals(told, ["session", `stream ${ErrorCode.CANCEL}`]);
});

Deno.test("a large message is let come as a whole, and a small one within the window", async () => {
  await using connected = await connectToScript();
  const { session, peer } = connected;
  const stream = session.request(HEADERS).end();
  stream.on("error", () => {});
  await peer.received(FrameType.HEADERS);
  const length = 5_000_000;
  peer.send(
    ANSWER_FRAME,
    frame(DATA, Buffer.concat([Uint8Array.of(0), uint32(length)])),
  );
  const { payload } = await peer.received(
    FrameType.WINDOW_UPDATE,
    ({ streamId }) => streamId === 1,
  );
  // The window that there was from the first, and this, less what came.
  assertEquals(256 * 1024 + payload.readUInt32BE(0) - 5, length);
});

/** Resolves with the message of what a request fails with. */
function requestError(session: ClientSession): Promise<string> {
  const stream = session.request(HEADERS).end();
  return once(stream, "error").then(([error]) => error.message);
}

/** The error code of the peer's last words from us. */
async function goodbyeCode(peer: ScriptedPeer): Promise<number> {
  const { payload } = await peer.received(FrameType.GOAWAY);
  return payload.readUInt32BE(4);
}
