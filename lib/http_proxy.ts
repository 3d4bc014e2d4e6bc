/**
 * Which HTTP proxy the environment wants between us and a host. `fetch` is told to
 * go the same way (`fetch_client.ts`).
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { ConfigError } from "./errors.ts";
import { type Address, formatAddress } from "./address.ts";
import { environmentVariable } from "./environment_variable.ts";

/** A proxy that is asked to CONNECT. */
export interface HttpProxy {
  readonly address: Address;
  /** User and password, with a colon between them; a secret. */
  readonly credentials: string | undefined;
}

/** What is in between, to be said behind what is beyond it; empty where nothing is. */
export function through(httpProxy: HttpProxy | undefined): string {
  return httpProxy === undefined
    ? ""
    : ` through the HTTP proxy ${formatAddress(httpProxy.address)}`;
}

/** Looks up an environment variable. */
export type Environment = (name: string) => string | undefined;

/** The names that are looked up for TLS, most telling first. */
const TLS_NAMES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/** For plain HTTP. */
const PLAIN_NAMES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTION_NAMES = ["NO_PROXY", "no_proxy"];

const DEFAULT_PROXY_PORT = 80;
const HOST_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/;

/**
 * The proxy for TLS connections to `target`; undefined where there is none, where
 * an exception names the target, and for this machine itself, as with Go's programs.
 *
 * @throws {ConfigError} naming the variable; what it holds is not told, since a
 * password may be in it
 */
export function httpProxyFor(
  target: Address,
  environment: Environment = environmentVariable,
): HttpProxy | undefined {
  return findProxy(target, TLS_NAMES, environment);
}

/**
 * The variable that names the proxy to which requests for a server without TLS are
 * handed; undefined where they are handed to none.
 */
export function forwardProxyVariable(
  target: Address,
  environment: Environment = environmentVariable,
): string | undefined {
  return findVariable(target, PLAIN_NAMES, environment);
}

/**
 * The proxy for requests to `url`, as with {@linkcode httpProxyFor}.
 *
 * @throws {ConfigError}
 */
export function httpProxyForUrl(
  url: URL,
  environment: Environment = environmentVariable,
): HttpProxy | undefined {
  const names = url.protocol === "https:" ? TLS_NAMES : PLAIN_NAMES;
  return findProxy(addressOf(url), names, environment);
}

/** Whether the host of `url` is reached without a proxy, whichever is named. */
export function isExcepted(
  url: URL,
  environment: Environment = environmentVariable,
): boolean {
  return isException(addressOf(url), environment);
}

/** Where the server of `url` listens. */
export function addressOf({ protocol, hostname, port }: URL): Address {
  const usual = protocol === "https:" ? 443 : 80;
  return {
    host: withoutBrackets(hostname),
    port: port === "" ? usual : Number(port),
  };
}

function findProxy(
  target: Address,
  names: readonly string[],
  environment: Environment,
): HttpProxy | undefined {
  const name = findVariable(target, names, environment);
  if (name === undefined) return undefined;
  return parseProxy(environment(name) ?? "", name);
}

function findVariable(
  target: Address,
  names: readonly string[],
  environment: Environment,
): string | undefined {
  const name = names.find((name) => environment(name));
  if (name === undefined || isException(target, environment)) return undefined;
  return name;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function parseProxy(text: string, name: string): HttpProxy {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || url.hostname === "") {
    throw new ConfigError([`${name}: is no URL: write http://host:port`]);
  }
  const { protocol, hostname, port, username, password } = url;
  if (protocol !== "http:") {
    throw new ConfigError([
      `${name}: is a proxy of the kind ${protocol}//, which cannot be used: name one that begins with http://`,
    ]);
  }
  return {
    address: {
      host: withoutBrackets(hostname),
      port: port === "" ? DEFAULT_PROXY_PORT : Number(port),
    },
    credentials: username === ""
      ? undefined
      : `${decode(username, name)}:${decode(password, name)}`,
  };
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError([
      `${name}: user and password have to be percent-encoded: a % in them is written %25`,
    ]);
  }
}

function isLoopback(host: string): boolean {
  return /^(.+\.)?localhost\.?$/i.test(host) || host === "::1" ||
    isIP(host) === 4 && host.startsWith("127.");
}

function isException(target: Address, environment: Environment): boolean {
  if (isLoopback(target.host)) return true;
  const exceptions = EXCEPTION_NAMES.map(environment).find(Boolean) ?? "";
  return isListed(target, exceptions);
}

/** Names hold for what is below them too; addresses may be ranges; `*` is all. */
function isListed({ host, port }: Address, exceptions: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return exceptions.split(",").some((text) => {
    const exception = text.trim().toLowerCase();
    if (exception === "") return false;
    if (exception === "*") return true;
    const [, range, bits] = /^([\da-f.:]+)\/(\d+)$/.exec(exception) ?? [];
    if (range !== undefined) return isInRange(name, range, Number(bits));
    // An IPv6 address without brackets is none of these, and has no port.
    const [, bracketed, plain, only] = HOST_PORT.exec(exception) ?? [];
    if (only !== undefined && Number(only) !== port) return false;
    const suffix = (bracketed ?? plain ?? exception).replace(/^\*?\./, "");
    return name === suffix || name.endsWith(`.${suffix}`) ||
      isSameAddress(name, suffix);
  });
}

/** An IPv6 address is written in several ways. */
function isSameAddress(host: string, address: string): boolean {
  return /^[\da-f:.]+:[\da-f:.]*$/.test(address) &&
    isInRange(host, address, 128);
}

function isInRange(host: string, range: string, bits: number): boolean {
  const family = isIP(host);
  if (family === 0 || family !== isIP(range)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  if (bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(range, bits, type);
  return list.check(host, type);
}
