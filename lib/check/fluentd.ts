/**
 * The real path to Fluentd, step by step.
 *
 * @module
 */

import { isIP } from "node:net";
import type { FluentdConfig } from "../config/config.ts";
import type { Term } from "../credentials.ts";
import { describe } from "../errors.ts";
import { AUDIT, type Destination } from "../event.ts";
import { describeFetchError } from "../fluentd/fetch_error.ts";
import { FluentdSink } from "../fluentd/sink.ts";
import type { FluentdTls } from "../fluentd/tls.ts";
import { systemClock } from "../clock.ts";
import type { Address } from "../teleport/address.ts";
import { httpProxyFor } from "../teleport/http_proxy.ts";
import { connectTcp } from "../teleport/tcp.ts";
import { shakeHands, type Shown } from "../teleport/tls.ts";
import { attempt, type Finding, type Found, withUntried } from "./finding.ts";
import { checkNetwork, type Host, NETWORK_STEPS } from "./network.ts";
import { authorityNames, dateOf, shownText } from "./shown_text.ts";

const TIMEOUT_MS = 10_000;
/** Receivers and senders whose clocks differ by more are told. */
const MAX_SKEW_MS = 5_000;
/** A recording that nobody has. */
const NO_RECORDING: Destination = {
  kind: "recording",
  sessionId: "00000000-0000-0000-0000-000000000000",
};

/** What is looked at, and with what. */
export interface FluentdCheckOptions {
  readonly fluentd: FluentdConfig;
  readonly tls: FluentdTls;
  readonly signal: AbortSignal;
}

/** One of the URLs, and the option that it comes from. */
export interface Target {
  readonly option: "fluentd-url" | "fluentd-session-url";
  readonly url: string;
  readonly destination: Destination;
}

/** The two URLs; the second one may lead to another host. */
export function fluentdTargets(
  { url, sessionUrl }: Pick<FluentdConfig, "url" | "sessionUrl">,
): readonly Target[] {
  return [
    { option: "fluentd-url", url, destination: AUDIT },
    {
      option: "fluentd-session-url",
      url: sessionUrl,
      destination: NO_RECORDING,
    },
  ];
}

/**
 * Walks to a host, and posts an empty array to each URL.
 *
 * @param origin Scheme, host and port of them all
 */
export function checkFluentd(
  origin: URL,
  targets: readonly Target[],
  options: FluentdCheckOptions,
): AsyncGenerator<Finding> {
  const secure = origin.protocol === "https:";
  const steps = [
    ...NETWORK_STEPS,
    ...secure ? ["TLS", "client certificate"] : [],
    ...targets.map(postStep),
    "clock",
  ];
  return withUntried(steps, walk(origin, targets, options));
}

function postStep({ option }: Target): string {
  return `POST to ${option}`;
}

async function* walk(
  { protocol, hostname, port, origin: url }: URL,
  targets: readonly Target[],
  options: FluentdCheckOptions,
): AsyncGenerator<Finding> {
  const { tls, signal } = options;
  const option = targets[0]?.option ?? "fluentd-url";
  const secure = protocol === "https:";
  const address = {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
  };
  const host = { address, httpProxy: httpProxyFor(address), option };
  if (!(yield* checkNetwork(host, signal))) return;

  if (secure) {
    const shaken = await attempt(
      "TLS",
      signal,
      () => checkTls(host, url, options),
    );
    yield shaken.finding;
    if (shaken.value === undefined) return;
    yield (await attempt(
      "client certificate",
      signal,
      () => checkDemand(url, options),
    )).finding;
  }
  let taken = 0;
  for (const target of targets) {
    const posted = await attempt(
      postStep(target),
      signal,
      () => post(target, options),
    );
    yield posted.finding;
    if (posted.value) taken++;
  }
  if (taken === 0) return;
  yield (await attempt("clock", signal, () => compareClocks(url, tls, signal)))
    .finding;
}

