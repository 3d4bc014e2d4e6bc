/**
 * One request of a client over HTTP/2, and what answers it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { beyondWindow, ErrorCode, Http2Error } from "./errors.ts";
import { Flag } from "./frames.ts";
import type { Header } from "./hpack.ts";
import { Messages } from "./messages.ts";

/** Headers as `node:http2` has them: the status is a number. */
export type Headers = Record<string, string | number>;

/** What a stream does by its connection. */
export interface StreamConnection {
  /** Sends data as soon as the peer takes it, and calls back when it is on its way. */
  send(stream: ClientStream, data: Uint8Array, sent: () => void): void;
  /** Says that there is no more to send, behind what there is, and calls back. */
  sendEnd(stream: ClientStream, sent: () => void): void;
  /** Allows the peer to send so many bytes more. */
  allow(stream: ClientStream, bytes: number): void;
  /** The stream is over; `code` is what the peer is to be told, if it is to be told. */
  left(stream: ClientStream, code: number | undefined): void;
}

/** How much a stream may bring. */
export interface StreamOptions {
  /** What the peer may send before anything is read. */
  readonly windowBytes: number;
  /** As large, probably, is the first message; 0: that is not known. */
  readonly expectedBytes: number;
  /** Is told of a first message that comes in several parts, with its size. */
  readonly begun: (bytes: number) => void;
}

/** Bytes that are held before nobody asks for more. */
const HELD_BYTES = 16_384;
const STATUS = ":status";
const GRPC_STATUS = "grpc-status";
const GRPC_OK = "0";

/**
 * A stream with the part of `ClientHttp2Stream` of `node:http2` that grpc-js
 * uses: besides those of a `Duplex`, it emits `response` with headers and flags,
 * and `trailers` with headers. Each chunk of its data holds whole messages of gRPC,
 * in memory of its own.
 */
export class ClientStream extends Duplex {
  readonly #connection: StreamConnection;
  readonly #messages: Messages;
  readonly #windowBytes: number;
  /** What is to be allowed for a first message of which nothing has come yet. */
  #expectedBytes: number;
  /** What the peer may still send. */
  #window: number;
  #answered = false;
  #broughtData = false;
  #peerEnded = false;
  #peerReset = false;
  #id: number | undefined;
  /** Why the stream ended, of {@linkcode ErrorCode}. */
  rstCode: number = ErrorCode.NO_ERROR;

  constructor(
    connection: StreamConnection,
    { windowBytes, expectedBytes, begun }: StreamOptions,
  ) {
    super({ readableHighWaterMark: HELD_BYTES });
    this.#connection = connection;
    this.#messages = new Messages(begun);
    this.#windowBytes = windowBytes;
    this.#expectedBytes = expectedBytes;
    this.#window = windowBytes;
  }

  /** The number of the stream, once it is begun. */
  get id(): number | undefined {
    return this.#id;
  }

  /** Whether the peer wants to hear no more. */
  get isReset(): boolean {
    return this.#peerReset;
  }

  /** Its headers are on their way, by that number. */
  begin(id: number): void {
    this.#id = id;
    this.#allowMore();
  }

  /** Breaks the stream off. */
  close(code: number = ErrorCode.NO_ERROR): void {
    if (this.destroyed) return;
    this.rstCode = code;
    this.destroy();
  }

  /**
   * The peer sent headers.
   *
   * @throws {Http2Error} also from the others that take what the peer sent
   */
  takeHeaders(headers: readonly Header[], ended: boolean): void {
    this.#mustGoOn();
    const named = namedHeaders(headers);
    const status = named[STATUS];
    if (typeof status === "number" && status < 200 && !ended) return;
    if (!this.#answered) {
      this.#answered = true;
      this.emit("response", named, ended ? Flag.END_STREAM : 0);
    } else if (!ended) {
      throw outOfOrder("headers in the middle of an answer");
    } else if (named[GRPC_STATUS] !== GRPC_OK) {
      return this.#failWith(named);
    } else if (this.#messages.isPartial) {
      return this.#failWithin();
    } else {
      this.emit("trailers", named);
    }
    if (ended) this.takeEnd();
  }

