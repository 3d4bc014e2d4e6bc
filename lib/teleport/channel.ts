/**
 * A gRPC channel over a route to the auth service. The only file that makes
 * channels of grpc-js.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { setDefaultHighWaterMark } from "node:stream";
import { setImmediate } from "node:timers";
import { connect, type ConnectionOptions } from "node:tls";
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  CallCredentials,
  ChannelCredentials,
  Client,
  type ClientReadableStream,
  connectivityState,
  logVerbosity,
  type ServiceError,
  setLogVerbosity,
  status as grpcStatus,
} from "@grpc/grpc-js";
import { useOwnHttp2 } from "../vendor/grpc_http2.ts";
import { freeReads } from "../vendor/tls_reads.ts";
import { formatAddress } from "../address.ts";
import { explainFailure, type StatusName, TeleportError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import type { Route } from "./route.ts";
import type { Collector } from "./event_batches.ts";
import { batchesOf } from "./stream_batches.ts";
import { passThrough } from "./tcp.ts";
import { through } from "../http_proxy.ts";
import { AUTH_SERVER_NAME, tlsOptions } from "./tls.ts";

/** gRPC's default of 4 MiB is what servers send by default; events may exceed it. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/**
 * What a stream may bring before anybody reads it, of which there are several; the
 * whole of a message that has begun may come beside, so that pages do not wait.
 * More is no faster nearby: 512 KiB take 10 MiB of memory in a bulk export.
 */
const FLOW_CONTROL_WINDOW_BYTES = 128 * 1024;
/** Retries are ours to time: the channel only has to be ready for them. */
const RECONNECT_MS = 500;
/** How long an HTTP proxy and a TLS handshake may take together. */
const CONNECT_MS = 10_000;
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

const CALL_TIMEOUT_MS = 60_000;
/** A stream that says nothing for so long, while we wait for it, is dead. */
const STREAM_STALL_MS = 60_000;
const STALL_CHECK_MS = 5_000;
/** What of a stream is held until it is asked for, so that memory stays flat. */
const MAX_STREAM_ITEMS = 500;
const MAX_STREAM_BYTES = 1024 * 1024;

/** Where gRPC is told by these to write lines of its own, it does. */
const VERBOSITY_NAMES = ["GRPC_VERBOSITY", "GRPC_NODE_VERBOSITY"];

// Calls fail with what it has to say, and its lines are none of the log's: what a
// server says would go to the terminal as it is.
if (!VERBOSITY_NAMES.some((name) => Deno.env.get(name))) {
  setLogVerbosity(logVerbosity.NONE);
}

// grpc-js holds so many messages of a stream that nobody reads, however large they
// are, and by default 16.
setDefaultHighWaterMark(true, 1);

/** What is called, and with what. */
export interface StreamCall<Request extends DescMessage> {
  /** E.g. `/proto.AuthService/Ping`. */
  readonly path: string;
  readonly requestSchema: Request;
  readonly request: MessageInitShape<Request>;
}

/** The same, with what becomes of the one answer. */
export interface Call<Request extends DescMessage, Answer>
  extends StreamCall<Request> {
  /** Throws where the bytes are no such answer. */
  readonly decode: (bytes: Buffer) => Answer;
}

/** How long a call may take. */
export interface UnaryOptions {
  readonly signal: AbortSignal;
  /** One minute where it is left out. */
  readonly timeoutMs?: number;
}

/** How a stream is read. */
export interface StreamOptions<Batch> {
  /** Begins a batch of what comes. */
  readonly begin: () => Collector<Batch>;
  /** How long the first message may take; a minute, as any other, where it is left out. */
  readonly firstMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** A channel, which connects on first use. */
export class Channel {
  readonly #client: Client;
  #calls = 0;
  #closing = false;
  readonly route: Route;
  readonly identity: Identity;

  constructor(route: Route, identity: Identity) {
    useOwnHttp2();
    this.route = route;
    this.identity = identity;
    const { address, httpProxy, protocols } = route;
    this.#client = new Client(
      formatAddress(httpProxy?.address ?? address),
      new TlsCredentials(route, tlsOptions(identity, protocols)),
      {
        // Which one to use is decided already, in the same way for all connections.
        "grpc.enable_http_proxy": 0,
        "grpc.default_authority": AUTH_SERVER_NAME,
        "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
        "grpc.initial_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.max_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.keepalive_time_ms": KEEPALIVE_MS,
        "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
        "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW_BYTES,
        // Nobody is shown what it would keep of each call.
        "grpc.enable_channelz": 0,
        "grpc.enable_retries": 0,
        "grpc.service_config_disable_resolution": 1,
      },
    );
  }

  /** Whether there is a connection, so that it is not to blame for a failed call. */
  get connected(): boolean {
    const state = this.#client.getChannel().getConnectivityState(false);
    return state === connectivityState.READY;
  }

