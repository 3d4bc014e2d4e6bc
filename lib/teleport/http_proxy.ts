/**
 * Which HTTP proxy the environment wants between us and Teleport.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { ConfigError } from "../errors.ts";
import type { Address } from "./address.ts";

/** A proxy that is asked to CONNECT. */
export interface HttpProxy {
  readonly address: Address;
  /** User and password, with a colon between them; a secret. */
  readonly credentials: string | undefined;
}

/** Looks up an environment variable. */
export type Environment = (name: string) => string | undefined;

/** The names that are looked up, most telling first, in the order of `fetch`. */
const PROXY_NAMES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/** The same for servers without TLS. */
const FORWARD_PROXY_NAMES = [
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
];
const EXCEPTION_NAMES = ["NO_PROXY", "no_proxy"];

const DEFAULT_PROXY_PORT = 80;
const HOST_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/;

/**
 * The proxy for connections to `target`; undefined where there is none, where an
 * exception names the target, and for this machine itself, as with Go's programs.
 *
 * @throws {ConfigError} naming the variable; what it holds is not told, since a
 * password may be in it
 */
export function httpProxyFor(
  { host, port }: Address,
  environment: Environment = (name) => Deno.env.get(name),
): HttpProxy | undefined {
  const name = PROXY_NAMES.find((name) => environment(name));
  if (name === undefined || isLoopback(host)) return undefined;
  if (isExcepted({ host, port }, environment)) return undefined;
  return parseProxy(environment(name) ?? "", name);
}

/**
 * The variable that names the proxy to which `fetch` hands requests for a server
 * without TLS, be it on this machine; undefined where it hands them to none.
 */
export function forwardProxyVariable(
  target: Address,
  environment: Environment = (name) => Deno.env.get(name),
): string | undefined {
  const name = FORWARD_PROXY_NAMES.find((name) => environment(name));
  if (name === undefined || isExcepted(target, environment)) return undefined;
  return name;
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
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
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

/** Names hold for what is below them too; addresses may be ranges; `*` is all. */
function isExcepted(
  { host, port }: Address,
  environment: Environment,
): boolean {
  const exceptions = EXCEPTION_NAMES.map(environment).find(Boolean) ?? "";
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
    return name === suffix || name.endsWith(`.${suffix}`);
  });
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
