/**
 * A stand-in for Fluentd's HTTP input: a real server that demands a client
 * certificate, behaves as Fluentd was measured to, does wrong what its fault dial
 * says, and remembers what it received.
 *
 * @module
 */

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { systemClock } from "../../lib/clock.ts";
import { parseBody } from "./fluentd_body.ts";
import { Connections } from "./fluentd_connections.ts";
import { Exchange, readBody } from "./fluentd_exchange.ts";
import { FaultDial } from "./fluentd_faults.ts";
import { Received, type ReceivedOptions } from "./fluentd_received.ts";
import { decryptedKey, type FluentdTls } from "./fluentd_tls.ts";
import { findFreePort } from "./free_port.ts";
import { listenOn } from "./listening.ts";

/** How the stand-in is to be. */
export interface FluentdOptions {
  /** Without it the stand-in speaks plain HTTP. */
  readonly tls?: FluentdTls;
  /** A free one where none is given. */
  readonly port?: number;
  /**
   * What happens to bodies that are not JSON objects: up to 1.16 they are
   * answered with 400, from 1.17 on with 200 and dropped. Default "1.17".
   */
  readonly version?: "1.16" | "1.17";
  /** Fluentd's `body_size_limit`; default 32 MiB. */
  readonly bodyLimitBytes?: number;
  /** Fluentd's `keepalive_timeout`; default 10 s. */
  readonly idleTimeoutMs?: number;
  /** Drops connections that resume a TLS session; default true, as Fluentd does. */
  readonly refuseResumedSessions?: boolean;
  /** Whether records and requests are kept, and not only their ids and numbers; default true. */
  readonly keepBodies?: boolean;
  /** See `ReceivedOptions`. */
  readonly onStored?: ReceivedOptions["onStored"];
}

/** Starts a stand-in on the loopback interface. */
export async function startFluentd(
  options: FluentdOptions = {},
): Promise<FluentdStandIn> {
  const fluentd = new FluentdStandIn(options);
  await fluentd.start();
  return fluentd;
}

/** A running stand-in. */
export class FluentdStandIn {
  /** What goes wrong from now on. */
  readonly faults = new FaultDial();
  /** What arrived so far, also before a restart. */
  readonly received: Received;
  /** Who is connected, and how often somebody was. */
  readonly connections: Connections;
  /** Stays the same across restarts. */
  readonly port: number;
  readonly #options: FluentdOptions;
  readonly #tls: FluentdTls | undefined;
  readonly #bodyLimitBytes: number;
  #server: Server | undefined;
  #stopping = new AbortController();

  constructor(options: FluentdOptions) {
    const {
      tls,
      port = findFreePort(),
      bodyLimitBytes = 32 * 1024 * 1024,
      idleTimeoutMs = 10_000,
      refuseResumedSessions = true,
      keepBodies = true,
      onStored,
    } = options;
    this.#options = options;
    this.#tls = tls && { ...tls, key: decryptedKey(tls) };
    this.#bodyLimitBytes = bodyLimitBytes;
    this.port = port;
    this.received = new Received({
      keepBodies,
      ...onStored !== undefined && { onStored },
    });
    this.connections = new Connections({
      idleTimeoutMs,
      refuseResumedSessions,
    });
  }

  /** Where it listens, without a trailing slash: append `/<tag>`. */
  get url(): string {
    const scheme = this.#tls === undefined ? "http" : "https";
    return `${scheme}://localhost:${this.port}`;
  }

  /** Listens. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#stopping = new AbortController();
    const server = this.#createServer();
    await listenOn(this.port, server);
    this.#server = server;
  }

  /** Drops all connections and listens no more: connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#stopping.abort();
    const closed = new Promise((resolve) => server.once("close", resolve));
    server.close();
    this.connections.closeAll();
    server.closeAllConnections();
    await closed;
  }

  /** Drops all connections and listens again on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The same as `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #createServer(): Server {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response);
    };
    const server = this.#tls === undefined
      ? createHttpServer(handle)
      : createHttpsServer({
        cert: this.#tls.cert,
        key: this.#tls.key,
        ca: this.#tls.ca,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: "TLSv1.2",
      }, handle);
    // Node's own timers would answer and close where Fluentd does not.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    const ready = this.#tls === undefined ? "connection" : "secureConnection";
    server.on(ready, (socket: Socket) => this.connections.accept(socket));
    server.on("tlsClientError", () => this.connections.refuse());
    server.on("clientError", (_error, socket) => socket.destroy());
    return server;
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { socket } = request;
    const stopping = this.#stopping.signal;
    const exchange = new Exchange(request, response, this.received);
    this.connections.busy(socket);
    if (request.method === "GET") return exchange.answer(200, { close: true });
    if (this.faults.resetsBeforeBody(exchange.tag)) return exchange.reset();

    const body = await readBody(request, this.#bodyLimitBytes);
    if (body === "cut off") return exchange.cutOff();
    if (body === "too large") {
      return exchange.answer(413, { close: true, body: "Too large" });
    }
    const encoding = request.headers["content-encoding"] ?? "";
    const parsed = parseBody(body, encoding);
    exchange.body = parsed.text;
    const records = parsed.kind === "parsed" ? parsed.records : [];
    const { delayMs, fault } = this.faults.judge(exchange.tag, records);
    if (delayMs > 0) {
      try {
        await systemClock.sleep(delayMs, stopping);
      } catch {
        return exchange.cutOff();
      }
    }

    if (fault !== undefined) exchange.fail(fault, records);
    else if (parsed.kind === "refused") {
      exchange.answer(400, { body: `400 Bad Request\n${parsed.reason}\n` });
    } else if (parsed.unparsable > 0 && this.#options.version === "1.16") {
      exchange.answer(400, { body: "400 Bad Request\n" });
    } else {
      this.received.store(exchange.tag, records);
      exchange.answer(200);
    }
    // A request that hangs keeps its connection busy.
    if (fault?.kind !== "hang") this.connections.idle(socket);
  }
}
