import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { ClientStream } from "../../lib/http2/client_stream.ts";
import type { ClientSession } from "../../lib/http2/client_session.ts";
import { frame, FrameType, uint31In } from "../../lib/http2/frames.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { collectGarbage } from "../fakes/garbage.ts";
import { grpcMessage } from "../fakes/grpc_message.ts";
import { Random } from "../fakes/random.ts";
import { waitUntil, waitUntilStill } from "../fakes/wait_until.ts";
import {
  ANSWER_FRAME,
  connectToScript,
  connectToServer,
  HEADERS,
  WINDOW_BYTES,
} from "./peers.ts";

const CANCEL = 8;

Deno.test("an answer comes whole, with its headers and trailers, whatever its size", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  const sizes = [0, 1, 100, 16_379, 16_380, 65_536, 3_000_000, 20_000_000];
  const messages = sizes.map((size) =>
    grpcMessage(new Random(1, size).bytes(size))
  );
  peer.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "x-answer": "ä".repeat(300) }, {
      waitForTrailers: true,
    });
    stream.on(
      "wantTrailers",
      () =>
        stream.sendTrailers({ "grpc-status": "0", "grpc-message": "a%20b" }),
    );
    for (const bytes of messages) stream.write(bytes);
    stream.end();
  });
  const answer = await answerTo(session.request(HEADERS).end());
  assertEquals(answer.headers[":status"], 200);
  assertEquals(answer.headers["x-answer"], "ä".repeat(300));
  assertEquals({ ...answer.trailers }, {
    "grpc-status": "0",
    "grpc-message": "a%20b",
  });
  assert(answer.body.equals(Buffer.concat(messages)));
  assertEquals(answer.code, 0);
});

Deno.test("a request arrives whole, however large, with its headers", async () => {
  await using connected = await connectToServer({ initialWindowSize: 1_000 });
  const { session, peer } = connected;
  const heard = Promise.withResolvers<Buffer>();
  peer.on("stream", async (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    heard.resolve(Buffer.concat(chunks));
    const { "x-long": long = "", "x-several": several = "" } = headers;
    stream.respond({
      ":status": 200,
      "x-long": long.length,
      "x-several": several,
    });
    stream.end();
  });
  const body = Buffer.from(new Random(2, 0).bytes(1_000_000));
  const long = "l".repeat(30_000);
  const stream = session.request({
    ...HEADERS,
    "x-long": long,
    "x-several": ["one", "two"],
  });
  stream.write(body.subarray(0, 10));
  stream.end(body.subarray(10));
  const { headers } = await answerTo(stream);
  assert((await heard.promise).equals(body));
  assertEquals(headers["x-long"], String(long.length));
  assertEquals(headers["x-several"], "one, two");
});

Deno.test("a peer that keeps a smaller table of headers than usual, or none, is asked as any other", async () => {
  for (const headerTableSize of [0, 100]) {
    await using connected = await connectToServer({ headerTableSize });
    const { session, peer } = connected;
    peer.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 }, { endStream: true });
    });
    await once(session, "remoteSettings");
    for (const _ of ["once", "and again"]) {
      const { headers } = await answerTo(session.request(HEADERS).end());
      assertEquals(headers[":status"], 200);
    }
  }
});

Deno.test("requests that wait for each other's leave to go on all arrive, each as it was", async () => {
  await using connected = await connectToServer({ initialWindowSize: 1_000 });
  const { session, peer } = connected;
  peer.on("stream", async (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    respond(stream, grpcMessage(Buffer.concat(chunks)));
  });
  await once(session, "remoteSettings");
  const bodies = [0, 1, 999, 1_000, 80_000, 200_000, 300_000]
    .map((size) => Buffer.from(new Random(4, size).bytes(size)));
  const answers = await Promise.all(bodies.map((body) => {
    const stream = session.request(HEADERS);
    // In several pieces, so that some wait behind others.
    stream.write(body.subarray(0, body.length >> 1));
    stream.end(body.subarray(body.length >> 1));
    return answerTo(stream);
  }));
  for (const [i, { body, code }] of answers.entries()) {
    assertEquals(code, 0);
    assert(body.equals(grpcMessage(bodies[i] ?? Buffer.alloc(0))));
  }
});

