/**
 * Fluentd as a benchmark needs it: TLS that demands a client certificate, and as
 * much of HTTP/1.1 as counting bytes and requests takes. One JSON argument,
 * {@linkcode ReceiverOptions}; see `json_lines_process.ts` for the rest.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer, type TLSSocket } from "node:tls";
import { gunzipSync } from "node:zlib";
import { freeIfAlone } from "../../lib/own_memory.ts";
import { obeyJsonLines } from "../../tests/fakes/json_lines_process.ts";
import { listening } from "../../tests/fakes/listening.ts";

/** Paths of what to serve with. */
export interface ReceiverOptions {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The first line on standard output. */
export interface ReceiverReady {
  readonly url: string;
}

/** What a line on standard input may say: what arrived since the last time? */
export interface ReceiverCommand {
  readonly command: "report";
}

/** The answer. */
export interface ReceiverReport {
  readonly requests: number;
  /** Of the bodies, once they are decompressed. */
  readonly bytes: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const OK = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n",
);

let requests = 0;
let bytes = 0;

/** Reads requests off one connection, and answers each with 200. */
function serve(socket: TLSSocket): void {
  let head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come. */
  let missing = 0;
  let compressed: Buffer[] | undefined;
  const end = () => {
    if (compressed !== undefined) {
      bytes += gunzipSync(Buffer.concat(compressed)).length;
    }
    requests++;
    socket.write(OK);
  };
  const readHead = (chunk: Buffer): Buffer => {
    head = Buffer.concat([head, chunk]);
    const at = head.indexOf(HEAD_END);
    if (at === -1) return Buffer.alloc(0);
    const text = head.toString("latin1", 0, at);
    missing = Number(/^content-length: *(\d+)/im.exec(text)?.[1]);
    if (Number.isNaN(missing)) throw new Error(`No content-length in ${text}`);
    compressed = /^content-encoding: *gzip/im.test(text) ? [] : undefined;
    const rest = head.subarray(at + HEAD_END.length);
    head = Buffer.alloc(0);
    return rest;
  };
  socket.on("data", (chunk: Buffer) => {
    while (chunk.length > 0) {
      if (missing === 0) chunk = readHead(chunk);
      const part = chunk.subarray(0, missing);
      if (part.length === 0) continue;
      if (compressed === undefined) bytes += part.length;
      else compressed.push(Buffer.from(part));
      missing -= part.length;
      if (missing === 0) end();
      chunk = chunk.subarray(part.length);
    }
  });
  socket.on("data", freeIfAlone);
  socket.on("error", () => socket.destroy());
}

if (import.meta.main) {
  const { ca, cert, key }: ReceiverOptions = JSON.parse(Deno.args[0] ?? "{}");
  const server = createServer({
    ca: Deno.readTextFileSync(ca),
    cert: Deno.readTextFileSync(cert),
    key: Deno.readTextFileSync(key),
    requestCert: true,
    rejectUnauthorized: true,
    maxVersion: "TLSv1.2",
  }, serve);
  const { port } = await listening(server);
  await obeyJsonLines<ReceiverCommand>(
    { url: `https://localhost:${port}` } satisfies ReceiverReady,
    () => {
      const report: ReceiverReport = { requests, bytes };
      requests = 0;
      bytes = 0;
      return report;
    },
  );
  Deno.exit();
}
