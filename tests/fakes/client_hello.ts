/**
 * The beginning of a TLS connection, as one sees it who passes it on.
 *
 * @module
 */

import type { Buffer } from "node:buffer";

/** What a client wants. */
export interface ClientHello {
  /** The server's name (SNI). */
  readonly serverName: string | undefined;
  /** The application protocols (ALPN), most wanted first. */
  readonly protocols: readonly string[];
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const PROTOCOLS = 16;

/** Reads a ClientHello of one record; undefined while it is not all there. */
export function readClientHello(
  bytes: Buffer,
): ClientHello | undefined | "no TLS" {
  if (bytes.length < 6) return undefined;
  if (bytes[0] !== HANDSHAKE || bytes[5] !== CLIENT_HELLO) return "no TLS";
  if (bytes.length < 5 + bytes.readUInt16BE(3)) return undefined;
  // Record, handshake header, version and random; then session, ciphers, compression.
  let at = 5 + 4 + 2 + 32;
  at += 1 + bytes.readUInt8(at);
  at += 2 + bytes.readUInt16BE(at);
  at += 1 + bytes.readUInt8(at);
  const end = at + 2 + bytes.readUInt16BE(at);
  let serverName: string | undefined;
  let protocols: string[] = [];
  for (at += 2; at < end;) {
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    const extension = bytes.subarray(at + 4, at + 4 + length);
    if (type === SERVER_NAME) serverName = extension.subarray(5).toString();
    if (type === PROTOCOLS) protocols = readProtocols(extension.subarray(2));
    at += 4 + length;
  }
  return { serverName, protocols };
}

function readProtocols(list: Buffer): string[] {
  const protocols: string[] = [];
  for (let at = 0; at < list.length;) {
    const length = list.readUInt8(at);
    protocols.push(list.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
  return protocols;
}
