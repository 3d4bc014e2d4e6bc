/**
 * The real path to Fluentd, step by step.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { FluentdConfig } from "../config/config.ts";
import { AUDIT, type Destination } from "../event.ts";
import { FluentdSink } from "../fluentd/sink.ts";
import {
  addressOf,
  forwardProxyVariable,
  httpProxyFor,
} from "../http_proxy.ts";
import { withoutQuery } from "../shown_url.ts";
import { attempt, type Finding, type Found, withUntried } from "./finding.ts";
import { compareClocks } from "./http_answer.ts";
import { checkDemand, checkTls, type TlsCheckOptions } from "./fluentd_tls.ts";
import { checkNetwork, NETWORK_STEPS } from "./network.ts";

/** A recording that nobody has. */
const NO_RECORDING: Destination = {
  kind: "recording",
  sessionId: "00000000-0000-0000-0000-000000000000",
};

/** What is looked at, and with what. */
export interface FluentdCheckOptions extends TlsCheckOptions {
  readonly fluentd: FluentdConfig;
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
  origin: URL,
  targets: readonly Target[],
  options: FluentdCheckOptions,
): AsyncGenerator<Finding> {
  const { tls, signal } = options;
  const option = targets[0]?.option ?? "fluentd-url";
  const url = origin.origin;
  const secure = origin.protocol === "https:";
  const address = addressOf(origin);
  const httpProxy = secure ? httpProxyFor(address) : undefined;
  const host = { address, httpProxy, option };
  const forward = secure ? undefined : forwardProxyVariable(address);
  if (forward !== undefined) yield* leaveToProxy(forward);
  else if (!(yield* checkNetwork(host, signal))) return;

  if (secure) {
    const shaken = await attempt(
      "TLS",
      signal,
      () => checkTls(host, url, options),
    );
    yield shaken.finding;
    if (shaken.value === undefined) return;
    const demand = await attempt(
      "client certificate",
      signal,
      () => checkDemand(host, url, options),
    );
    yield demand.finding;
    if (demand.value === undefined) return;
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

/** What lies between us and a server without TLS shows when something is posted. */
function* leaveToProxy(variable: string): Generator<Finding> {
  for (const step of NETWORK_STEPS) {
    const text = `left to the HTTP proxy that ${variable} names`;
    yield { step, status: "ok", text };
  }
}

/** Posts `[]`, which every receiver of arrays takes and nobody keeps. */
async function post(
  { url, destination }: Target,
  { fluentd, tls, signal }: FluentdCheckOptions,
): Promise<Found<true>> {
  if (fluentd.maxEvents === 1) {
    return {
      text:
        "left out: with fluentd-batch 1 an empty array would be taken for an event",
      value: true,
    };
  }
  using sink = new FluentdSink({
    ...fluentd,
    tls: () => tls,
    headers: () => fluentd.headers,
    clock: systemClock,
  });
  await sink.send(destination, [], signal);
  return { text: `${withoutQuery(url)} takes an empty array`, value: true };
}
