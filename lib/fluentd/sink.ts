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
import { DeliveryThread } from "./delivery_thread.ts";
import {
  type BodyOptions,
  type Exchanges,
  type Header,
  LocalExchanges,
} from "./exchange.ts";
import { ExchangePool } from "./exchange_pool.ts";
import { describeFetchError } from "./fetch_error.ts";
import type { FluentdTls } from "./tls.ts";

/** Where each destination's URL comes from. */
const OPTIONS = { audit: "fluentd-url", recording: "fluentd-session-url" };

/** How to talk to the receiver. */
export interface FluentdOptions extends BodyOptions {
  /** Receives audit events. */
  readonly url: string;
  /** Receives recordings, with `.<session id>.log` appended. */
  readonly sessionUrl: string;
  /** Asked before each request: another value means another connection. */
  readonly tls: () => FluentdTls;
  /** Connections to each host, and so requests in flight. */
  readonly maxConnections: number;
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
  /** By origin: a pool's connections all lead to the same host. */
  readonly #pools = new Map<string, ExchangePool>();

  constructor(options: FluentdOptions) {
    this.#options = options;
    this.#exchanges = options.ownThread
      ? new DeliveryThread(options)
      : new LocalExchanges(options);
  }

  /** See `Sink.send`. A request that takes longer than the time-out fails. */
  async send(
    destination: Destination,
    events: readonly AuditEvent[],
    kill: AbortSignal,
  ): Promise<number> {
    const url = this.#urlOf(destination);
    const option = OPTIONS[destination.kind];
    const pool = this.#poolOf(url);
    const exchange = await pool.acquire(kill);
    const deadline = this.#deadline(url, kill);
    const { signal } = deadline;
    const { observer, clock } = this.#options;
    const send = async (): Promise<SentRequest> => {
      const sent = await exchange.send({ url, events, signal })
        .catch((error: unknown) => {
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
  ): { readonly signal: AbortSignal; clear(): void } {
    const { timeoutMs } = this.#options;
    const end = new AbortController();
    const timer = setTimeout(() => {
      end.abort(
        new TimeoutError(
          `no answer from ${withoutQuery(url)} within ${timeoutMs / 1_000} s`,
        ),
      );
    }, timeoutMs);
    const abort = () => end.abort(kill.reason);
    kill.addEventListener("abort", abort, { once: true });
    if (kill.aborted) abort();
    return {
      signal: end.signal,
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

  #poolOf(url: string): ExchangePool {
    const { origin } = new URL(url);
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new ExchangePool(
        this.#options.maxConnections,
        () => this.#exchanges.create(),
      );
      this.#pools.set(origin, pool);
    }
    return pool;
  }
}
