/**
 * A sink that talks to a receiver on this machine.
 *
 * @module
 */

import { type FluentdOptions, FluentdSink } from "../../lib/fluentd/sink.ts";
import type { FluentdTls } from "../../lib/fluentd/tls.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { type FluentdStandIn, startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { never } from "../fakes/never.ts";
import { fluentdPki, type Pki } from "../fakes/pki.ts";

/** A signal that never aborts. */
export const NEVER = never();

const PLAIN: FluentdTls = { caCerts: [], client: undefined, terms: [] };
const NO_HEADERS: ReturnType<FluentdOptions["headers"]> = [];

/** A sink, with options that most tests do not care about. */
export class TestSink extends FluentdSink {
  readonly clock: FakeClock;

  constructor(options: Partial<FluentdOptions>) {
    const clock = new FakeClock();
    super({
      url: "http://localhost/test.log",
      sessionUrl: "http://localhost/session",
      tls: () => PLAIN,
      maxConnections: 4,
      maxEvents: 500,
      maxBytes: 1024 * 1024,
      timeoutMs: 20_000,
      compress: "none",
      headers: () => NO_HEADERS,
      clock,
      ...options,
    });
    this.clock = clock;
  }
}

/** What the client's end shows and trusts. */
export function clientTls(
  { authority }: Pki,
  { client }: Partial<Pick<Pki, "client">> = {},
): FluentdTls {
  return {
    terms: [],
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
): Promise<TestSink> {
  const pki = await fluentdPki();
  const tls = clientTls(pki, pki);
  return new TestSink({
    url: `${url}/test.log`,
    sessionUrl: `${url}/session`,
    tls: () => tls,
    ...options,
  });
}
