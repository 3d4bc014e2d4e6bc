/**
 * A stand-in for an HTTP proxy, as companies have between their networks and the
 * internet: it knows hosts that nobody else knows, and wants a password if so told.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { TcpRelay } from "./tcp_relay.ts";

/** How the proxy is to be. */
export interface ConnectProxyOptions {
  /** Where it connects to, by `host:port`: ports of this machine. */
  readonly hosts: Readonly<Record<string, number>>;
  /** `user:password`; anybody may use it if not given. */
  readonly login?: string;
  /** What it says to others; 407 if not given, and 401 by tinyproxy, of a wrong one. */
  readonly loginStatus?: 401 | 407;
}

/** Starts a proxy. */
export async function startConnectProxy(
  { hosts, login, loginStatus = 407 }: ConnectProxyOptions,
): Promise<ConnectProxy> {
  const asked: string[] = [];
  const relay = await TcpRelay.start((beginning) => {
    const end = beginning.indexOf("\r\n\r\n");
    if (end < 0) return "more";
    const [line = "", ...headers] = beginning.subarray(0, end).toString()
      .split("\r\n");
    const [, target = ""] = /^CONNECT (\S+) HTTP\/1\.1$/.exec(line) ?? [];
    asked.push(target);
    if (login !== undefined && loginIn(headers) !== login) {
      return {
        answer: `HTTP/1.1 ${loginStatus} Proxy Authentication Required\r\n\r\n`,
      };
    }
    const port = hosts[target];
    return port === undefined ? { answer: "HTTP/1.1 403 Forbidden\r\n\r\n" } : {
      port,
      answer: "HTTP/1.1 200 Connection established\r\n\r\n",
      rest: beginning.subarray(end + 4),
    };
  });
  return new ConnectProxy(relay, asked);
}

/** A running proxy. */
export class ConnectProxy implements AsyncDisposable {
  /** `host:port` of each connection that it was asked for, oldest first. */
  readonly asked: readonly string[];
  readonly #relay: TcpRelay;

  constructor(relay: TcpRelay, asked: readonly string[]) {
    this.#relay = relay;
    this.asked = asked;
  }

  get host(): string {
    return this.#relay.host;
  }

  get port(): number {
    return this.#relay.port;
  }

  /** As the environment variable wants it. */
  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
  }
}

function loginIn(headers: readonly string[]): string | undefined {
  for (const header of headers) {
    const [, base64] = /^proxy-authorization: Basic (.*)$/i.exec(header) ?? [];
    if (base64 !== undefined) return Buffer.from(base64, "base64").toString();
  }
  return undefined;
}
