/**
 * A client's connection of HTTP/2, RFC 9113, made for large answers of gRPC.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import process from "node:process";
import { setImmediate } from "node:timers";
import type { TLSSocket } from "node:tls";
import { freeIfAlone } from "../own_memory.ts";
import { ClientStream, type StreamConnection } from "./client_stream.ts";
import { beyondWindow, ErrorCode, Http2Error } from "./errors.ts";
import {
  DEFAULT_WINDOW_BYTES,
  Flag,
  frame,
  type FrameHeader,
  type FrameListener,
  FrameReader,
  FrameType,
  headersFrames,
  headersIn,
  isPlainData,
  MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  PREFACE,
  Setting,
  settingsFrame,
  settingsIn,
  uint31In,
  uint32,
  uint32In,
  withoutPadding,
} from "./frames.ts";
import { decodeHeaders, encodeHeaders, type Header } from "./hpack.ts";

/** What may be on its way to us over all streams: each has its own window beside. */
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Most for a message that has not begun: servers send no larger ones by default. */
const MAX_EXPECTED_BYTES = 4 * 1024 * 1024;
/** Headers of gRPC take some hundred bytes. */
const MAX_HEADER_BLOCK_BYTES = 64 * 1024;
const MAX_STREAM_ID = 2 ** 31 - 1;
/** How long a peer may take to begin with its settings. */
const GREETING_MS = 10_000;

/** Is told when a ping is answered, or never will be. */
export type PingCallback = (
  error: Error | null,
  durationMs: number,
  payload: Buffer,
) => void;

/** Headers of a request, as grpc-js gives them. */
export type RequestHeaders = Readonly<
  Record<string, string | number | readonly string[]>
>;

/** How a session is begun. */
export interface SessionOptions {
  /** TLS, with the handshake done. */
  readonly socket: TLSSocket;
  /** What a stream's peer may send before anything is read. */
  readonly windowBytes: number;
}

/** Data that waits for the peer to take it. */
interface Sending {
  readonly stream: ClientStream;
  data: Uint8Array;
  /** Whether nothing comes behind it. */
  readonly isEnd: boolean;
  readonly sent: () => void;
}