for (
  const { before, windows } of [
    { before: "nothing", windows: 4 },
    // As much as that is expected, and not asked for.
    { before: "a large message of the same method", windows: 8 },
  ]
) {
  Deno.test(`while nobody reads, after ${before}, the peer is not let go on and on`, async () => {
    await using connected = await connectToServer();
    const { session, peer } = connected;
    const one = grpcMessage(new Uint8Array(10_000));
    const wanted = 400;
    let written = 0;
    let isFirst = before !== "nothing";
    peer.on("stream", async (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      if (isFirst) {
        isFirst = false;
        stream.end(grpcMessage(new Uint8Array(1_000_000)));
        return;
      }
      for (; written < wanted; written++) {
        if (!stream.write(one)) await once(stream, "drain");
      }
      stream.end();
    });
    if (isFirst) await answerTo(session.request(HEADERS).end());
    const stream = session.request(HEADERS).end();
    let received = 0;
    stream.on("data", (bytes: Buffer) => {
      received += bytes.length;
      if (received === bytes.length) stream.pause();
    });
    await once(stream, "response");
    await waitUntil("the peer to write", () => written > 0);
    await waitUntilStill("the peer to rest", () => written);
    // A window, what is on its way, and what the peer holds.
    assert(
      written * one.length < windows * WINDOW_BYTES,
      `${written} were written`,
    );
    stream.resume();
    await once(stream, "end");
    assertEquals(received, wanted * one.length);
  });
}

for (const kib of [100, 200, 300, 700]) {
  Deno.test(`messages of ${kib} KiB all arrive, however slowly they are read`, async () => {
    await using connected = await connectToServer();
    const { session, peer } = connected;
    const one = grpcMessage(new Uint8Array(kib * 1_024));
    const count = 20;
    peer.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      for (let i = 0; i < count; i++) stream.write(one);
      stream.end();
    });
    const stream = session.request(HEADERS).end();
    let received = 0;
    stream.on("data", async (bytes: Buffer) => {
      received += bytes.length;
      stream.pause();
      // By then the peer has sent all that it is allowed to.
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => session.ping(resolve));
      }
      stream.resume();
    });
    await waitUntil("the end", () => stream.readableEnded);
    assertEquals(received, count * one.length);
  });
}

for (
  const { size, allowed, what } of [
    {
      size: 1_000_000,
      allowed: 1_000_005,
      what: "a message as large as the last one of its method does not wait",
    },
    {
      size: 20_000_000,
      allowed: 4 * 1024 * 1024,
      what: "after a message of 20 MB, 4 MiB of the next one do not wait",
    },
  ]
) {
  Deno.test(`${what} for leave`, async () => {
    await using connected = await connectToScript();
    const { session, peer } = connected;
    const windowOf = (id: number) =>
      WINDOW_BYTES +
      peer.frames.filter(({ type, streamId }) =>
        type === FrameType.WINDOW_UPDATE && streamId === id
      ).reduce((sum, { payload }) => sum + uint31In(payload, 0), 0);
    const requested = async (id: number) => {
      const { DATA: type } = FrameType;
      await peer.received(type, ({ streamId }) => streamId === id);
    };
    const message = grpcMessage(new Uint8Array(size));

    const first = session.request(HEADERS).end();
    await requested(1);
    assertEquals(windowOf(1), WINDOW_BYTES);
    peer.send(
      ANSWER_FRAME,
      frame({ type: FrameType.DATA, streamId: 1 }, message.subarray(0, 1_000)),
    );
    await peer.received(
      FrameType.WINDOW_UPDATE,
      ({ streamId }) => streamId === 1,
    );
    assert(windowOf(1) >= message.length, `${windowOf(1)} were allowed`);

    const second = session.request(HEADERS).end();
    const other = session.request({ ...HEADERS, ":path": "/service/Other" })
      .end();
    await requested(5);
    assertEquals(windowOf(3), allowed);
    assertEquals(windowOf(5), WINDOW_BYTES);
    for (const stream of [first, second, other]) stream.close(CANCEL);
  });
}

