/**
 * Asks a Teleport proxy who it is, as browsers and Teleport's own tools do.
 *
 * @module
 */

import { describe } from "../errors.ts";
import { createFetchClient } from "../fetch_client.ts";
import {
  asksForPatience,
  readBeginning,
  shortenFetchError,
} from "../fetch_outcome.ts";
import { type Address, formatAddress } from "../address.ts";

/** The words of rustls, and what to do about them. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /UnknownIssuer/,
    "is not signed by a CA that we trust: have the system trust it, " +
    "or name the CA's file in the environment variable DENO_CERT",
  ],
  [
    /CaUsedAsEndEntity/,
    "is that of a CA: give the proxy one of its own, signed by the CA",
  ],
  [/certificate expired/, "has expired: renew it"],
  [/certificate not valid yet/, "is not valid yet: are the clocks right?"],
  [
    /not valid for name|NotValidForName/,
    "is for another name: use that name in teleport-addr",
  ],
];

/** What a proxy says of itself and its cluster. */
export interface ProxyPing {
  readonly cluster: string;
  /** Whether it passes TLS through to the auth service, by ALPN. */
  readonly tlsRouting: boolean;
}

/** Whatever is at an address, it gave no such answer. */
export class NoProxyError extends Error {
  override readonly name = "NoProxyError";

  constructor(
    message: string,
    /** Whether that may be different in a while. */
    readonly passing: boolean,
  ) {
    super(message);
  }
}

/**
 * Asks.
 *
 * @param authorities CAs, in PEM, that are trusted besides those that every
 * program trusts: a web certificate is not signed by the cluster
 * @throws {NoProxyError}
 * @throws `signal.reason`
 */
export async function pingProxy(
  address: Address,
  { authorities, signal }: {
    readonly authorities: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<ProxyPing> {
  const url = `https://${formatAddress(address)}/webapi/ping`;
  let text: string;
  let isWhole: boolean;
  try {
    using client = createFetchClient(new URL(url), {
      caCerts: [...authorities],
    });
    const response = await fetch(url, { client, signal });
    ({ text, isWhole } = await readBeginning(response));
    if (!response.ok) {
      throw new NoProxyError(
        `${url} answers with status ${response.status}`,
        response.status >= 500 || asksForPatience(response.status),
      );
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof NoProxyError) throw error;
    throw explain(error, url);
  }
  const ping = isWhole ? parsePing(text) : undefined;
  if (ping !== undefined) return ping;
  throw new NoProxyError(`${url} answers with something else`, false);
}

function parsePing(text: string): ProxyPing | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { cluster_name: cluster, proxy } = record(answer);
  if (typeof cluster !== "string" || cluster === "") return undefined;
  return {
    cluster,
    tlsRouting: record(proxy)["tls_routing_enabled"] === true,
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function explain(error: unknown, url: string): NoProxyError {
  const text = shortenFetchError(describe(error));
  const [, meaning] = MEANINGS.find(([pattern]) => pattern.test(text)) ?? [];
  if (meaning !== undefined) {
    const message = `the certificate of ${url} ${meaning} (${text})`;
    return new NoProxyError(message, false);
  }
  return new NoProxyError(
    `${url} does not answer: ${text}`,
    !/certificate|alert|InvalidContentType|HTTP/.test(text),
  );
}