/** Headers that are not complete. */
interface HeaderBlock {
  readonly header: FrameHeader;
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * A session with the part of `ClientHttp2Session` of `node:http2` that grpc-js
 * uses: it emits `remoteSettings`, `goaway`, `error` and `close`.
 *
 * For a half to two thirds of that one's CPU time, since a page of the audit log
 * goes from the connection's memory into that of its message, and nowhere else on
 * its way.
 */
export class ClientSession extends EventEmitter
  implements StreamConnection, FrameListener {
  readonly socket: TLSSocket;
  readonly encrypted = true;
  readonly #reader = new FrameReader(this);
  readonly #streamWindow: number;
  /** Begun, and not over, by number. */
  readonly #streams = new Map<number, ClientStream>();
  /** Those that the peer has no room for yet, with their headers. */
  readonly #waiting = new Map<ClientStream, Buffer>();
  readonly #pings: {
    readonly sentMs: number;
    readonly answered: PingCallback;
  }[] = [];
  readonly #greeting = setTimeout(
    () => this.destroy(new Error(`no HTTP/2 within ${GREETING_MS / 1000} s`)),
    GREETING_MS,
  );
  #nextId = 1;
  #headers: HeaderBlock | undefined;
  #greeted = false;
  #goodbye = false;
  #destroyed = false;

  /** What the peer may still send over all streams. */
  #window = CONNECTION_WINDOW_BYTES;
  /** By method, how large the last first message was that came in several parts. */
  readonly #expectedBytes = new Map<string, number>();
  /** What the peer takes still, of all streams and of each. */
  #peerWindow = DEFAULT_WINDOW_BYTES;
  readonly #peerWindows = new Map<ClientStream, number>();
  #peerInitialWindow = DEFAULT_WINDOW_BYTES;
  #peerMaxStreams = Infinity;
  readonly #sending = new Set<Sending>();

  #outgoing: Uint8Array[] = [];
  #flushing = false;

  constructor({ socket, windowBytes }: SessionOptions) {
    super();
    this.socket = socket;
    this.#streamWindow = windowBytes;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    this.#write(PREFACE);
    this.#write(settingsFrame(
      new Map([
        [Setting.HEADER_TABLE_SIZE, 0],
        [Setting.ENABLE_PUSH, 0],
        [Setting.INITIAL_WINDOW_SIZE, windowBytes],
      ]),
    ));
    this.#writeWindow(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  /** Whether it takes no more requests. */
  get closed(): boolean {
    return this.#goodbye || this.#destroyed;
  }

  /** Whether the connection is over. */
  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** Windows of the connection, in bytes. */
  get state(): {
    readonly localWindowSize: number;
    readonly remoteWindowSize: number;
  } {
    return {
      localWindowSize: this.#window,
      remoteWindowSize: this.#peerWindow,
    };
  }

  /**
   * Begins a stream, now or as soon as the peer has room for one more.
   *
   * @throws {Error} where the session takes no more requests
   */
  request(headers: RequestHeaders): ClientStream {
    if (this.closed || this.#nextId > MAX_STREAM_ID) {
      throw new Error("the HTTP/2 session takes no more requests");
    }
    const method = String(headers[":path"]);
    const stream = new ClientStream(this, {
      windowBytes: this.#streamWindow,
      expectedBytes: this.#expectedBytes.get(method) ?? 0,
      begun: (bytes) =>
        this.#expectedBytes.set(method, Math.min(bytes, MAX_EXPECTED_BYTES)),
    });
    this.#waiting.set(stream, encodeHeaders(requestHeaders(headers)));
    this.#beginWaiting();
    return stream;
  }

  /** Asks whether the peer is there; `false`: that cannot be asked. */
  ping(answered: PingCallback): boolean {
    if (this.#destroyed) return false;
    this.#pings.push({ sentMs: performance.now(), answered });
    this.#write(frame({ type: FrameType.PING }, new Uint8Array(8)));
    return true;
  }

  /** The connection's window is as large as it gets. */
  setLocalWindowSize(_bytes: number): void {}

  /** Has the process wait for the connection. */
  ref(): void {
    this.socket.ref();
  }

  /** Has the process not wait for the connection. */
  unref(): void {
    this.socket.unref();
  }

  /** Takes no more requests, and ends when those under way are over. */
  close(): void {
    this.#goodbye = true;
    this.#endIfIdle();
  }

  /** Ends, with all streams. */
  destroy(error?: Error): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    clearTimeout(this.#greeting);
    this.#reader.stop();
    this.#sayGoodbye(error);
    // First, so that a call knows why its stream ends.
    if (error !== undefined && this.listenerCount("error") > 0) {
      this.emit("error", error);
    }
    this.emit("close");
    for (const stream of [...this.#streams.values(), ...this.#waiting.keys()]) {
      if (error instanceof Http2Error) stream.takeViolation(error);
      else stream.close(ErrorCode.CANCEL);
    }
    for (const { answered } of this.#pings.splice(0)) {
      answered(new Error("the connection is over"), 0, Buffer.alloc(0));
    }
    this.#flush();
    this.socket.destroySoon();
  }

  /** Of {@linkcode StreamConnection}. */
  send(stream: ClientStream, data: Uint8Array, sent: () => void): void {
    this.#sending.add({ stream, data, isEnd: false, sent });
    this.#sendWhatIsAllowed();
  }

  /** Of {@linkcode StreamConnection}. */
  sendEnd(stream: ClientStream, sent: () => void): void {
    this.#sending.add({ stream, data: Buffer.alloc(0), isEnd: true, sent });
    this.#sendWhatIsAllowed();
  }

  /** Of {@linkcode StreamConnection}. */
  allow({ id }: ClientStream, bytes: number): void {
    if (id !== undefined) this.#writeWindow(id, bytes);
  }

  /** Of {@linkcode StreamConnection}. */
  left(stream: ClientStream, code: number | undefined): void {
    const { id } = stream;
    this.#waiting.delete(stream);
    this.#peerWindows.delete(stream);
    for (const sending of this.#sending) {
      if (sending.stream === stream) this.#sending.delete(sending);
    }
    if (id === undefined || !this.#streams.delete(id)) return;
    if (code !== undefined) {
      this.#write(
        frame({ type: FrameType.RST_STREAM, streamId: id }, uint32(code)),
      );
    }
    this.#beginWaiting();
    this.#endIfIdle();
  }

  /** Of {@linkcode FrameListener}. */
  data({ streamId }: FrameHeader, part: Buffer): void {
    this.#takeFromWindow(part.length);
    // Of a stream that we have left, data may still be on its way.
    this.#streamOf(streamId)?.takeData(part);
  }

  /** Of {@linkcode FrameListener}. */
  frame(header: FrameHeader, payload: Buffer): void {
    const { type } = header;
    if (!this.#greeted && type !== FrameType.SETTINGS) {
      throw violation("the peer does not begin with settings");
    }
    if (this.#headers !== undefined && type !== FrameType.CONTINUATION) {
      throw violation("headers are interrupted");
    }
    switch (type) {
      case FrameType.DATA:
        return this.#takeData(header, payload);
      case FrameType.HEADERS:
        return this.#takeHeaders(header, headersIn(header, payload));
      case FrameType.CONTINUATION:
        return this.#takeContinuation(header, payload);
      case FrameType.RST_STREAM:
        return this.#takeReset(header, uint32In(payload, 0));
      case FrameType.SETTINGS:
        return this.#takeSettings(header, payload);
      case FrameType.PUSH_PROMISE:
        throw violation("a push that was not allowed");
      case FrameType.PING:
        return this.#takePing(header, payload);
      case FrameType.GOAWAY:
        return this.#takeGoaway(payload);
      case FrameType.WINDOW_UPDATE:
        return this.#takeWindow(header, uint31In(payload, 0));
    }
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.destroy(
        this.#greeted ? error : violation("the peer does not speak it"),
      );
    }
    freeIfAlone(chunk);
    this.#flush();
  }

  #takeData(header: FrameHeader, payload: Buffer): void {
    const stream = this.#streamOf(header.streamId);
    if (!isPlainData(header)) {
      const data = withoutPadding(header, payload);
      this.#takeFromWindow(payload.length);
      stream?.takeData(data, payload.length);
    }
    if (header.flags & Flag.END_STREAM) stream?.takeEnd();
  }

  #takeFromWindow(bytes: number): void {
    this.#window -= bytes;
    if (this.#window < 0) throw beyondWindow();
    if (this.#window > CONNECTION_WINDOW_BYTES / 2) return;
    this.#writeWindow(0, CONNECTION_WINDOW_BYTES - this.#window);
    this.#window = CONNECTION_WINDOW_BYTES;
  }

  #takeHeaders(header: FrameHeader, block: Buffer): void {
    if (header.flags & Flag.END_HEADERS) {
      return this.#takeHeaderBlock(header, block);
    }
    this.#headers = {
      header,
      parts: [block],
      bytes: block.length,
    };
  }

  #takeContinuation({ streamId, flags }: FrameHeader, payload: Buffer): void {
    const headers = this.#headers;
    if (headers === undefined || headers.header.streamId !== streamId) {
      throw violation("headers go on that were not begun");
    }
    headers.parts.push(payload);
    // A frame that brings nothing takes memory as well.
    headers.bytes += payload.length + 1;
    if (headers.bytes > MAX_HEADER_BLOCK_BYTES) {
      throw new Http2Error("too many headers", ErrorCode.ENHANCE_YOUR_CALM);
    }
    if (!(flags & Flag.END_HEADERS)) return;
    this.#headers = undefined;
    this.#takeHeaderBlock(headers.header, Buffer.concat(headers.parts));
  }

  #takeHeaderBlock({ streamId, flags }: FrameHeader, block: Buffer): void {
    const stream = this.#streamOf(streamId);
    const headers = decodeHeaders(block);
    stream?.takeHeaders(headers, (flags & Flag.END_STREAM) !== 0);
  }

  #takeReset({ streamId }: FrameHeader, code: number): void {
    this.#streamOf(streamId)?.takeReset(code);
    // What it waits for leave to send is not going to be sent.
    this.#sendWhatIsAllowed();
  }

  #takeSettings({ flags }: FrameHeader, payload: Buffer): void {
    if (flags & Flag.ACK) return;
    const settings = settingsIn(payload);
    this.#peerMaxStreams = settings.get(Setting.MAX_CONCURRENT_STREAMS) ??
      this.#peerMaxStreams;
    this.#setPeerInitialWindow(
      settings.get(Setting.INITIAL_WINDOW_SIZE) ?? this.#peerInitialWindow,
    );
    this.#write(frame({ type: FrameType.SETTINGS, flags: Flag.ACK }));
    this.#beginWaiting();
    this.#sendWhatIsAllowed();
    if (this.#greeted) return;
    this.#greeted = true;
    clearTimeout(this.#greeting);
    // Who is told listens for the session's end from then on, and that may have come
    // with the greeting: then it is a connection that was never there.
    setImmediate(() => {
      if (this.closed) return;
      this.emit("remoteSettings", Object.fromEntries(settings));
    });
  }

  /** Windows of streams that are open change with it, and may be less than nothing. */
  #setPeerInitialWindow(bytes: number): void {
    if (bytes > MAX_WINDOW_BYTES) throw beyondWindow();
    const change = bytes - this.#peerInitialWindow;
    this.#peerInitialWindow = bytes;
    for (const [stream, window] of this.#peerWindows) {
      this.#peerWindows.set(stream, window + change);
    }
  }

  #takePing({ flags }: FrameHeader, payload: Buffer): void {
    if (!(flags & Flag.ACK)) {
      return this.#write(
        frame({ type: FrameType.PING, flags: Flag.ACK }, payload),
      );
    }
    const ping = this.#pings.shift();
    ping?.answered(null, performance.now() - ping.sentMs, payload);
  }

  /** Streams that the peer has not begun with are not going to be answered. */
  #takeGoaway(payload: Buffer): void {
    const lastId = uint31In(payload, 0);
    const code = uint32In(payload, 4);
    this.#goodbye = true;
    this.emit("goaway", code, lastId, payload.subarray(8));
    const refused = [
      // First, for they would take the places of those that end.
      ...this.#waiting.keys(),
      ...this.#streams.values().filter(({ id = 0 }) => id > lastId),
    ];
    for (const stream of refused) stream.takeReset(ErrorCode.REFUSED_STREAM);
    if (code === ErrorCode.NO_ERROR) return this.#endIfIdle();
    this.destroy(
      new Error(`the peer ends the HTTP/2 connection with error code ${code}`),
    );
  }

  #takeWindow({ streamId }: FrameHeader, bytes: number): void {
    if (streamId === 0) {
      this.#peerWindow += bytes;
      if (this.#peerWindow > MAX_WINDOW_BYTES) throw beyondWindow();
    } else {
      const stream = this.#streamOf(streamId);
      if (stream === undefined) return;
      const window = (this.#peerWindows.get(stream) ?? 0) + bytes;
      if (window > MAX_WINDOW_BYTES) throw beyondWindow();
      this.#peerWindows.set(stream, window);
    }
    this.#sendWhatIsAllowed();
  }

  /** A stream that is open; none: one that is over. */
  #streamOf(id: number): ClientStream | undefined {
    if (id % 2 === 0 || id >= this.#nextId) {
      throw violation("a frame of a stream that was never begun");
    }
    return this.#streams.get(id);
  }

  #beginWaiting(): void {
    if (this.#destroyed) return;
    for (const [stream, headers] of this.#waiting) {
      if (this.#streams.size >= this.#peerMaxStreams) break;
      this.#waiting.delete(stream);
      const id = this.#nextId;
      this.#nextId += 2;
      this.#streams.set(id, stream);
      this.#peerWindows.set(stream, this.#peerInitialWindow);
      for (const bytes of headersFrames(id, headers)) this.#write(bytes);
      stream.begin(id);
    }
    this.#sendWhatIsAllowed();
  }

  #sendWhatIsAllowed(): void {
    for (const sending of this.#sending) {
      if (!this.#sendAllowed(sending)) continue;
      // Before anybody is told, who may have more to send.
      this.#sending.delete(sending);
      sending.sent();
    }
  }

  /** Returns whether all of it is on its way. */
  #sendAllowed(sending: Sending): boolean {
    const { stream } = sending;
    const { id, isReset } = stream;
    if (isReset) return true;
    if (id === undefined) return false;
    while (sending.data.length > 0) {
      const window = this.#peerWindows.get(stream) ?? 0;
      const size = Math.min(
        sending.data.length,
        MAX_FRAME_BYTES,
        window,
        this.#peerWindow,
      );
      if (size <= 0) return false;
      this.#peerWindows.set(stream, window - size);
      this.#peerWindow -= size;
      this.#write(frame(
        { type: FrameType.DATA, streamId: id },
        sending.data.subarray(0, size),
      ));
      sending.data = sending.data.subarray(size);
    }
    if (sending.isEnd) {
      const flags = Flag.END_STREAM;
      this.#write(frame({ type: FrameType.DATA, flags, streamId: id }));
    }
    return true;
  }

  #endIfIdle(): void {
    if (!this.#goodbye || this.#destroyed) return;
    if (this.#streams.size + this.#waiting.size === 0) this.destroy();
  }

  #sayGoodbye(error: Error | undefined): void {
    const code = error instanceof Http2Error
      ? error.errorCode
      : ErrorCode.NO_ERROR;
    this.#write(frame({ type: FrameType.GOAWAY }, uint32(0, code)));
  }

  #writeWindow(streamId: number, bytes: number): void {
    this.#write(
      frame({ type: FrameType.WINDOW_UPDATE, streamId }, uint32(bytes)),
    );
  }

  /** What is written at one time goes out together. */
  #write(bytes: Uint8Array): void {
    this.#outgoing.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return;
    this.#outgoing = [];
    if (this.socket.writable) this.socket.write(Buffer.concat(outgoing));
  }
}

/** What begins with a colon comes first. */
function requestHeaders(headers: RequestHeaders): Header[] {
  const list: Header[] = [[":scheme", "https"]];
  const rest: Header[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      (name.startsWith(":") ? list : rest).push([name, String(one)]);
    }
  }
  return [...list, ...rest];
}

function violation(what: string): Http2Error {
  return new Http2Error(what, ErrorCode.PROTOCOL_ERROR);
}
