/**
 * Connections to Teleport, through an HTTP proxy where there is one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { describe } from "../errors.ts";
import { type Address, formatAddress } from "../address.ts";
import type { HttpProxy } from "../http_proxy.ts";

/**
 * Connects.
 *
 * @throws {Error} saying what is wrong, with the address of the one that it is
 * about where that is the proxy
 * @throws `signal.reason`
 */
export async function connectTcp(
  target: Address,
  { httpProxy, signal }: {
    readonly httpProxy: HttpProxy | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Socket> {
  signal.throwIfAborted();
  if (httpProxy === undefined) return await connectDirectly(target, signal);
  try {
    return await connectThrough(httpProxy, target, signal);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const proxy = formatAddress(httpProxy.address);
    const what = describe(cause);
    throw new Error(
      `the HTTP proxy ${proxy}: ${
        /ECONNREFUSED/.test(what)
          ? `connection refused: is it running, and is its port right in HTTPS_PROXY or ALL_PROXY? (${what})`
          : what
      }`,
      { cause },
    );
  }
}

function connectDirectly(
  { host, port }: Address,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const abort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const settle = (how: () => void) => {
      signal.removeEventListener("abort", abort);
      how();
    };
    socket.once("error", (error) => settle(() => reject(error)));
    socket.once("connect", () => settle(() => resolve(socket)));
  });
}

function connectThrough(
  { address, credentials }: HttpProxy,
  target: Address,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = formatAddress(target);
  return new Promise((resolve, reject) => {
    const connecting = request({
      host: address.host,
      port: address.port,
      method: "CONNECT",
      path: authority,
      headers: {
        host: authority,
        ...credentials !== undefined &&
          {
            "proxy-authorization": `Basic ${
              Buffer.from(credentials).toString("base64")
            }`,
          },
      },
      agent: false,
      signal,
    });
    connecting.once("error", reject);
    connecting.once("connect", ({ statusCode }, socket, head) => {
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      socket.destroy();
      reject(
        new Error(
          statusCode === 407
            ? "it wants a user and a password: https_proxy=http://user:password@host:port (407)"
            : `it does not connect to ${authority} (${statusCode})`,
        ),
      );
    });
    connecting.end();
  });
}
