/**
 * Has grpc-js speak HTTP/2 by `lib/http2/`.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import http2, { type ClientHttp2Session } from "node:http2";
import { TLSSocket } from "node:tls";
import { StreamDecoder } from "@grpc/grpc-js/build/src/stream-decoder.js";
import { ClientSession } from "../http2/client_session.ts";
import { DEFAULT_WINDOW_BYTES } from "../http2/frames.ts";

const { connect } = http2;
const { write } = StreamDecoder.prototype;
let replaced = false;

/**
 * Replaces `connect` of `node:http2`, for everybody in the process who connects
 * over a TLS connection of his own, as grpc-js does. More calls change nothing.
 *
 * Deno's own, up to at least 2.9.6, takes up to twice the CPU time for a page, keeps each
 * closed stream with all that it brought until a full collection, and ends the
 * process where a server that shuts down says GOAWAY
 * (https://github.com/denoland/deno/issues/36788).
 */
export function useOwnHttp2(): void {
  if (replaced) return;
  replaced = true;
  // Everybody who required or imported the module finds it there.
  Object.defineProperty(http2, "connect", {
    configurable: true,
    value: connectOwn,
  });
  Object.defineProperty(StreamDecoder.prototype, "write", {
    configurable: true,
    value: decodeWhole,
  });
}

function connectOwn(
  ...[authority, options, listener]: Parameters<typeof connect>
): ClientHttp2Session {
  const given = typeof options === "object" ? options : {};
  const socket = given.createConnection?.(new URL(authority), given);
  if (!(socket instanceof TLSSocket)) {
    return connect(authority, given, listener);
  }
  const session = new ClientSession({
    socket,
    windowBytes: given.settings?.initialWindowSize ?? DEFAULT_WINDOW_BYTES,
  });
  // It has what grpc-js uses of one.
  return session as unknown as ClientHttp2Session;
}

/** What grpc-js keeps of messages that come in parts. */
interface Decoder extends Pick<StreamDecoder, "write"> {
  /** 0: a message is to begin. */
  readonly readState: number;
  /** Bytes, or -1: as many as there are. */
  readonly maxReadMessageLength: number;
}

/** Whether a message is compressed, and its length. */
const HEADER_BYTES = 5;

/** Takes whole messages as they are, where grpc-js copies each of them. */
function decodeWhole(this: Decoder, data: Buffer): Buffer[] {
  if (this.readState !== 0) return write.call(this, data);
  const messages: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    if (data.length - at < HEADER_BYTES) return write.call(this, data);
    const length = data.readUInt32BE(at + 1);
    const end = at + HEADER_BYTES + length;
    const isTooLarge = this.maxReadMessageLength >= 0 &&
      length > this.maxReadMessageLength;
    if (isTooLarge || end > data.length) return write.call(this, data);
    messages.push(data.subarray(at, end));
    at = end;
  }
  return messages;
}
