/**
 * A server of gRPC over HTTP/2, RFC 9113, that does as little as possible for each
 * byte, so that a benchmark measures who reads: answers are written as they are
 * given, a part of them at a time.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { TLSSocket } from "node:tls";
import {
  DEFAULT_WINDOW_BYTES,
  Flag,
  frame,
  type FrameHeader,
  frameHeader,
  type FrameListener,
  FrameReader,
  FrameType,
  headersFrames,
  headersIn,
  MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  PREFACE,
  Setting,
  settingsFrame,
  settingsIn,
  uint31In,
  uint32,
} from "../../lib/http2/frames.ts";
import {
  decodeHeaders,
  encodeHeaders,
  type Header,
} from "../../lib/http2/hpack.ts";
import { HEADER_BYTES } from "../../tests/fakes/grpc_message.ts";

/** What a client asks for. */
export interface Call {
  /** Without its service. */
  readonly method: string;
  /** The request, encoded. */
  readonly message: Uint8Array;
}

/**
 * Answers with messages as they go over the wire, one or several in each part, which
 * is written before the next one is asked for; `undefined`: there is no such method.
 */
export type Answer = (call: Call) => Iterable<Buffer> | undefined;

const ANSWER = encodeHeaders([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const OK = encodeHeaders([["grpc-status", "0"]]);
const UNIMPLEMENTED = encodeHeaders([["grpc-status", "12"]]);

/** A call, from its headers to the end of its answer. */
interface Stream {
  readonly id: number;
  readonly method: string;
  readonly request: Buffer[];
  /** Bytes that the client takes still. */
  window: number;
  answering: Answering | undefined;
}

/** An answer that has begun. */
interface Answering {
  readonly parts: Iterator<Buffer>;
  /** Of the current part, what is still to be written. */
  rest: Buffer;
}

/**
 * Serves one connection, whose TLS has agreed on HTTP/2, until it ends. Of clients,
 * it expects that they keep to the protocol.
 */
export class GrpcConnection implements FrameListener {
  readonly #socket: TLSSocket;
  readonly #answer: Answer;
  readonly #reader = new FrameReader(this);
  /** By number; the one that was served last is the last one. */
  readonly #streams = new Map<number, Stream>();
  #preface = PREFACE.length;
  /** Bytes that the client takes still, over all streams, and of a new one. */
  #window = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;

  constructor(socket: TLSSocket, answer: Answer) {
    this.#socket = socket;
    this.#answer = answer;
    socket.setNoDelay();
    socket.on("error", () => socket.destroy());
    socket.on("drain", () => this.#serve());
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    // No table of headers, which `hpack.ts` does not keep; requests without limits.
    this.#write(
      settingsFrame(new Map([[Setting.HEADER_TABLE_SIZE, 0]])),
      frame(
        { type: FrameType.WINDOW_UPDATE },
        uint32(MAX_WINDOW_BYTES - DEFAULT_WINDOW_BYTES),
      ),
    );
  }

  /** Of {@linkcode FrameListener}. */
  data({ streamId }: FrameHeader, part: Buffer): void {
    this.#streams.get(streamId)?.request.push(Buffer.from(part));
  }

  /** Of {@linkcode FrameListener}. */
  frame(header: FrameHeader, payload: Buffer): void {
    const { type, flags, streamId } = header;
    switch (type) {
      case FrameType.DATA:
        if (flags & Flag.END_STREAM) this.#end(streamId);
        break;
      case FrameType.HEADERS:
        this.#begin(streamId, decodeHeaders(headersIn(header, payload)));
        break;
      case FrameType.RST_STREAM:
        this.#streams.delete(streamId);
        break;
      case FrameType.SETTINGS:
        if (!(flags & Flag.ACK)) this.#takeSettings(settingsIn(payload));
        break;
      case FrameType.PING:
        if (!(flags & Flag.ACK)) {
          this.#write(frame({ type, flags: Flag.ACK }, payload));
        }
        break;
      case FrameType.WINDOW_UPDATE:
        this.#takeWindow(streamId, uint31In(payload, 0));
        break;
    }
  }

  #receive(chunk: Buffer): void {
    const skipped = Math.min(this.#preface, chunk.length);
    this.#preface -= skipped;
    this.#reader.read(chunk.subarray(skipped));
    this.#serve();
  }

  #begin(id: number, headers: readonly Header[]): void {
    const path = headers.find(([name]) => name === ":path")?.[1] ?? "";
    this.#streams.set(id, {
      id,
      method: path.slice(path.lastIndexOf("/") + 1),
      request: [],
      window: this.#initialWindow,
      answering: undefined,
    });
  }

  #end(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const { method, request } = stream;
    const message = Buffer.concat(request).subarray(HEADER_BYTES);
    const parts = this.#answer({ method, message });
    this.#write(...headersFrames(id, ANSWER));
    if (parts === undefined) return this.#finish(stream, UNIMPLEMENTED);
    stream.answering = {
      parts: parts[Symbol.iterator](),
      rest: Buffer.alloc(0),
    };
  }

  #takeSettings(settings: ReadonlyMap<number, number>): void {
    const initial = settings.get(Setting.INITIAL_WINDOW_SIZE);
    if (initial !== undefined) {
      const change = initial - this.#initialWindow;
      this.#initialWindow = initial;
      for (const stream of this.#streams.values()) stream.window += change;
    }
    this.#write(frame({ type: FrameType.SETTINGS, flags: Flag.ACK }));
  }

  #takeWindow(id: number, bytes: number): void {
    if (id === 0) this.#window += bytes;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.window += bytes;
  }

  /** Writes what the client takes, by turns, until the connection is full. */
  #serve(): void {
    for (const [id, stream] of this.#streams) {
      if (this.#socket.writableNeedDrain || this.#socket.destroyed) return;
      if (!this.#serveNext(stream)) continue;
      // Behind the others; this loop comes to it again.
      this.#streams.delete(id);
      this.#streams.set(id, stream);
    }
  }

  /** Returns whether there was something that could be written, and may be more. */
  #serveNext(stream: Stream): boolean {
    const { id, answering } = stream;
    if (answering === undefined) return false;
    if (answering.rest.length === 0) {
      const next = answering.parts.next();
      if (next.done) {
        this.#finish(stream, OK);
        return false;
      }
      answering.rest = next.value;
    }
    const { rest } = answering;
    const size = Math.min(rest.length, stream.window, this.#window);
    if (size <= 0) return false;
    stream.window -= size;
    this.#window -= size;
    answering.rest = rest.subarray(size);
    this.#write(...dataFrames(id, rest.subarray(0, size)));
    return true;
  }

  #finish({ id }: Stream, trailers: Buffer): void {
    this.#streams.delete(id);
    const flags = Flag.END_HEADERS | Flag.END_STREAM;
    this.#write(
      frame({ type: FrameType.HEADERS, flags, streamId: id }, trailers),
    );
  }

  #write(...bytes: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(bytes));
  }
}

function* dataFrames(streamId: number, data: Buffer): Iterable<Buffer> {
  for (let from = 0; from < data.length; from += MAX_FRAME_BYTES) {
    const part = data.subarray(from, from + MAX_FRAME_BYTES);
    yield frameHeader({
      type: FrameType.DATA,
      streamId,
      length: part.length,
    });
    yield part;
  }
}