  /** To be given to nobody any more; closes the connection when all calls are over. */
  close(): void {
    this.#closing = true;
    // Its own close() would break off what a stream has not brought yet, and refuse
    // the calls of those who were given the channel just now.
    this.#calls++;
    setImmediate(() => this.#ended());
  }

  /**
   * Makes a call that has one answer.
   *
   * @throws {TeleportError}
   * @throws `signal.reason`
   */
  unary<Request extends DescMessage, Answer>(
    { path, requestSchema, request, decode }: Call<Request, Answer>,
    { signal, timeoutMs = CALL_TIMEOUT_MS }: UnaryOptions,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        serialize(requestSchema),
        decode,
        create(requestSchema, request),
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          this.#ended();
          signal.removeEventListener("abort", abort);
          if (answer !== undefined) resolve(answer);
          else if (signal.aborted) reject(signal.reason);
          else reject(this.#explain(path, error));
        },
      );
      this.#calls++;
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * Makes a call that is answered with a stream; yields what has arrived.
   *
   * @throws {TeleportError} from the iteration
   * @throws `signal.reason`
   */
  async *stream<Request extends DescMessage, Batch>(
    { path, requestSchema, request }: StreamCall<Request>,
    { begin, firstMs = STREAM_STALL_MS, signal }: StreamOptions<Batch>,
  ): AsyncGenerator<Batch> {
    signal.throwIfAborted();
    const call: ClientReadableStream<Buffer> = this.#client
      .makeServerStreamRequest(
        path,
        serialize(requestSchema),
        (message: Buffer) => message,
        create(requestSchema, request),
      );
    this.#calls++;
    const abort = () => call.cancel();
    signal.addEventListener("abort", abort, { once: true });
    // Not reading is our own back-pressure; only waiting can be a stall.
    let waitingSinceMs = performance.now();
    let patienceMs = firstMs;
    let stalled = false;
    const stallTimer = setInterval(() => {
      stalled = performance.now() - waitingSinceMs > patienceMs;
      if (stalled) call.cancel();
    }, STALL_CHECK_MS);
    try {
      const batches = batchesOf(call, {
        maxItems: MAX_STREAM_ITEMS,
        maxBytes: MAX_STREAM_BYTES,
        begin,
      });
      for await (const batch of batches) {
        signal.throwIfAborted();
        waitingSinceMs = Infinity;
        patienceMs = STREAM_STALL_MS;
        yield batch;
        waitingSinceMs = performance.now();
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (stalled) {
        throw new TeleportError(
          `Teleport at ${formatAddress(this.route.address)}: ${
            methodOf(path)
          }: the stream said nothing for ${patienceMs / 1000} s`,
          "DEADLINE_EXCEEDED",
        );
      }
      throw this.#explain(path, error);
    } finally {
      clearInterval(stallTimer);
      signal.removeEventListener("abort", abort);
      call.cancel();
      this.#ended();
    }
  }

  #ended(): void {
    this.#calls--;
    if (this.#closing && this.#calls === 0) this.#client.close();
  }

  #explain(path: string, error: unknown): Error {
    if (!isServiceError(error)) {
      return new TeleportError(
        `Teleport at ${formatAddress(this.route.address)}: ${
          methodOf(path)
        }: ${error}`,
        "UNKNOWN",
        { cause: error },
      );
    }
    const { address, httpProxy } = this.route;
    const status = statusName(error.code);
    // With one in between, it is the only one that we connect to.
    const isProxys = httpProxy !== undefined &&
      /\bconnect E[A-Z]+/.test(error.details);
    return explainFailure(
      {
        method: methodOf(path),
        address: formatAddress(address),
        status,
        unreachable: status === "UNAVAILABLE" && !this.connected,
        details: isProxys
          ? `the HTTP proxy ${
            formatAddress(httpProxy.address)
          }: ${error.details}`
          : error.details,
      },
      this.identity.certificate,
      Date.now(),
    );
  }
}

function serialize<Schema extends DescMessage>(
  schema: Schema,
): (message: MessageShape<Schema>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function methodOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error &&
    typeof error.code === "number" && typeof error.details === "string";
}

function statusName(code: number): StatusName {
  return (grpcStatus[code] ?? "UNKNOWN") as StatusName;
}

/** TLS as the route wants it: grpc-js itself offers no protocol but `h2`. */
class TlsCredentials extends ChannelCredentials {
  readonly #route: Route;
  readonly #options: ConnectionOptions;

  constructor(route: Route, options: ConnectionOptions) {
    super();
    this.#route = route;
    this.#options = options;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[, , callCredentials]: Parameters<
      ChannelCredentials["_createSecureConnector"]
    >
  ): ReturnType<ChannelCredentials["_createSecureConnector"]> {
    let closed = false;
    return {
      connect: (socket) => secure(socket, this.#route, this.#options),
      // Where a connection failed just before the channel was closed, gRPC tries once
      // more, and leaves open what it gets.
      waitForReady: () =>
        closed
          ? Promise.reject(new Error("the channel is closed"))
          : Promise.resolve(),
      getCallCredentials: () =>
        callCredentials ?? CallCredentials.createEmpty(),
      destroy() {
        closed = true;
      },
    };
  }
}

/**
 * Through the HTTP proxy, where there is one: that is what is connected so far. gRPC
 * waits for it without end, also when nobody needs the connection any more.
 */
async function secure(
  socket: Socket,
  { address, httpProxy }: Route,
  options: ConnectionOptions,
): Promise<{ socket: Socket; secure: boolean }> {
  const late = new AbortController();
  const { signal } = late;
  const timer = setTimeout(
    () =>
      late.abort(
        new Error(
          `no answer${through(httpProxy)} within ${CONNECT_MS / 1000} s`,
        ),
      ),
    CONNECT_MS,
  );
  try {
    if (httpProxy !== undefined) {
      await passThrough(address, socket, { httpProxy, signal });
    }
    return { socket: await openTls(socket, options, signal), secure: true };
  } finally {
    clearTimeout(timer);
  }
}

/** Unlike `shakeHands` in tls.ts, it verifies, and the connection stays. */
function openTls(
  socket: Socket,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tls = connect({ ...options, socket });
    freeReads(tls);
    signal.addEventListener("abort", () => {
      reject(signal.reason);
      tls.destroy();
    }, { once: true });
    tls.on("error", reject);
    tls.once("close", () => reject(new Error("Failed to connect")));
    tls.once("secureConnect", () => {
      if (tls.authorized) resolve(tls);
      else reject(tls.authorizationError);
    });
  });
}
