/**
 * A stand-in for Teleport's proxy: one port that passes TLS on to the auth service
 * where the application protocol says so, and is a web server otherwise.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { type ClientHello, readClientHello } from "./client_hello.ts";
import { CLUSTER_NAME } from "./log_event.ts";
import { type Pki, webPki } from "./pki.ts";
import { TcpRelay, type Verdict } from "./tcp_relay.ts";
import type { TeleportStandIn } from "./teleport.ts";

/** What the proxy is like, or what is before it. */
export type ProxyMode =
  /** All services on one port, told apart by their application protocols. */
  | "TLS routing"
  /** A port for each service: this one is for the web alone. */
  | "separate ports"
  /** TLS ends at a load balancer, which passes on requests. */
  | "behind a load balancer"
  /** The proxy restarts: the load balancer answers for it. */
  | "away";

const AUTH_PROTOCOL = `teleport-auth@${
  new TextEncoder().encode(CLUSTER_NAME).toHex()
}.teleport.cluster.local`;

/** Starts a proxy before an auth service. */
export async function startTeleportProxy(
  teleport: TeleportStandIn,
  options: {
    /** `TLS routing` if not given. */
    readonly mode?: ProxyMode;
    /** The tests' own web certificates if not given. */
    readonly pki?: Pki;
    /** A free one if not given. */
    readonly port?: number;
  } = {},
): Promise<TeleportProxy> {
  const { mode = "TLS routing", pki = await webPki(), port = 0 } = options;
  const proxy = new TeleportProxy(teleport, pki, mode);
  await proxy.start(port);
  return proxy;
}

/** A running proxy. */
export class TeleportProxy implements AsyncDisposable {
  readonly host = "localhost";
  mode: ProxyMode;
  /** What the clients wanted, oldest first. */
  readonly hellos: ClientHello[] = [];
  readonly #teleport: TeleportStandIn;
  readonly #pki: Pki;
  #web: Deno.HttpServer<Deno.NetAddr> | undefined;
  #relay: TcpRelay | undefined;

  constructor(teleport: TeleportStandIn, pki: Pki, mode: ProxyMode) {
    this.#teleport = teleport;
    this.#pki = pki;
    this.mode = mode;
  }

  get port(): number {
    return this.#relay?.port ?? 0;
  }

  /** `host:port`, as `--teleport-addr` wants it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  async start(port: number): Promise<void> {
    const { certificatePem: cert, privateKeyPem: key } = this.#pki.server;
    this.#web = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
      (request) => this.#answer(new URL(request.url)),
    );
    this.#relay = await TcpRelay.start(
      (beginning) => this.#judge(beginning),
      port,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]();
    await this.#web?.shutdown();
  }

  #judge(beginning: Buffer): Verdict {
    const hello = readClientHello(beginning);
    if (hello === undefined) return "more";
    if (hello === "no TLS") return "drop";
    this.hellos.push(hello);
    const wanted = hello.protocols.find((name) =>
      name.startsWith("teleport-auth@")
    );
    if (this.mode !== "TLS routing" || wanted === undefined) {
      return { port: this.#web?.addr.port ?? 0, rest: beginning };
    }
    return wanted === AUTH_PROTOCOL
      ? { port: this.#teleport.port, rest: beginning }
      : "drop";
  }

  #answer({ pathname }: URL): Response {
    if (this.mode === "away") {
      return new Response("no healthy upstream", { status: 503 });
    }
    if (pathname !== "/webapi/ping") {
      return new Response("<!doctype html><title>Teleport</title>", {
        headers: { "content-type": "text/html" },
      });
    }
    return Response.json({
      "auth": { "type": "local" },
      "proxy": { "tls_routing_enabled": this.mode !== "separate ports" },
      "server_version": "17.0.0",
      "cluster_name": CLUSTER_NAME,
    });
  }
}