  /**
   * The peer sent a part of its data.
   *
   * @param bytes What it takes of the window: more, where it was padded
   */
  takeData(part: Buffer, bytes = part.length): void {
    this.#mustGoOn();
    if (!this.#answered) throw outOfOrder("an answer without headers");
    this.#window -= bytes;
    if (this.#window < 0) throw beyondWindow();
    this.#messages.add(part, (whole) => this.#bring(whole));
    this.#expectedBytes = 0;
    this.#allowMore();
  }

  /** The peer has sent everything. */
  takeEnd(): void {
    this.#mustGoOn();
    this.#peerEnded = true;
    this.#end();
  }

  /** The peer broke the stream off. */
  takeReset(code: number): void {
    this.#peerReset = true;
    // All has been said: it only wants to hear no more.
    if (this.#peerEnded) return;
    this.#afterData(() => {
      this.rstCode = code;
      this.destroy(
        code === ErrorCode.NO_ERROR || code === ErrorCode.CANCEL
          ? undefined
          : streamError(code),
      );
    });
  }

  /** The peer does not keep to the protocol: there is no more to come. */
  takeViolation(error: Http2Error): void {
    this.#peerReset = true;
    this.rstCode = ErrorCode.INTERNAL_ERROR;
    this.destroy(error);
  }

  override _read(): void {}

  /** What is taken no longer counts as held, which `_read` is too early to know. */
  override read(size?: number): Buffer | null {
    const taken = super.read(size);
    this.#allowMore();
    return taken;
  }

  override _write(
    data: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    if (this.#peerReset) done();
    else this.#connection.send(this, data, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#peerReset) done();
    else this.#connection.sendEnd(this, done);
  }

  override _destroy(
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void {
    const isOver = this.#peerEnded && this.writableFinished;
    if (!isOver && !this.#peerReset) this.rstCode ||= ErrorCode.CANCEL;
    this.#connection.left(
      this,
      isOver || this.#peerReset ? undefined : this.rstCode,
    );
    done(error);
  }

  #bring(messages: Buffer): void {
    this.#broughtData = true;
    this.push(messages);
  }

  #failWith(trailers: Headers): void {
    this.#peerEnded = true;
    this.#afterData(() => {
      this.emit("trailers", trailers);
      this.#end();
    });
  }

  /** Whatever the trailers say, something is missing. */
  #failWithin(): void {
    this.#peerEnded = true;
    this.#afterData(() => {
      this.rstCode = ErrorCode.INTERNAL_ERROR;
      this.destroy(new Error("the answer ends within a message"));
    });
  }

  /** grpc-js drops what it has not handed on yet when it hears of a failure. */
  #afterData(act: () => void): void {
    if (!this.#broughtData) return act();
    setImmediate(() => {
      if (!this.destroyed) act();
    });
  }

  #end(): void {
    this.push(null);
    // Who has paused and read everything is told as well, as by node:http2.
    this.read(0);
  }

  #mustGoOn(): void {
    if (!this.#peerEnded) return;
    throw new Http2Error(
      "a stream goes on behind its end",
      ErrorCode.STREAM_CLOSED,
    );
  }

  /**
   * A window for what is to come, beside what nobody has read yet; all of a message
   * that has begun, or is about to, which is held anyway.
   */
  #allowMore(): void {
    // Before it has a number, the peer cannot be told.
    if (this.#id === undefined || this.#peerEnded || this.destroyed) return;
    const most = Math.max(
      this.#windowBytes - this.readableLength,
      this.#messages.missing,
      this.#expectedBytes,
    );
    const more = most - this.#window;
    if (more < this.#windowBytes / 2) return;
    this.#window += more;
    this.#connection.allow(this, more);
  }
}

function namedHeaders(headers: readonly Header[]): Headers {
  const named: Headers = Object.create(null);
  for (const [name, value] of headers) {
    const before = named[name];
    if (name === STATUS) named[name] = Number(value);
    else named[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return named;
}

function outOfOrder(what: string): Http2Error {
  return new Http2Error(what, ErrorCode.PROTOCOL_ERROR);
}

/** As `node:http2` calls it. */
function streamError(code: number): Error {
  return Object.assign(new Error(`Stream closed with error code ${code}`), {
    code: "ERR_HTTP2_STREAM_ERROR",
  });
}
