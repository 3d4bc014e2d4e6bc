/**
 * The other end of an HTTP/2 connection: one that keeps to the protocol, and one
 * that does as it is told.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import http2, { type Http2SecureServer, type Settings } from "node:http2";
import {
  connect,
  createServer,
  type Server,
  type TlsOptions,
  type TLSSocket,
} from "node:tls";
import { ClientSession } from "../../lib/http2/client_session.ts";
import {
  type FrameHeader,
  FrameReader,
  headersFrames,
  PREFACE,
  settingsFrame,
} from "../../lib/http2/frames.ts";
import { encodeHeaders } from "../../lib/http2/hpack.ts";
import { guardHttp2Servers } from "../fakes/http2_guard.ts";
import { listening } from "../fakes/listening.ts";
import { teleportPki } from "../fakes/pki.ts";
import { waitUntil } from "../fakes/wait_until.ts";

/** Of each stream of the client. */
export const WINDOW_BYTES = 256 * 1024;
/** A request for nothing in particular. */
export const HEADERS = {
  ":authority": "teleport.cluster.local",
  ":method": "POST",
  ":path": "/service/Method",
};
/** The headers that begin an answer, and the frame that brings them on stream 1. */
export const ANSWER = encodeHeaders([[":status", "200"]]);
export const [ANSWER_FRAME = Buffer.alloc(0)] = headersFrames(1, ANSWER);

/** A client's session, and what is left to be done when a test is over. */
export interface Connected<Peer> extends AsyncDisposable {
  readonly session: ClientSession;
  readonly peer: Peer;
}

/** Connects to HTTP/2 as Deno speaks it, by nghttp2. */
export async function connectToServer(
  settings: Settings = {},
): Promise<Connected<Http2SecureServer>> {
  guardHttp2Servers();
  const server = http2.createSecureServer({ ...await serverTls(), settings });
  return await connected(server, server);
}

/** A frame as it was received. */
export interface ReceivedFrame extends FrameHeader {
  readonly payload: Buffer;
}

/** Says whatever it is told to, and keeps what it hears. */
export class ScriptedPeer {
  readonly frames: ReceivedFrame[] = [];
  readonly #socket: TLSSocket;
  #preface = PREFACE.length;
  #data: Buffer[] = [];

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    const reader = new FrameReader({
      data: (_, part) => this.#data.push(Buffer.from(part)),
      frame: (header, payload) => {
        this.frames.push({
          ...header,
          payload: Buffer.concat([...this.#data, payload]),
        });
        this.#data = [];
      },
    });
    socket.on("data", (chunk: Buffer) => {
      const skipped = Math.min(this.#preface, chunk.length);
      this.#preface -= skipped;
      reader.read(chunk.subarray(skipped));
    });
    socket.on("error", () => {});
  }

  send(...frames: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  /** Resolves with the first frame of that type, once there is one. */
  async received(
    type: number,
    isMeant: (frame: ReceivedFrame) => boolean = () => true,
  ): Promise<ReceivedFrame> {
    const find = () =>
      this.frames.find((frame) => frame.type === type && isMeant(frame));
    await waitUntil(`a frame of type ${type}`, () => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error("it was there");
    return found;
  }

  /** As if the network were gone. */
  cut(): void {
    this.#socket.destroy();
  }
}

/**
 * Connects to one that is to be told what to say; by then it has said `greeting`.
 */
export async function connectToScript(
  greeting: Uint8Array = settingsFrame(new Map()),
): Promise<Connected<ScriptedPeer>> {
  const server = createServer({
    ...await serverTls(),
    ALPNProtocols: ["h2"],
  });
  const meeting = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const { session, ...rest } = await connected(server, undefined);
  const [socket] = await meeting;
  const peer = new ScriptedPeer(socket);
  peer.send(greeting);
  return {
    session,
    peer,
    [Symbol.asyncDispose]: async () => {
      peer.cut();
      await rest[Symbol.asyncDispose]();
    },
  };
}

async function connected<Peer>(
  server: Server | Http2SecureServer,
  peer: Peer,
): Promise<Connected<Peer>> {
  const { host, port } = await listening(server);
  const { authority, client } = await teleportPki();
  const socket = connect({
    host,
    port,
    servername: "teleport.cluster.local",
    ca: authority.certificatePem,
    cert: client.certificatePem,
    key: client.privateKeyPem,
    ALPNProtocols: ["h2"],
  });
  await once(socket, "secureConnect");
  const session = new ClientSession({ socket, windowBytes: WINDOW_BYTES });
  return {
    session,
    peer,
    [Symbol.asyncDispose]: async () => {
      session.destroy();
      await waitUntil("the connection to end", () => socket.closed);
      server.close();
      await once(server, "close");
    },
  };
}

async function serverTls(): Promise<TlsOptions> {
  const { authority, server } = await teleportPki();
  return {
    ca: authority.certificatePem,
    cert: server.certificatePem,
    key: server.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: true,
  };
}
