/**
 * Frames of HTTP/2, RFC 9113, sections 4 and 6.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { ErrorCode, Http2Error } from "./errors.ts";

/** Types of frames. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags; which ones a frame may have depends on its type. */
export const Flag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Settings, by number. */
export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
} as const;

/** What a client says first. */
export const PREFACE: Uint8Array = Buffer.from(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);
/** The largest payload where nobody has said otherwise; we never do. */
export const MAX_FRAME_BYTES = 16_384;
/** A stream's window, and the connection's, where nobody has said otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** The largest window. */
export const MAX_WINDOW_BYTES = 2 ** 31 - 1;

const HEADER_BYTES = 9;

/** What a frame says of itself. */
export interface FrameHeader {
  /** One of {@linkcode FrameType}, or one that is not known. */
  readonly type: number;
  readonly flags: number;
  /** 0: the connection. */
  readonly streamId: number;
  /** Bytes of payload. */
  readonly length: number;
}

/** Encodes what a frame says of itself, which its payload follows. */
export function frameHeader(
  { type, length, flags = 0, streamId = 0 }:
    & Pick<FrameHeader, "type" | "length">
    & Partial<FrameHeader>,
): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUIntBE(length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(streamId, 5);
  return bytes;
}

/** Encodes a frame. */
export function frame(
  header: Pick<FrameHeader, "type"> & Partial<FrameHeader>,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const { length } = payload;
  return Buffer.concat([frameHeader({ ...header, length }), payload]);
}

/** Encodes numbers of 32 bits. */
export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

/** Encodes a frame of settings. */
export function settingsFrame(settings: ReadonlyMap<number, number>): Buffer {
  const payload = Buffer.alloc(6 * settings.size);
  let at = 0;
  for (const [id, value] of settings) {
    at = payload.writeUInt16BE(id, at);
    at = payload.writeUInt32BE(value, at);
  }
  return frame({ type: FrameType.SETTINGS }, payload);
}

/** Decodes settings. */
export function settingsIn(payload: Buffer): Map<number, number> {
  if (payload.length % 6 !== 0) throw wrongSize("settings");
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) {
    settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }
  return settings;
}

/** Decodes a number of 32 bits. */
export function uint32In(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw wrongSize("a frame");
  return payload.readUInt32BE(at);
}

/** The same without the highest bit. */
export function uint31In(payload: Buffer, at: number): number {
  return uint32In(payload, at) & 0x7fff_ffff;
}

/** Encodes headers: one frame, and more where they do not fit it. */
export function headersFrames(streamId: number, block: Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  let from = 0;
  do {
    const to = Math.min(block.length, from + MAX_FRAME_BYTES);
    frames.push(frame({
      type: from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION,
      flags: to === block.length ? Flag.END_HEADERS : 0,
      streamId,
    }, block.subarray(from, to)));
    from = to;
  } while (from < block.length);
  return frames;
}

/** The payload without what it is filled up with. */
export function withoutPadding(
  { flags }: FrameHeader,
  payload: Buffer,
): Buffer {
  let from = 0;
  let to = payload.length;
  if (flags & Flag.PADDED) {
    from = 1;
    to -= payload[0] ?? 0;
  }
  return withinPayload(payload, from, to);
}

/** The block of headers of a frame of headers, without the priority before it. */
export function headersIn(header: FrameHeader, payload: Buffer): Buffer {
  const block = withoutPadding(header, payload);
  return header.flags & Flag.PRIORITY
    ? withinPayload(block, 5, block.length)
    : block;
}

function withinPayload(payload: Buffer, from: number, to: number): Buffer {
  if (from > to) {
    throw new Http2Error(
      "a frame is filled up beyond its end",
      ErrorCode.PROTOCOL_ERROR,
    );
  }
  return payload.subarray(from, to);
}

/** Who is told what frames bring. */
export interface FrameListener {
  /** A part of a data frame that is not padded; the memory is not kept for anybody. */
  data(header: FrameHeader, part: Buffer): void;
  /** A frame is complete; its payload may be kept. */
  frame(header: FrameHeader, payload: Buffer): void;
}

/** Takes frames from what a connection brings, however that is cut. */
export class FrameReader {
  readonly #listener: FrameListener;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #frame: FrameHeader | undefined;
  /** Of the frame's payload, bytes that came. */
  #read = 0;
  /** What came of a payload that is wanted whole. */
  #parts: Buffer[] = [];
  #stopped = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Nothing more is read, also of the chunk that is being read. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads the next bytes of a connection.
   *
   * @throws {Http2Error} also from the listener
   */
  read(chunk: Buffer): void {
    let at = 0;
    while (!this.#stopped && at < chunk.length) {
      if (this.#frame === undefined) {
        at = this.#readHeader(chunk, at);
      } else {
        at = this.#readPayload(chunk, at, this.#frame);
      }
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    const taken = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + taken);
    this.#headerBytes += taken;
    if (this.#headerBytes === HEADER_BYTES) {
      this.#headerBytes = 0;
      this.#begin({
        type: this.#header.readUInt8(3),
        flags: this.#header.readUInt8(4),
        streamId: uint31In(this.#header, 5),
        length: this.#header.readUIntBE(0, 3),
      });
    }
    return at + taken;
  }

  #begin(header: FrameHeader): void {
    if (header.length > MAX_FRAME_BYTES) throw wrongSize("a frame");
    this.#frame = header;
    if (header.length === 0) this.#end(header);
  }

  #readPayload(chunk: Buffer, at: number, header: FrameHeader): number {
    const to = Math.min(chunk.length, at + header.length - this.#read);
    const part = chunk.subarray(at, to);
    this.#read += part.length;
    if (isPlainData(header)) this.#listener.data(header, part);
    // The memory of the chunk may be freed.
    else this.#parts.push(Buffer.from(part));
    if (this.#read === header.length) this.#end(header);
    return to;
  }

  #end(header: FrameHeader): void {
    const payload = Buffer.concat(this.#parts);
    this.#frame = undefined;
    this.#read = 0;
    this.#parts = [];
    if (!this.#stopped) this.#listener.frame(header, payload);
  }
}

/** Whether the data of a frame can be told part by part. */
export function isPlainData({ type, flags }: FrameHeader): boolean {
  return type === FrameType.DATA && !(flags & Flag.PADDED);
}

function wrongSize(what: string): Http2Error {
  return new Http2Error(
    `${what} of a size that is not allowed`,
    ErrorCode.FRAME_SIZE_ERROR,
  );
}
