/**
 * How the auth service is reached from an address: directly, or through a proxy
 * that passes TLS on.
 *
 * @module
 */

import type { Socket } from "node:net";
import { describe } from "../errors.ts";
import { type Address, formatAddress } from "./address.ts";
import {
  describeConnectFailure,
  expiry,
  refusesClient,
  TeleportError,
} from "./errors.ts";
import type { HttpProxy } from "./http_proxy.ts";
import type { Identity } from "./identity.ts";
import { connectTcp } from "./tcp.ts";
import { AUTH_SERVER_NAME, shakeHands, type Shown, tlsOptions } from "./tls.ts";
import { NoProxyError, pingProxy, type ProxyPing } from "./web_ping.ts";

/** A way to the auth service. */
export interface Route {
  /** Whether the auth service listens there, or a proxy that passes TLS on to it. */
  readonly kind: "auth service" | "TLS routing";
  readonly address: Address;
  /** The HTTP proxy in between; undefined: none. */
  readonly httpProxy: HttpProxy | undefined;
  /** What to offer as application protocols (ALPN): that is what a proxy goes by. */
  readonly protocols: readonly string[];
  /** The certificate of the auth service. */
  readonly shown: Shown;
}

/** Why there is no way. */
export type RouteProblem =
  /** No connection, or no answer. */
  | "unreachable"
  /** An auth service, but not one that the identity's CAs vouch for. */
  | "untrusted"
  /** Neither an auth service nor a proxy. */
  | "no Teleport"
  /** A proxy that wants an SSH tunnel. */
  | "no TLS routing"
  /** Something before the proxy ends TLS. */
  | "load balancer";

/** There is no way to the auth service from an address. */
export class RouteError extends TeleportError {
  constructor(
    message: string,
    readonly problem: RouteProblem,
    options?: ErrorOptions,
  ) {
    super(message, "UNAVAILABLE", options);
  }

  /** Whether somebody has to change something before it can work. */
  override get permanent(): boolean {
    return this.problem !== "unreachable";
  }
}

/** With what to look for a way. */
export interface RouteOptions {
  readonly identity: Identity;
  /** The HTTP proxy in between; undefined: none. */
  readonly httpProxy: HttpProxy | undefined;
  readonly signal: AbortSignal;
}

const DIRECT = ["h2"];
/** How long a connection and its TLS handshake, or a proxy's answer, may take. */
const TIMEOUT_MS = 10_000;

/**
 * Finds out how the auth service is reached from an address. Connects, shows the
 * client certificate, and disconnects: whether the auth service accepts it shows
 * only in a call.
 *
 * @throws {RouteError} saying what is there instead, and what to do
 * @throws `signal.reason`
 */
export async function resolveRoute(
  address: Address,
  options: RouteOptions,
): Promise<Route> {
  const { identity, httpProxy } = options;
  const direct = await look(address, DIRECT, options);
  if (direct.shown?.problem === undefined && direct.shown !== undefined) {
    const { shown } = direct;
    return {
      kind: "auth service",
      address,
      httpProxy,
      protocols: DIRECT,
      shown,
    };
  }
  if (direct.error !== undefined && refusesClient(direct.error)) {
    throw refused(address, direct.error, identity);
  }
  if (isAuthServer(direct.shown)) {
    throw untrusted(address, direct.shown, identity);
  }
  const ping = await askProxy(address, direct, options);
  if (!ping.tlsRouting) {
    throw fail(
      address,
      "no TLS routing",
      "this proxy does no TLS routing, so that only an SSH tunnel leads through it, which is not supported: " +
        "turn on proxy_listener_mode: multiplex in the cluster's auth_service, or name the auth service itself " +
        "in teleport-addr (port 3025 by default)",
    );
  }
  const protocols = [authProtocol(ping.cluster), ...DIRECT];
  const routed = await look(address, protocols, options);
  const { shown } = routed;
  if (shown !== undefined && shown.problem === undefined) {
    return { kind: "TLS routing", address, httpProxy, protocols, shown };
  }
  if (isAuthServer(shown)) throw untrusted(address, shown, identity);
  throw fail(
    address,
    "load balancer",
    `something before this proxy ends TLS, such as an application load balancer (${
      describeLook(routed)
    }), and Teleport's connection upgrade through those is not supported: ` +
      "let it pass TLS through (a network load balancer), or name the auth service itself in teleport-addr (port 3025 by default)",
  );
}

