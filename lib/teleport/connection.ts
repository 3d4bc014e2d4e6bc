/**
 * The channel in use: found among several addresses, given up when it fails, and
 * replaced when the credentials are renewed.
 *
 * @module
 */

import { ConfigError, describe } from "../errors.ts";
import { type Address, formatAddress, groupAlternatives } from "../address.ts";
import { Channel } from "./channel.ts";
import { TeleportError } from "./errors.ts";
import { type HttpProxy, httpProxyFor } from "../http_proxy.ts";
import type { Identity } from "./identity.ts";
import { resolveRoute, type Route } from "./route.ts";
import { RouteError } from "./route_error.ts";
import { abortable } from "../vendor/async.ts";

/** What a cluster says of itself. */
export interface Cluster {
  readonly name: string;
  readonly version: string;
}

/** Where Teleport is, and who we are. */
export interface ConnectionOptions {
  /** At least one; the first that works is used until it fails. */
  readonly addresses: readonly Address[];
  readonly identity: Identity;
  readonly observer?: ConnectionObserver;
}

/** Who is told about connections. */
export interface ConnectionObserver {
  /** A way was found, and the cluster answered; also each time after a failure. */
  connected(route: Route, cluster: Cluster): void;
}

/** An address, and what is between us and it. */
interface Way {
  readonly address: Address;
  readonly httpProxy: HttpProxy | undefined;
  /** Of several with one number, one has to work. */
  readonly group: number;
  /** Whether Teleport was reached this way. */
  worked: boolean;
}

/** A way that did not lead to Teleport this time. */
interface Failure {
  readonly way: Way;
  readonly error: unknown;
}

/** Asks whoever is at the other end of a channel who it is. */
type Greet = (channel: Channel, signal: AbortSignal) => Promise<Cluster>;

/**
 * A connected server that fails so often in a row is left for another address, or for
 * whoever else is found at the same one: a load balancer may have several.
 */
const MAX_FAILURES = 3;

/** Channels, one after another. */
export class Connection {
  readonly #ways: readonly Way[];
  readonly #observer: ConnectionObserver | undefined;
  readonly #greet: Greet;
  readonly #closed = new AbortController();
  #identity: Identity;
  #channel: Channel | undefined;
  #opening: Promise<Channel> | undefined;
  /** The address to try first. */
  #first = 0;
  #failures = 0;
  /** What the cluster called itself at first: another one is none of ours. */
  #cluster: string | undefined;