Deno.test("what a connection brings is freed as soon as it is read", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    respond(stream, grpcMessage(new Uint8Array(1_000_000)));
  });
  let alone = 0;
  let left = 0;
  // Hears of each chunk before the session does, and looks at it behind that.
  session.socket.prependListener("data", (chunk: Buffer) => {
    if (chunk.buffer.byteLength !== chunk.length) return;
    alone++;
    queueMicrotask(() => left += chunk.length);
  });
  await answerTo(session.request(HEADERS).end());
  assert(alone > 0);
  assertEquals(left, 0);
});

Deno.test("what was paused for the last message is told of the end", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    respond(stream, grpcMessage(Uint8Array.of(1)));
  });
  const stream = session.request(HEADERS).end();
  stream.on("data", () => stream.pause());
  await once(stream, "end");
});

Deno.test("the peer has no more streams at once than it wants, and all in the end", async () => {
  await using connected = await connectToServer({ maxConcurrentStreams: 2 });
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  let open = 0;
  let most = 0;
  peer.on("stream", async (stream: ServerHttp2Stream) => {
    most = Math.max(most, ++open);
    for await (const _ of stream);
    respond(stream, grpcMessage(Uint8Array.of(1)));
    open--;
  });
  const answers = await Promise.all(
    Array.from(
      { length: 10 },
      () => answerTo(session.request(HEADERS).end("hello")),
    ),
  );
  assertEquals(answers.map(({ headers }) => headers[":status"]).length, 10);
  assert(answers.every(({ code }) => code === 0));
  assertEquals(most, 2);
});

Deno.test("a large answer comes whole also where its request had to wait for room", async () => {
  await using connected = await connectToServer({ maxConcurrentStreams: 1 });
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  const message = grpcMessage(new Uint8Array(1_000_000));
  peer.on("stream", async (stream: ServerHttp2Stream) => {
    for await (const _ of stream);
    respond(stream, message);
  });
  // From then on, as much is expected of the method.
  await answerTo(session.request(HEADERS).end());
  const lengths: number[] = [];
  for (let i = 0; i < 3; i++) {
    answerTo(session.request(HEADERS).end()).then(({ body }) =>
      lengths.push(body.length)
    );
  }
  await waitUntil("all answers", () => lengths.length === 3);
  assertEquals(new Set(lengths), new Set([message.length]));
});

Deno.test("a stream that the peer breaks off says with which code", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.close(11);
  });
  const stream = session.request(HEADERS).end();
  const [error] = await once(stream, "error");
  assertEquals(error.code, "ERR_HTTP2_STREAM_ERROR");
  assertEquals(stream.rstCode, 11);
});

Deno.test("a stream that is left is cancelled at the peer, and the others go on", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  const codes: number[] = [];
  peer.on("stream", (stream: ServerHttp2Stream, { ":path": path }) => {
    stream.on("error", () => {});
    stream.on("close", () => codes.push(stream.rstCode));
    stream.respond({ ":status": 200 });
    if (path === "/left") stream.write(grpcMessage(new Uint8Array(100_000)));
    else stream.end(grpcMessage(Uint8Array.of(1)));
  });
  const left = session.request({ ...HEADERS, ":path": "/left" }).end();
  await once(left, "response");
  left.close(CANCEL);
  await waitUntil("the peer to hear it", () => codes.length === 1);
  assertEquals(codes, [CANCEL]);
  assertEquals((await answerTo(session.request(HEADERS).end())).code, 0);
});

Deno.test("a stream that is left before the peer had room for it is never begun", async () => {
  await using connected = await connectToServer({ maxConcurrentStreams: 1 });
  const { session, peer } = connected;
  await once(session, "remoteSettings");
  const asked: unknown[] = [];
  peer.on("stream", async (stream: ServerHttp2Stream, { ":path": path }) => {
    asked.push(path);
    for await (const _ of stream);
    respond(stream, grpcMessage(Uint8Array.of(1)));
  });
  const request = (path: string) =>
    session.request({ ...HEADERS, ":path": path });
  const first = request("/first");
  request("/left").end().close(CANCEL);
  const last = answerTo(request("/last").end());
  await answerTo(first.end());
  assertEquals((await last).code, 0);
  assertEquals(asked, ["/first", "/last"]);
});