/** The protocol by which a proxy knows that a connection is for the auth service. */
function authProtocol(cluster: string): string {
  const hex = new TextEncoder().encode(cluster).toHex();
  return `teleport-auth@${hex}.${AUTH_SERVER_NAME}`;
}

/** What a handshake brought. */
type Look =
  | { readonly shown: Shown; readonly error?: undefined }
  | { readonly shown?: undefined; readonly error: string };

/** @throws {RouteError} where not even TCP is possible, or nothing is said in time */
async function look(
  address: Address,
  protocols: readonly string[],
  { identity, httpProxy, signal }: RouteOptions,
): Promise<Look> {
  return await inTime(address, signal, async (signal) => {
    let socket: Socket;
    try {
      socket = await connectTcp(address, { httpProxy, signal });
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw unreachable(address, cause);
    }
    try {
      const options = tlsOptions(identity, protocols);
      return { shown: await shakeHands(socket, options, signal) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { error: describe(error) };
    }
  });
}

async function askProxy(
  address: Address,
  direct: Look,
  { identity: { authorities }, signal }: RouteOptions,
): Promise<ProxyPing> {
  return await inTime(address, signal, async (signal) => {
    try {
      return await pingProxy(address, { authorities, signal });
    } catch (cause) {
      if (!(cause instanceof NoProxyError)) throw cause;
      throw fail(
        address,
        cause.passing ? "unreachable" : "no Teleport",
        `it is no auth service of our cluster (${
          describeLook(direct)
        }), and no proxy: ${cause.message}`,
        { cause },
      );
    }
  });
}

/** Gives up after a while. */
async function inTime<T>(
  address: Address,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), TIMEOUT_MS);
  try {
    return await run(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!late.signal.aborted) throw error;
    throw fail(
      address,
      "unreachable",
      `no answer within ${
        TIMEOUT_MS / 1_000
      } s: is the address right, and does every firewall let us through?`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function isAuthServer(shown: Shown | undefined): shown is Shown {
  return shown !== undefined && shown.names.includes(AUTH_SERVER_NAME);
}

function untrusted(
  address: Address,
  shown: Shown,
  { certificate }: Identity,
): RouteError {
  const what = /EXPIRED/.test(shown.problem ?? "")
    ? `its certificate expired on ${isoDate(shown.notAfterMs)}: renew it`
    : "its certificate is not signed by a CA of our credentials: " +
      `are those in ${certificate.path} of this cluster, and newer than its last CA rotation?`;
  return fail(address, "untrusted", `${what} (${describeShown(shown)})`);
}

function refused(
  address: Address,
  error: string,
  { certificate }: Identity,
): RouteError {
  const expired = expiry(certificate, Date.now());
  return expired === undefined
    ? unreachable(address, error)
    : fail(address, "unreachable", `${expired} (${error})`);
}

function unreachable(address: Address, cause: unknown): RouteError {
  return fail(
    address,
    "unreachable",
    describeConnectFailure(describe(cause)),
    { cause },
  );
}

function describeLook({ shown, error }: Look): string {
  return shown === undefined ? error : describeShown(shown);
}

function describeShown({ names, issuer, problem, protocol }: Shown): string {
  return `it shows a certificate for ${
    names.join(", ")
  }, signed by ${issuer}: ${problem}` +
    `; protocol ${protocol ?? "none"}`;
}

function isoDate(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function fail(
  address: Address,
  problem: RouteProblem,
  text: string,
  options?: ErrorOptions,
): RouteError {
  return new RouteError(
    `Teleport at ${formatAddress(address)}: ${text}`,
    problem,
    options,
  );
}
