/**
 * The smallest client of Fluentd, to test the stand-ins with.
 *
 * @module
 */

import type { Pki } from "./pki.ts";

/**
 * A new client, and so new connections and TLS sessions, that trusts the server
 * of `pki` and shows the client certificate of `as`.
 */
export function connectTo(
  pki: Pki,
  { as = pki }: { readonly as?: Pki } = {},
): Deno.HttpClient {
  return Deno.createHttpClient({
    caCerts: [pki.authority.certificatePem],
    cert: as.client.certificatePem,
    key: as.client.privateKeyPem,
    http2: false,
  });
}

/** Posts one body, and resolves with the status of the answer. */
export async function postTo(
  url: string,
  { client, body, headers = {}, signal = null }: {
    readonly client: Deno.HttpClient;
    readonly body: BodyInit;
    readonly headers?: HeadersInit;
    readonly signal?: AbortSignal | null;
  },
): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    body,
    headers,
    signal,
    client,
  });
  await response.body?.cancel();
  return response.status;
}

/**
 * Resolves once a Fluentd has closed every connection that is idle now: opens one
 * more, does nothing with it, and waits for its end, which cannot come earlier.
 */
export async function outwaitIdleTimeout(
  { port }: { readonly port: number },
  pki: Pki,
): Promise<void> {
  using witness = await Deno.connectTls({
    hostname: "localhost",
    port,
    caCerts: [pki.authority.certificatePem],
    cert: pki.client.certificatePem,
    key: pki.client.privateKeyPem,
  });
  await witness.handshake();
  try {
    await witness.read(new Uint8Array(1));
  } catch (error) {
    if (!(error instanceof Deno.errors.UnexpectedEof)) throw error;
  }
}
