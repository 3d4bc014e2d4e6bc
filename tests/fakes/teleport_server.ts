/**
 * A gRPC server that demands a client certificate: what the Teleport stand-in is
 * built on.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import { guardHttp2Servers } from "./http2_guard.ts";
import { listenOn } from "./listening.ts";
import type { Pki } from "./pki.ts";
import type { Code } from "./teleport_faults.ts";

guardHttp2Servers();

/** What the server shows, and which clients it trusts; PEM texts. */
export interface TeleportTls {
  readonly cert: string;
  readonly key: string;
  /** Client certificates have to be signed by this. */
  readonly ca: string;
}

/** A call that ends with a gRPC status. */
export class CallError extends Error {
  override readonly name = "CallError";
  /** The number that gRPC sends. */
  readonly code: number;
  /** The text that gRPC sends. */
  readonly details: string;

  constructor(code: Code, details: string) {
    super(details);
    this.code = status[code];
    this.details = details;
  }
}

/** Answers one request. `signal` aborts when the caller hangs up, or the server stops. */
export type UnaryHandler = (
  request: Uint8Array,
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** Answers one request with a stream. */
export type StreamHandler = (
  request: Uint8Array,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/** The server's end of the tests' certificates. */
export function teleportTls({ authority, server }: Pki): TeleportTls {
  return {
    cert: server.certificatePem,
    key: server.privateKeyPem,
    ca: authority.certificatePem,
  };
}

/** How a server stops. */
export interface StopOptions {
  /** Says GOAWAY first, as a server in good order does, and not as a crash does. */
  readonly goodbye?: boolean;
}

/** How long clients have to close their connections by themselves. */
const GOODBYE_MS = 200;

type ConnectionInjector = ReturnType<Server["createConnectionInjector"]>;

/**
 * Told of each call: the serial number of the certificate that the caller showed,
 * and how long the caller waits for the answer.
 */
export type CallListener = (serialNumber: string, waitMs: number) => void;

/** A server for one span of time: it is not started again after it stopped. */
export class TeleportServer {
  readonly #onCall: CallListener;
  readonly #server = new Server();
  // Of our own, so that connections can be dropped whatever state they are in.
  readonly #listener = createServer();
  readonly #sockets = new Set<Socket>();
  readonly #stopping = new AbortController();
  #injector: ConnectionInjector | undefined;

  constructor(onCall: CallListener = () => {}) {
    this.#onCall = onCall;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Answers `path`, e.g. `/proto.AuthService/Ping`, with one message. */
  unary(path: string, handle: UnaryHandler): void {
    type Call = ServerUnaryCall<Uint8Array, Uint8Array>;
    this.#server.register<Uint8Array, Uint8Array>(
      path,
      async (
        call: Call,
        reply: (error: CallError | null, answer?: Uint8Array) => void,
      ) => {
        this.#listen(call);
        try {
          reply(null, await handle(call.request, this.#signalOf(call)));
        } catch (error) {
          reply(toCallError(error));
        }
      },
      toBuffer,
      (bytes) => bytes,
      "unary",
    );
  }

  /** Answers `path` with a stream of messages. */
  stream(path: string, handle: StreamHandler): void {
    this.#server.register<Uint8Array, Uint8Array>(
      path,
      async (call: ServerWritableStream<Uint8Array, Uint8Array>) => {
        this.#listen(call);
        const signal = this.#signalOf(call);
        try {
          for await (const message of handle(call.request, signal)) {
            if (!call.write(message)) await once(call, "drain", { signal });
          }
          call.end();
        } catch (error) {
          // Nobody is left to be told about it otherwise.
          if (!signal.aborted) call.emit("error", toCallError(error));
        }
      },
      toBuffer,
      (bytes) => bytes,
      "serverStream",
    );
  }

  /** Listens on a port of the loopback interface. */
  async listen(port: number, { ca, cert, key }: TeleportTls): Promise<void> {
    const credentials = ServerCredentials.createSsl(
      Buffer.from(ca),
      [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
      true,
    );
    const injector = this.#server.createConnectionInjector(credentials);
    this.#injector = injector;
    this.#listener.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
    await listenOn(port, this.#listener);
  }

  /** Ends all connections; resolves when the port is free. */
  async stop({ goodbye = false }: StopOptions = {}): Promise<void> {
    this.#stopping.abort(new CallError("UNAVAILABLE", "the server stops"));
    const closed = once(this.#listener, "close");
    this.#listener.close();
    if (goodbye) this.#injector?.destroy();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, goodbye ? GOODBYE_MS : 0);
    await closed;
    clearTimeout(timer);
    this.#server.forceShutdown();
  }

  #listen(
    call: Pick<
      ServerUnaryCall<unknown, unknown>,
      "getAuthContext" | "getDeadline"
    >,
  ): void {
    let serialNumber = "";
    try {
      const { sslPeerCertificate } = call.getAuthContext();
      serialNumber = sslPeerCertificate?.serialNumber ?? "";
    } catch {
      // Whoever called is gone, over which grpc-js trips.
    }
    this.#onCall(serialNumber, Number(call.getDeadline()) - Date.now());
  }

  #signalOf(
    call: Pick<ServerUnaryCall<unknown, unknown>, "on">,
  ): AbortSignal {
    const cancelled = new AbortController();
    call.on("cancelled", () => {
      cancelled.abort(new CallError("CANCELLED", "the caller hung up"));
    });
    return AbortSignal.any([cancelled.signal, this.#stopping.signal]);
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toCallError(error: unknown): CallError {
  return error instanceof CallError
    ? error
    : new CallError("INTERNAL", String(error));
}
