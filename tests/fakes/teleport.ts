/**
 * A stand-in for Teleport's auth service: a real gRPC server that demands a
 * client certificate, serves an audit log, does wrong what its fault dial says,
 * and remembers what it was asked.
 *
 * @module
 */

import type { LockV2 } from "../../lib/teleport/proto/teleport_pb.ts";
import type { AuditLog } from "./audit_log.ts";
import { findFreePort } from "./free_port.ts";
import type { LogEvent } from "./log_event.ts";
import { teleportPki } from "./pki.ts";
import { type Served, TeleportApi } from "./teleport_api.ts";
import type { FaultDial } from "./teleport_faults.ts";
import type { Requests } from "./teleport_methods.ts";
import {
  type StopOptions,
  TeleportServer,
  type TeleportTls,
  teleportTls,
} from "./teleport_server.ts";

/** How the stand-in is to be. */
export interface TeleportOptions {
  readonly log: AuditLog;
  /** The tests' own Teleport certificates where none are given. */
  readonly tls?: TeleportTls;
  /** A free one where none is given. */
  readonly port?: number;
  /** Whether it has the methods of the bulk export; default false. */
  readonly exportSupported?: boolean;
  /** What it calls itself. */
  readonly cluster?: string;
}

/** Starts a stand-in on the loopback interface. */
export async function startTeleport(
  options: TeleportOptions,
): Promise<TeleportStandIn> {
  const { tls = teleportTls(await teleportPki()) } = options;
  const teleport = new TeleportStandIn({ ...options, tls });
  await teleport.start();
  return teleport;
}

/** A running stand-in. */
export class TeleportStandIn {
  readonly log: AuditLog;
  readonly host = "127.0.0.1";
  /** Stays the same across restarts. */
  readonly port: number;
  /** The serial number of the certificate that came with each call, oldest first. */
  readonly callers: string[] = [];
  /** How long each of them waits for its answer, as it said. */
  readonly waitsMs: number[] = [];
  readonly #tls: TeleportTls;
  readonly #api: TeleportApi;
  #server: TeleportServer | undefined;

  constructor(options: TeleportOptions & { readonly tls: TeleportTls }) {
    const {
      log,
      tls,
      port = findFreePort(),
      exportSupported = false,
      cluster,
    } = options;
    this.log = log;
    this.port = port;
    this.#tls = tls;
    this.#api = new TeleportApi(log, { exportSupported, cluster });
  }

  /** `host:port`, as `--teleport-addr` wants it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Whether it has the methods of the bulk export, from the next start on. */
  set exportSupported(supported: boolean) {
    this.#api.exportSupported = supported;
  }

  /** What goes wrong from now on. */
  get faults(): FaultDial {
    return this.#api.faults;
  }

  /** What it was asked so far, also before a restart. */
  get requests(): Requests {
    return this.#api.requests;
  }

  /** The locks that were made. */
  get locks(): readonly LockV2[] {
    return this.#api.locks;
  }

  /** What it sent so far. */
  get served(): Served {
    return this.#api.served;
  }

  /** How many requests are being answered, streams included. */
  get openCalls(): number {
    return this.#api.openCalls;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#server?.connections ?? 0;
  }

  /** Adds events to the log; the next page that reaches so far has them. */
  append(...events: readonly LogEvent[]): void {
    this.log.append(...events);
  }

  /** Listens. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = new TeleportServer((serialNumber, waitMs) => {
      this.callers.push(serialNumber);
      this.waitsMs.push(waitMs);
    });
    this.#api.offer(server);
    await server.listen(this.port, this.#tls);
    this.#server = server;
  }

  /** Ends all connections and listens no more: connections are refused. */
  async stop(options: StopOptions = {}): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop(options);
  }

  /** Ends all connections and listens again on the same port. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.stop(options);
    await this.start();
  }

  /** The same as `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