  constructor(
    { addresses, identity, observer }: ConnectionOptions,
    greet: Greet,
  ) {
    if (addresses.length === 0) {
      throw new ConfigError(["teleport-addr is empty"]);
    }
    this.#ways = groupAlternatives(addresses).flatMap((alternatives, group) =>
      alternatives.map((address) => ({
        address,
        httpProxy: httpProxyFor(address),
        group,
        worked: false,
      }))
    );
    this.#identity = identity;
    this.#observer = observer;
    this.#greet = greet;
  }

  /** The credentials that calls are made with from now on. */
  get identity(): Identity {
    return this.#identity;
  }

  /**
   * The channel to use for one call; opened where there is none.
   *
   * @throws {TeleportError} where no address works
   * @throws `signal.reason`
   */
  async acquire(signal: AbortSignal): Promise<Channel> {
    signal.throwIfAborted();
    this.#leaveIfBroken();
    if (this.#channel !== undefined) return this.#channel;
    // One for all who wait, none of whom can abort it for the others.
    this.#opening ??= this.#open(this.#identity)
      .then((channel) => this.#adopt(channel))
      .finally(() => this.#opening = undefined);
    return await abortable(this.#opening, signal);
  }

  /** A call over this channel was answered. */
  worked(channel: Channel): void {
    if (channel === this.#channel) this.#failures = 0;
  }

  /** A call over this channel failed. */
  failed(channel: Channel, error: unknown): void {
    if (channel !== this.#channel || !(error instanceof TeleportError)) return;
    const { status } = error;
    if (status === "UNAVAILABLE" || status === "DEADLINE_EXCEEDED") {
      this.#failures++;
    }
  }

  /**
   * Opens a channel with other credentials and uses it for all calls that begin
   * from then on; those under way end on the old one. Where that fails, the old
   * credentials stay in use, unless they have expired.
   *
   * @throws {TeleportError} where it fails
   * @throws `signal.reason`
   */
  async renew(identity: Identity, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const expired = this.#identity.certificate.notAfterMs <= Date.now();
    if (expired) this.#identity = identity;
    const opening = this.#open(identity);
    try {
      const channel = await abortable(opening, signal);
      this.#identity = identity;
      this.#replace(channel);
    } catch (error) {
      if (signal.aborted) {
        opening.then((channel) => channel.close(), () => {});
      }
      throw error;
    }
  }

  /** Takes no more calls, and closes the channel when those under way are over. */
  close(): void {
    this.#closed.abort(
      new TeleportError("the connection to Teleport is closed", "CANCELLED"),
    );
    this.#replace(undefined);
  }

  /**
   * After a failure, since a channel that was idle connects by itself; and only
   * now, since it takes a moment to notice that its connection is gone.
   */
  #leaveIfBroken(): void {
    if (this.#channel === undefined || this.#failures === 0) return;
    if (this.#channel.connected) {
      // It may be the calls' own fault.
      if (this.#failures < MAX_FAILURES) return;
      this.#first = (this.#first + 1) % this.#ways.length;
    }
    this.#replace(undefined);
  }

  #replace(channel: Channel | undefined): void {
    this.#channel?.close();
    this.#channel = channel;
    this.#failures = 0;
  }

  #adopt(channel: Channel): Channel {
    if (this.#channel === undefined) return this.#channel = channel;
    // Renewed credentials were faster.
    channel.close();
    return this.#channel;
  }

  async #open(identity: Identity): Promise<Channel> {
    const failures: Failure[] = [];
    // Another one that is opened meanwhile may change it.
    const first = this.#first;
    for (const index of this.#ways.keys()) {
      const turn = (first + index) % this.#ways.length;
      const way = this.#ways[turn];
      if (way === undefined) continue;
      try {
        const channel = await this.#openAt(way, identity);
        this.#first = turn;
        way.worked = true;
        return channel;
      } catch (error) {
        this.#closed.signal.throwIfAborted();
        failures.push({ way, error });
      }
    }
    const [failure, ...more] = failures;
    if (failure !== undefined && more.length === 0) throw failure.error;
    throw new SeveralErrors(failures);
  }

  async #openAt(
    { address, httpProxy }: Way,
    identity: Identity,
  ): Promise<Channel> {
    const { signal } = this.#closed;
    const route = await resolveRoute(address, { identity, httpProxy, signal });
    const channel = new Channel(route, identity);
    try {
      const cluster = await this.#greet(channel, signal);
      this.#cluster ??= cluster.name;
      if (cluster.name !== this.#cluster) {
        throw new TeleportError(
          `Teleport at ${
            formatAddress(address)
          }: it is the cluster ${cluster.name}, ` +
            `and not ${this.#cluster} as before: name addresses of one cluster in teleport-addr`,
          "FAILED_PRECONDITION",
        );
      }
      signal.throwIfAborted();
      this.#observer?.connected(route, cluster);
      return channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  }
}

/** No address works, each for a reason of its own. */
class SeveralErrors extends TeleportError {
  constructor(failures: readonly Failure[]) {
    const text = failures.map(({ error }) => describe(error)).join("; ");
    super(text, "UNAVAILABLE", {
      unreachable: !failures.every((failure) => isInVain(failure, failures)),
    });
  }

  override get permanent(): boolean {
    return !this.unreachable;
  }
}

/**
 * Whether it is in vain to try a way again: also where it is one of several guesses
 * and never worked, and Teleport itself was found at another one.
 */
function isInVain({ way, error }: Failure, all: readonly Failure[]): boolean {
  if (isPermanent(error)) return true;
  return !way.worked &&
    all.some((other) =>
      other.way.group === way.group && isPermanent(other.error) &&
      !(other.error instanceof RouteError &&
        other.error.problem === "no Teleport")
    );
}

function isPermanent(error: unknown): boolean {
  return error instanceof TeleportError && error.permanent;
}
