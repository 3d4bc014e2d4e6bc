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
  const { address } = httpProxy;
  const connecting = connectDirectly(address, signal);
  const socket = await blaming(httpProxy, connecting, signal);
  return await passThrough(target, socket, { httpProxy, signal });
}

/**
 * Goes on to `target` over a connection to an HTTP proxy, which is closed where
 * that fails.
 *
 * @throws {Error} saying what is wrong with the proxy
 * @throws `signal.reason`
 */
export async function passThrough(
  target: Address,
  socket: Socket,
  { httpProxy, signal }: {
    readonly httpProxy: HttpProxy;
    readonly signal: AbortSignal;
  },
): Promise<Socket> {
  const asking = askFor(target, socket, { httpProxy, signal });
  return await blaming(httpProxy, asking, signal);
}

async function blaming(
  { address }: HttpProxy,
  connecting: Promise<Socket>,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    return await connecting;
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const what = describe(cause);
    throw new Error(
      `the HTTP proxy ${formatAddress(address)}: ${
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

function askFor(
  target: Address,
  socket: Socket,
  { httpProxy: { credentials }, signal }: {
    readonly httpProxy: HttpProxy;
    readonly signal: AbortSignal;
  },
): Promise<Socket> {
  const authority = formatAddress(target);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    const connecting = request({
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
      createConnection: () => socket,
      signal,
    });
    connecting.once("error", fail);
    connecting.once("connect", ({ statusCode }, _, head) => {
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      fail(
        new Error(
          // Of a password that does not match, tinyproxy says 401.
          statusCode === 407 || statusCode === 401
            ? `it wants a user and a password: https_proxy=http://user:password@host:port (${statusCode})`
            : `it does not connect to ${authority} (${statusCode})`,
        ),
      );
    });
    connecting.end();
  });
}
