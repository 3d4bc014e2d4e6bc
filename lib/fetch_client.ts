/**
 * Clients of `fetch` that go the way that our own connections go.
 *
 * Left alone, `fetch` reads the environment by rules of its own: to it ALL_PROXY
 * says more than HTTPS_PROXY, and an exception with a port, with an upper-case
 * letter or a `*`, and most of those for IPv6, say nothing. So it is given the
 * proxy that we decide on, and the exceptions in words that it understands.
 *
 * @module
 */

import { exceptFromProxies } from "./proxy_exceptions.ts";
import { formatAddress } from "./address.ts";
import {
  addressOf,
  type HttpProxy,
  httpProxyForUrl,
  isExcepted,
} from "./http_proxy.ts";

/** What a client is made with, besides the proxy. */
export type FetchClientOptions =
  | Omit<Deno.CreateHttpClientOptions, "proxy">
  | Omit<Deno.CreateHttpClientOptions, "proxy"> & Deno.TlsCertifiedKeyPem;

/**
 * Has `fetch` reach without a proxy which of these hosts are excepted. To be called
 * before another thread runs, and before the first client is made.
 *
 * @throws {ConfigError} naming the variable of a proxy that cannot be used
 */
export function exceptForFetch(urls: readonly URL[]): void {
  for (const url of urls) {
    // One that cannot be used is to be known now, and not at each request.
    httpProxyForUrl(url);
    if (isExcepted(url)) exceptFromProxies([addressOf(url).host]);
  }
}

/**
 * A client for requests to the host of `url`, through the proxy that there is for it
 * or through none.
 *
 * @throws {ConfigError} naming the variable of a proxy that cannot be used
 */
export function createFetchClient(
  url: URL,
  options: FetchClientOptions,
): Deno.HttpClient {
  const proxy = httpProxyForUrl(url);
  return Deno.createHttpClient({
    ...options,
    ...proxy && { proxy: toFetchProxy(proxy) },
  });
}

function toFetchProxy({ address, credentials }: HttpProxy): Deno.Proxy {
  const url = `http://${formatAddress(address)}`;
  if (credentials === undefined) return { transport: "http", url };
  const [, username = "", password = ""] =
    /^([^:]*):(.*)$/s.exec(credentials) ??
      [];
  return { transport: "http", url, basicAuth: { username, password } };
}
