/**
 * Fluentd's in_http, and what else takes JSON by POST, as a sink.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { RejectedError, TimeoutError } from "../errors.ts";
import type { AuditEvent, Destination } from "../event.ts";
import type { Sink } from "../pipeline/ports.ts";
import type {
  RequestObserver,
  SentRequest,
} from "../pipeline/request_observer.ts";
import { withoutQuery } from "../shown_url.ts";
import { errorOf } from "./answer.ts";
import { ByHost } from "./by_host.ts";
import { DeliveryThread } from "./delivery_thread.ts";
import {
  type Exchange,
  type Exchanges,
  type Header,
  LocalExchanges,
  type RequestOptions,
} from "./exchange.ts";
import { describeFetchError } from "./fetch_error.ts";
import { Pool } from "./pool.ts";
import type { FluentdTls } from "./tls.ts";

/** Where each destination's URL comes from. */
const OPTIONS = { audit: "fluentd-url", recording: "fluentd-session-url" };

/**
 * Requests that the thread that delivers has beyond those under way, so that no
 * connection waits for this one to learn of an answer and to pack what is next.
 */
const REQUESTS_AHEAD = 2;

/** How to talk to the receiver. */
export interface FluentdOptions extends RequestOptions {
  /** Receives audit events. */
  readonly url: string;
  /** Receives recordings, with `.<session id>.log` appended. */
  readonly sessionUrl: string;
  /** Asked before each request: another value means another connection. */
  readonly tls: () => FluentdTls;
  /** Per request. */
  readonly timeoutMs: number;
  /** Sent with every request; asked before each. */
  readonly headers: () => readonly Header[];
  readonly clock: Clock;
  readonly observer?: RequestObserver;
  /**
   * Whether requests are made on a thread of their own: for those who have many to
   * make, and many events in each. Default: on this one.
   */
  readonly ownThread?: boolean;
}

/** Sends events as JSON objects, or arrays of them, by POST. */
export class FluentdSink implements Sink, Disposable {
  readonly #options: FluentdOptions;
  readonly #exchanges: Exchanges;
  readonly #pools: ByHost<Pool<Exchange>>;
  /** So many calls of `send` at once are of use: with more, some only wait. */
  readonly maxRequests: number;

  constructor(options: FluentdOptions) {
    this.#options = options;
    const { ownThread, maxConnections } = options;
    this.#exchanges = ownThread
      ? new DeliveryThread(options)
      : new LocalExchanges(options);
    // Over one connection, what is tried again stays before what comes after it.
    const ahead = ownThread ? Math.min(REQUESTS_AHEAD, maxConnections - 1) : 0;
    this.maxRequests = maxConnections + ahead;
    const create = () => this.#exchanges.create();
    this.#pools = new ByHost(() => new Pool(this.maxRequests, create));
  }

  /**
   * See `Sink.send`. A request that takes longer than the time-out, from when it has
   * a connection, fails.
   */
  async send(
    destination: Destination,
    events: readonly AuditEvent[],
    kill: AbortSignal,
  ): Promise<number> {
    const url = this.#urlOf(destination);
    const option = OPTIONS[destination.kind];
    const pool = this.#pools.of(url);
    const exchange = await pool.acquire(kill);
    const deadline = this.#deadline(url, kill);
    const { signal } = deadline;
    const { observer, clock } = this.#options;
    const send = async (onBegun = () => {}): Promise<SentRequest> => {
      const sent = await exchange.send({
        ...{ url, events, signal },
        onBegun() {
          deadline.begin();
          onBegun();
        },
      }).catch((error: unknown) => {
        throw this.#explain(error, { url, option, signal });
      });
      const { count, bytes, brokenMs, outcome } = sent;
      const error = "error" in outcome
        ? this.#explain(outcome.error, { url, option, signal })
        : errorOf(outcome.answer, {
          url: withoutQuery(url),
          option,
          count,
          nowMs: clock.now(),
        });
      return { events: count, bytes, brokenMs, error };
    };
    try {
      const { events, error } = observer === undefined
        ? await send()
        : await observer.watch(destination, send);
      if (error !== undefined) throw error;
      return events;
    } finally {
      deadline.clear();
      pool.release(exchange);
    }
  }

  close(): void {
    this.#exchanges.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What ends a request before its time: `kill`, or that there is no answer. */
  #deadline(
    url: string,
    kill: AbortSignal,
  ): { readonly signal: AbortSignal; begin(): void; clear(): void } {
    const { timeoutMs } = this.#options;
    const end = new AbortController();
    const expire = () =>
      end.abort(
        new TimeoutError(
          `no answer from ${withoutQuery(url)} within ${timeoutMs / 1_000} s`,
        ),
      );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const abort = () => end.abort(kill.reason);
    kill.addEventListener("abort", abort, { once: true });
    if (kill.aborted) abort();
    return {
      signal: end.signal,
      begin() {
        timer = setTimeout(expire, timeoutMs);
      },
      clear() {
        clearTimeout(timer);
        kill.removeEventListener("abort", abort);
      },
    };
  }

  /** Why there is no answer. */
  #explain(
    error: unknown,
    { url, option, signal }: {
      readonly url: string;
      readonly option: string;
      readonly signal: AbortSignal;
    },
  ): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof RejectedError) return error;
    const { tls, clock } = this.#options;
    return describeFetchError(error, {
      url: withoutQuery(url),
      option,
      terms: tls().terms,
      nowMs: clock.now(),
    });
  }

  #urlOf(destination: Destination): string {
    const { url, sessionUrl } = this.#options;
    return destination.kind === "audit"
      ? url
      : `${sessionUrl}.${encodeURIComponent(destination.sessionId)}.log`;
  }
}
