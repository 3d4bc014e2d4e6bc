/**
 * The connections of the Fluentd stand-in: counted, and closed without notice
 * when nothing happens on them, as Fluentd does.
 *
 * @module
 */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The numbers, as plain JSON. */
export interface ConnectionSummary {
  /** Connections that got through the TLS handshake. */
  readonly accepted: number;
  readonly open: number;
  /** The most that were open at the same time. */
  readonly maxOpen: number;
  /** Failed TLS handshakes: no client certificate, or one of another CA. */
  readonly refused: number;
  /** Connections dropped because they resumed a TLS session. */
  readonly refusedResumptions: number;
}

interface Connection {
  busy: boolean;
  idleTimer: ReturnType<typeof setTimeout> | undefined;
}

/** All connections of one stand-in, also across its restarts. */
export class Connections {
  readonly #idleTimeoutMs: number;
  readonly #refuseResumedSessions: boolean;
  readonly #open = new Map<Socket, Connection>();
  #accepted = 0;
  #maxOpen = 0;
  #refused = 0;
  #refusedResumptions = 0;

  constructor(options: {
    readonly idleTimeoutMs: number;
    readonly refuseResumedSessions: boolean;
  }) {
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#refuseResumedSessions = options.refuseResumedSessions;
  }

  /** A connection is there; a TLS one has finished its handshake. */
  accept(socket: Socket): void {
    // A dropped connection is what faults are for; nobody needs to hear of it.
    socket.on("error", () => {});
    if (
      this.#refuseResumedSessions && socket instanceof TLSSocket &&
      socket.isSessionReused()
    ) {
      this.#refusedResumptions += 1;
      socket.destroy();
      return;
    }
    const connection: Connection = { busy: false, idleTimer: undefined };
    this.#open.set(socket, connection);
    socket.on("close", () => {
      clearTimeout(connection.idleTimer);
      this.#open.delete(socket);
    });
    this.#accepted += 1;
    this.#maxOpen = Math.max(this.#maxOpen, this.#open.size);
    this.#closeWhenIdle(socket, connection);
  }

  /** A TLS handshake failed. */
  refuse(): void {
    this.#refused += 1;
  }

  /** A request has begun on this connection. */
  busy(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.busy = true;
    clearTimeout(connection.idleTimer);
  }

  /** The request on this connection is answered. */
  idle(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.busy = false;
    this.#closeWhenIdle(socket, connection);
  }

  /** Closes, now and without notice, every connection that has no request. */
  closeIdle(): void {
    for (const [socket, { busy }] of this.#open) if (!busy) socket.destroy();
  }

  /** Closes everything. */
  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  /** The numbers so far. */
  summary(): ConnectionSummary {
    return {
      accepted: this.#accepted,
      open: this.#open.size,
      maxOpen: this.#maxOpen,
      refused: this.#refused,
      refusedResumptions: this.#refusedResumptions,
    };
  }

  #closeWhenIdle(socket: Socket, connection: Connection): void {
    clearTimeout(connection.idleTimer);
    connection.idleTimer = setTimeout(
      () => socket.destroy(),
      this.#idleTimeoutMs,
    );
  }
}
