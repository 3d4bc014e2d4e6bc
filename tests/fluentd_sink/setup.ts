/**
 * A sink that talks to a receiver on this machine.
 *
 * @module
 */

import type { TlsOptions } from "../../lib/fluentd/lane.ts";
import { type FluentdOptions, FluentdSink } from "../../lib/fluentd/sink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { type FluentdStandIn, startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { fluentdPki, type Pki } from "../fakes/pki.ts";

/** A signal that never aborts. */
export const NEVER = new AbortController().signal;

/** A sink that is closed at the end of its block. */
export class DisposableSink extends FluentdSink implements Disposable {
  readonly clock: FakeClock;

  constructor(options: Partial<FluentdOptions>) {
    const clock = new FakeClock();
    super({
      url: "http://localhost/test.log",
      sessionUrl: "http://localhost/session",
      tls: () => ({ caCerts: [], client: undefined }),
      maxConnections: 4,
      maxEvents: 500,
      maxBytes: 1024 * 1024,
      timeoutMs: 20_000,
      compress: "none",
      headers: [],
      clock,
      ...options,
    });
    this.clock = clock;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What the client's end shows and trusts. */
export function clientTls(
  { authority }: Pki,
  { client }: Partial<Pick<Pki, "client">> = {},
): TlsOptions {
  return {
    caCerts: [authority.certificatePem],
    client: client && {
      cert: client.certificatePem,
      key: client.privateKeyPem,
    },
  };
}

/** A Fluentd that demands client certificates. */
export async function startTlsFluentd(): Promise<FluentdStandIn> {
  return await startFluentd({ tls: fluentdTls(await fluentdPki()) });
}

/** A sink that sends to it, with the right certificates. */
export async function sinkTo(
  { url }: Pick<FluentdStandIn, "url">,
  options: Partial<FluentdOptions> = {},
): Promise<DisposableSink> {
  const pki = await fluentdPki();
  return new DisposableSink({
    url: `${url}/test.log`,
    sessionUrl: `${url}/session`,
    tls: () => clientTls(pki, pki),
    ...options,
  });
}