/** Shakes hands, and looks at what was shown as delivery would. */
async function checkTls(
  { address, httpProxy, option }: Host,
  url: string,
  { tls, signal }: FluentdCheckOptions,
): Promise<Found<true>> {
  const { caCerts, client } = tls;
  const socket = await connectTcp(address, { httpProxy, signal });
  let shown: Shown;
  try {
    shown = await shakeHands(socket, {
      ...caCerts.length > 0 && { ca: [...caCerts] },
      ...client,
      ...isIP(address.host) === 0
        ? { servername: address.host }
        : { host: address.host },
      ALPNProtocols: ["http/1.1"],
    }, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw describeHandshakeError(error, url, tls.terms);
  }
  const problem = problemOf(shown, address, { tls, option });
  if (problem === undefined) return { text: shownText(shown), value: true };
  throw new Error(`${problem}; it shows ${shownText(shown)}`);
}

/** In the words of delivery, which meets the same. */
function describeHandshakeError(
  error: unknown,
  url: string,
  terms: readonly Term[],
): Error {
  const brokenOff = /disconnected before secure|closed in the TLS handshake/;
  const text = describe(error).replace(brokenOff, "tls handshake eof");
  return describeFetchError(new Error(text), {
    url,
    terms,
    nowMs: Date.now(),
  });
}

function problemOf(
  { problem, names, issuer, notAfterMs }: Shown,
  { host }: Address,
  { tls: { caCerts }, option }: { tls: FluentdTls; option: string },
): string | undefined {
  if (problem === undefined) return undefined;
  if (/ALTNAME|NotValidForName/i.test(problem)) {
    return `its certificate is for another host name than ${host}: use ${
      names.join(" or ")
    } in ${option}, or issue a certificate for ${host}`;
  }
  if (notAfterMs <= Date.now()) {
    return `its certificate expired on ${dateOf(notAfterMs)}: renew it`;
  }
  const expected = caCerts.length === 0
    ? "the system's (fluentd-ca is not set)"
    : `those in fluentd-ca (${authorityNames(caCerts)})`;
  return `its certificate is signed by ${issuer}, which is none of the CAs that we trust, ${expected}: ` +
    `set fluentd-ca to the file of the CA that signed it (${problem})`;
}

/** Whether it lets in whoever shows no certificate. */
async function checkDemand(
  url: string,
  { tls, signal }: FluentdCheckOptions,
): Promise<Found<true>> {
  try {
    await ask(url, { ...tls, client: undefined }, signal);
  } catch {
    if (signal.aborted) throw signal.reason;
    return { text: "demanded", value: true };
  }
  return {
    text:
      "it does not demand a client certificate, so that whoever reaches it can write: set client_cert_auth true and ca_path in its <transport tls>",
    warning: true,
    value: true,
  };
}

/** Not every receiver tells its time. */
async function compareClocks(
  url: string,
  tls: FluentdTls,
  signal: AbortSignal,
): Promise<Found<true>> {
  const beforeMs = Date.now();
  let date: string | null;
  try {
    ({ date } = await ask(url, tls, signal));
  } catch (error) {
    const { terms } = tls;
    throw describeFetchError(error, { url, terms, nowMs: beforeMs });
  }
  const skewMs = date === null ? NaN : Date.parse(date) - beforeMs;
  if (Number.isNaN(skewMs)) {
    return { text: "it does not tell its time", value: true };
  }
  const seconds = Math.abs(Math.round(skewMs / 1_000));
  // The header is cut to the second, and the answer took some time.
  const tolerated = Math.abs(skewMs) <= MAX_SKEW_MS + (Date.now() - beforeMs);
  if (tolerated) return { text: "as ours", value: true };
  return {
    text: `${seconds} s ${
      skewMs > 0 ? "ahead of" : "behind"
    } ours: does every machine follow NTP?`,
    warning: true,
    value: true,
  };
}

/** Has it answer, whatever it says. */
async function ask(
  url: string,
  { caCerts, client: shown }: FluentdTls,
  signal: AbortSignal,
): Promise<{ date: string | null }> {
  using client = Deno.createHttpClient({
    caCerts: [...caCerts],
    http2: false,
    ...shown,
  });
  const response = await fetch(new URL("/", url), {
    client,
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  await response.body?.cancel();
  return { date: response.headers.get("date") };
}

/** Posts `[]`, which every receiver of arrays takes and nobody keeps. */
async function post(
  { url, destination }: Target,
  { fluentd, tls, signal }: FluentdCheckOptions,
): Promise<Found<true>> {
  if (fluentd.batch === 1) {
    return {
      text:
        "left out: with fluentd-batch 1 an empty array would be taken for an event",
      value: true,
    };
  }
  const sink = new FluentdSink({
    ...fluentd,
    maxEvents: fluentd.batch,
    maxBytes: fluentd.batchBytes,
    tls: () => tls,
    headers: () => fluentd.headers,
    clock: systemClock,
  });
  try {
    await sink.send(destination, [], signal);
  } finally {
    sink.close();
  }
  return { text: `${url} takes an empty array`, value: true };
}
