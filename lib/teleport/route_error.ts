/**
 * Why no way leads from an address to the auth service, in words.
 *
 * @module
 */

import { describe } from "../errors.ts";
import { type Address, formatAddress } from "../address.ts";
import { type HttpProxy, through } from "../http_proxy.ts";
import {
  describeConnectFailure,
  expiry,
  refusesClient,
  TeleportError,
} from "./errors.ts";
import type { Identity } from "./identity.ts";
import { flawOf } from "./server_certificate.ts";
import { AUTH_SERVER_NAME, type Shown } from "./tls.ts";
import type { NoProxyError } from "./web_ping.ts";

/** Why there is no way. */
export type RouteProblem =
  /** No connection, or no answer. */
  | "unreachable"
  /** An auth service, but not one that the identity's CAs vouch for. */
  | "untrusted"
  /** An auth service with a certificate that is not good, whoever signed it. */
  | "bad certificate"
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
    super(message, "UNAVAILABLE", {
      ...options,
      unreachable: problem === "unreachable",
    });
  }

  /** Whether somebody has to change something before it can work. */
  override get permanent(): boolean {
    return !this.unreachable;
  }
}

/** What an attempt to speak TLS brought. */
export type Look =
  | { readonly shown: Shown }
  | { readonly error: string };

const DIRECTLY =
  "or name the auth service itself in teleport-addr (port 3025 by default)";
const UNVERIFIABLE =
  "its certificate cannot be verified, although a CA of our credentials signed it: issue another one";
/** What is said of a server that begins with something else than TLS. */
const NO_TLS = /corrupt message|wrong version number/;

/** No connection comes about. */
export function unreachable(address: Address, cause: unknown): RouteError {
  const text = describeConnectFailure(describe(cause));
  return routeError(address, "unreachable", text, { cause });
}

/** A connection came about, and then nothing. */
export function silent(
  address: Address,
  timeoutMs: number,
  { identity, httpProxy }: {
    readonly identity: Identity;
    readonly httpProxy: HttpProxy | undefined;
  },
): RouteError {
  const text = `no answer${through(httpProxy)} within ${
    timeoutMs / 1_000
  } s: is the address right, and does every firewall let us through?`;
  return routeError(address, "unreachable", blame(identity, text));
}

/**
 * What can be said of an address without asking whether it is a proxy: there is an
 * auth service with which something is wrong, or no TLS. Undefined otherwise.
 */
export function explainLook(
  address: Address,
  look: Look,
  { certificate, authoritiesPath }: Identity,
): RouteError | undefined {
  if ("shown" in look) return explainShown(address, look, authoritiesPath);
  const { error } = look;
  if (refusesClient(error)) {
    const expired = expiry(certificate, Date.now());
    return expired === undefined
      ? unreachable(address, error)
      : routeError(address, "unreachable", `${expired} (${error})`);
  }
  if (!NO_TLS.test(error)) return undefined;
  const text = `it does not speak TLS: is the port right? (${error})`;
  return routeError(address, "no Teleport", text);
}

/** Undefined where it is no auth service. */
function explainShown(
  address: Address,
  look: Extract<Look, { shown: Shown }>,
  authoritiesPath: string,
): RouteError | undefined {
  const { shown } = look;
  if (!shown.names.includes(AUTH_SERVER_NAME)) return undefined;
  const detail = describeLook(look);
  const flaw = flawOf(shown, Date.now()) ??
    (shown.isVouchedFor ? UNVERIFIABLE : undefined);
  if (flaw !== undefined) {
    return routeError(address, "bad certificate", `${flaw} (${detail})`);
  }
  const text = "its certificate is not signed by a CA of our credentials: " +
    `are those in ${authoritiesPath} of this cluster, and newer than its last CA rotation? (${detail})`;
  return routeError(address, "untrusted", text);
}

/** Neither an auth service of ours nor a proxy. */
export function noTeleport(
  address: Address,
  look: Look,
  { cause, identity }: { cause: NoProxyError; identity: Identity },
): RouteError {
  // A connection that broke says nothing of who is there: it may be restarting.
  const broken = "error" in look;
  // A load balancer with no server behind it takes connections, and drops them.
  const hint = broken && cause.passing
    ? "; if a load balancer listens there: is a server behind it running?"
    : "";
  const text = `it is no auth service of our cluster (${
    describeLook(look)
  }), and no proxy: ${cause.message}${hint}`;
  return routeError(
    address,
    cause.passing || broken ? "unreachable" : "no Teleport",
    broken ? blame(identity, text) : text,
    { cause },
  );
}

/** A proxy with a port for each service. */
export function noTlsRouting(address: Address): RouteError {
  return routeError(
    address,
    "no TLS routing",
    "this proxy does no TLS routing, so that only an SSH tunnel leads through it, which is not supported: " +
      `turn on proxy_listener_mode: multiplex in the cluster's auth_service, ${DIRECTLY}`,
  );
}

/** A proxy that should pass TLS on, and does not. */
export function notPassedOn(
  address: Address,
  look: Look,
  identity: Identity,
): RouteError {
  const what = describeLook(look);
  if ("error" in look && !/alert/i.test(look.error)) {
    const text =
      `this proxy passes TLS on to nobody: is the auth service running? (${what})`;
    return routeError(address, "unreachable", blame(identity, text));
  }
  return routeError(
    address,
    "load balancer",
    `something before this proxy ends TLS, such as an application load balancer (${what}), ` +
      "and Teleport's connection upgrade through those is not supported: " +
      `let it pass TLS through (a network load balancer), ${DIRECTLY}`,
  );
}

/** A certificate of ours that has ended is the cause, whatever the other end makes of it. */
function blame({ certificate }: Identity, text: string): string {
  const expired = expiry(certificate, Date.now());
  return expired === undefined ? text : `${expired} (${text})`;
}

function routeError(
  address: Address,
  problem: RouteProblem,
  text: string,
  options?: ErrorOptions,
): RouteError {
  const message = `Teleport at ${formatAddress(address)}: ${text}`;
  return new RouteError(message, problem, options);
}

function describeLook(look: Look): string {
  if ("error" in look) return look.error;
  const { names, issuer, problem, protocol } = look.shown;
  return `it shows a certificate for ${
    names.join(", ")
  }, signed by ${issuer}: ` +
    `${problem}; protocol ${protocol ?? "none"}`;
}