Deno.test("a ping is answered", async () => {
  await using connected = await connectToServer();
  const { session } = connected;
  const answered = Promise.withResolvers<readonly [Error | null, number]>();
  assert(session.ping((error, durationMs) => {
    answered.resolve([error, durationMs]);
  }));
  const [error, durationMs] = await answered.promise;
  assertEquals(error, null);
  assert(durationMs >= 0);
});

Deno.test("a peer that asks whether we are there is answered", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  const meeting = once(peer, "session") as Promise<[ServerHttp2Session]>;
  session.ping(() => {});
  const [theirs] = await meeting;
  const asked = new Random(3, 0).bytes(8);
  const answered = Promise.withResolvers<Buffer>();
  theirs.ping(asked, (_error, _durationMs, payload) => {
    answered.resolve(payload);
  });
  assertEquals((await answered.promise).toString("hex"), toHex(asked));
});

Deno.test("a peer that says goodbye answers what it has, and is asked no more", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  const go = Promise.withResolvers<void>();
  peer.on("stream", async (stream: ServerHttp2Stream) => {
    stream.session?.goaway(0);
    await go.promise;
    respond(stream, grpcMessage(Uint8Array.of(1)));
  });
  const stream = session.request(HEADERS).end();
  const answer = answerTo(stream);
  const [code] = await once(session, "goaway");
  assertEquals(code, 0);
  assert(session.closed);
  assert(!session.destroyed);
  assertThrows(() => session.request(HEADERS), Error, "no more requests");
  const closed = once(session, "close");
  go.resolve();
  assertEquals((await answer).code, 0);
  await closed;
});

Deno.test("a session that is closed ends when what is under way is over", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    respond(stream, grpcMessage(Uint8Array.of(1)));
  });
  const answer = answerTo(session.request(HEADERS).end());
  const closed = once(session, "close");
  session.close();
  assert(!session.destroyed);
  assertEquals((await answer).code, 0);
  await closed;
  assert(!session.ping(() => {}));
});

Deno.test("a session that is destroyed tells everybody who waits, once", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
  });
  await once(session, "remoteSettings");
  const told: string[] = [];
  session.on("close", () => told.push("session"));
  const stream = session.request(HEADERS).end();
  stream.on("close", () => told.push(`stream ${stream.rstCode}`));
  session.ping((error) => told.push(`ping ${error?.message}`));
  session.destroy();
  session.destroy();
  await once(stream, "close");
  assertEquals(told, [
    "session",
    "ping the connection is over",
    `stream ${CANCEL}`,
  ]);
});

Deno.test("of a thousand requests, one after the other, nothing stays", async () => {
  await using connected = await connectToServer();
  const { session, peer } = connected;
  peer.on("stream", (stream: ServerHttp2Stream) => {
    respond(stream, grpcMessage(new Uint8Array(1_000)));
  });
  const ids = new Set<number | undefined>();
  const streams: WeakRef<ClientStream>[] = [];
  const ask = async () => {
    const stream = session.request(HEADERS).end();
    streams.push(new WeakRef(stream));
    await answerTo(stream);
    ids.add(stream.id);
  };
  for (let i = 0; i < 1_000; i++) await ask();
  assertEquals(ids.size, 1_000);
  await turn();
  collectGarbage();
  const kept = streams.filter((stream) => stream.deref() !== undefined).length;
  assert(kept < 100, `${kept} are kept`);
  assertEquals(openStreams(session), 0);
});

interface Answer {
  readonly headers: Record<string, string | number>;
  readonly trailers: Record<string, string | number>;
  readonly body: Buffer;
  readonly code: number;
}

async function answerTo(stream: ClientStream): Promise<Answer> {
  let headers = {};
  let trailers = {};
  const chunks: Buffer[] = [];
  stream.on("response", (received) => headers = received);
  stream.on("trailers", (received) => trailers = received);
  stream.on("data", (chunk) => chunks.push(chunk));
  await once(stream, "close");
  return {
    ...{ headers, trailers },
    body: Buffer.concat(chunks),
    code: stream.rstCode,
  };
}

/** All there is to say, at once. */
function respond(stream: ServerHttp2Stream, message: Buffer): void {
  stream.respond({ ":status": 200 });
  stream.end(message);
}

/** A session that waits for none of its streams ends at once when it is closed. */
function openStreams(session: ClientSession): number {
  session.close();
  return session.destroyed ? 0 : NaN;
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
