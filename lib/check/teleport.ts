/**
 * The real path to Teleport, step by step.
 *
 * @module
 */

import type { Identity } from "../teleport/identity.ts";
import { type Address, formatAddress } from "../address.ts";
import { TeleportClient } from "../teleport/client.ts";
import { TeleportError } from "../teleport/errors.ts";
import { httpProxyFor } from "../http_proxy.ts";
import { resolveRoute, type Route } from "../teleport/route.ts";
import { RouteError } from "../teleport/route_error.ts";
import { attempt, type Finding, type Found, withUntried } from "./finding.ts";
import { compareClocks } from "./http_answer.ts";
import { checkNetwork, NETWORK_STEPS } from "./network.ts";
import type { Part } from "./report.ts";
import { authorityNames, shownText } from "./shown_text.ts";

/** No recording has this id. */
const NO_SESSION = "00000000-0000-0000-0000-000000000000";
const DAY_MS = 24 * 60 * 60_000;
/** Events that are so far ahead of us tell that our clock is behind. */
const AHEAD_MS = 5_000;

/** What is looked at, and with what. */
export interface TeleportCheckOptions {
  readonly identity: Identity;
  /** Whether users are to be locked. */
  readonly lock: boolean;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** Told what the cluster calls itself. */
  readonly onCluster: (name: string) => void;
}

/**
 * Looks at addresses of which one has to work. Those before the first at which
 * Teleport answers are no failures then, and those behind it are left out, as a run
 * leaves them out.
 *
 * @throws `signal.reason`
 */
export async function* checkAlternatives(
  addresses: readonly Address[],
  options: TeleportCheckOptions,
): AsyncGenerator<Part> {
  const unanswered: { address: Address; findings: Finding[] }[] = [];
  for (const address of addresses) {
    const findings = checkTeleport(address, options);
    if (addresses.length === 1) return yield partOf(address, findings);
    const found = await Array.fromAsync(findings);
    if (found.some(isAnswer)) {
      for (const { address: other, findings } of unanswered) {
        yield partOf(other, excuse(findings, address));
      }
      return yield partOf(address, found);
    }
    unanswered.push({ address, findings: found });
  }
  for (const { address, findings } of unanswered) {
    yield partOf(address, findings);
  }
}

function partOf(address: Address, findings: Part["findings"]): Part {
  return { name: `Teleport at ${formatAddress(address)}`, findings };
}

/** A run stays with an address once the cluster there says who it is. */
function isAnswer({ step, status }: Finding): boolean {
  return step === "gRPC" && status === "ok";
}

/** What was found at an address that need not work, since another one does. */
function excuse(findings: readonly Finding[], other: Address): Finding[] {
  return findings.filter(({ status }) => status !== "not tried")
    .map((finding) =>
      finding.status === "failed"
        ? {
          ...finding,
          status: "ok",
          text: `not needed, since ${
            formatAddress(other)
          } answers (${finding.text})`,
        }
        : finding
    );
}

/** Walks to Teleport at one address, and asks for what the program needs there. */
function checkTeleport(
  address: Address,
  options: TeleportCheckOptions,
): AsyncGenerator<Finding> {
  const steps = [
    ...NETWORK_STEPS,
    "TLS",
    "gRPC",
    "events",
    "recordings",
    ...options.lock ? ["locks"] : [],
    "clock",
  ];
  return withUntried(steps, walk(address, options));
}

async function* walk(
  address: Address,
  options: TeleportCheckOptions,
): AsyncGenerator<Finding> {
  const { identity, signal } = options;
  const httpProxy = httpProxyFor(address);
  const host = { address, httpProxy, option: "teleport-addr" };
  if (!(yield* checkNetwork(host, signal))) return;

  const route = await attempt("TLS", signal, async () => {
    try {
      const found = await resolveRoute(address, {
        identity,
        httpProxy,
        signal,
      });
      const way = found.kind === "auth service"
        ? "the auth service itself shows"
        : "a proxy passes TLS on to the auth service, which shows";
      return { text: `${way} ${shownText(found.shown)}`, value: found };
    } catch (error) {
      const untrusted = error instanceof RouteError &&
        error.problem === "untrusted";
      if (!untrusted) throw error;
      const names = authorityNames(identity.authorities);
      const namesake = error.message.includes(`signed by ${names}:`)
        ? ", another CA of the same name"
        : "";
      throw new Error(
        `${error.message}; expected: one signed by ${names}${namesake}`,
      );
    }
  });
  yield route.finding;
  if (route.value === undefined) return;

  using client = new TeleportClient({ addresses: [address], identity });
  yield* checkCalls(client, route.value, options);
}

async function* checkCalls(
  client: TeleportClient,
  route: Route,
  options: TeleportCheckOptions,
): AsyncGenerator<Finding> {
  const { lock, nowMs, signal, onCluster } = options;
  const ping = await attempt("gRPC", signal, async () => {
    const cluster = await client.ping(signal);
    onCluster(cluster.name);
    return {
      text: `the cluster ${cluster.name}, version ${cluster.version}`,
      value: cluster,
    };
  });
  yield ping.finding;
  if (ping.value === undefined) return;

  const listed = await attempt("events", signal, async () => {
    const range = { startMs: nowMs - DAY_MS, endMs: nowMs };
    const { events } = await client.getEvents(
      { ...range, types: [], limit: 1, cursor: "" },
      signal,
    );
    const text = events.length > 0
      ? "may be listed"
      : "may be listed; there is none of the last 24 hours";
    return { text, value: true };
  });
  yield listed.finding;

  yield (await attempt("recordings", signal, async () => {
    await tryRecording(client, signal);
    return { text: "may be streamed", value: true };
  })).finding;

  if (lock) {
    yield (await attempt("locks", signal, async () => {
      await client.checkLockAccess(signal);
      return { text: "may be made", value: true };
    })).finding;
  }

  const throughProxy = route.kind === "TLS routing";
  if (!throughProxy && listed.value === undefined) return;
  yield (await attempt(
    "clock",
    signal,
    () =>
      throughProxy
        ? compareWithProxy(route.address, options)
        : lookAhead(client, signal),
  )).finding;
}

/** Asks for a recording that nobody has: a right that is missing shows first. */
async function tryRecording(
  client: TeleportClient,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _ of client.streamSessionEvents(NO_SESSION, 0, signal)) {
      return;
    }
  } catch (error) {
    if (error instanceof TeleportError && error.status === "NOT_FOUND") return;
    throw error;
  }
}

/** A proxy tells its time as every web server does. */
function compareWithProxy(
  address: Address,
  { identity, signal }: TeleportCheckOptions,
): Promise<Found<true>> {
  const tls = { caCerts: identity.authorities, client: undefined };
  return compareClocks(`https://${formatAddress(address)}`, tls, signal);
}

/** The auth service tells no time; its events do, where they are ahead of us. */
async function lookAhead(
  client: TeleportClient,
  signal: AbortSignal,
): Promise<Found<true>> {
  const nowMs = Date.now();
  const startMs = nowMs + AHEAD_MS;
  const { events: [event] } = await client.getEvents({
    startMs,
    endMs: startMs + DAY_MS,
    types: [],
    limit: 1,
    cursor: "",
  }, signal);
  if (event === undefined) {
    return { text: "no event is ahead of our clock", value: true };
  }
  const seconds = Math.round((event.timeMs - nowMs) / 1_000);
  return {
    text:
      `an event is ${seconds} s ahead of our clock, so that events are read that late: does every machine follow NTP?`,
    warning: true,
    value: true,
  };
}
