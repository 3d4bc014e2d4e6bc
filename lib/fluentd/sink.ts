/**
 * Fluentd's in_http, and what else takes JSON by POST, as a sink.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TimeoutError } from "../errors.ts";
import type { AuditEvent, Destination } from "../event.ts";
import type { Sink } from "../pipeline/ports.ts";
import type { RequestObserver } from "../pipeline/request_observer.ts";
import {
  encodeEvents,
  JSON_ARRAY,
  JSON_OBJECT,
} from "../struct/encode_events.ts";
import { checkAnswer } from "./answer.ts";
import { describeFetchError } from "./fetch_error.ts";
import { gzip } from "./gzip.ts";
import { type Answer, Lane } from "./lane.ts";
import { LanePool } from "./lane_pool.ts";
import type { FluentdTls } from "./tls.ts";

/** Where each destination's URL comes from. */
const OPTIONS = { audit: "fluentd-url", recording: "fluentd-session-url" };

/** How to talk to the receiver. */
export interface FluentdOptions {
  /** Receives audit events. */
  readonly url: string;
  /** Receives recordings, with `.<session id>.log` appended. */
  readonly sessionUrl: string;
  /** Asked before each request: another value means another connection. */
  readonly tls: () => FluentdTls;
  /** Connections to each host, and so requests in flight. */
  readonly maxConnections: number;
  /** Most events per request; 1 sends plain objects instead of arrays. */
  readonly maxEvents: number;
  /** Most bytes per request, before compression; one event may exceed it. */
  readonly maxBytes: number;
  /** Per request. */
  readonly timeoutMs: number;
  readonly compress: "none" | "gzip";
  /** Sent with every request; asked before each. */
  readonly headers: () => readonly Header[];
  readonly clock: Clock;
  readonly observer?: RequestObserver;
}

/** One HTTP header. */
interface Header {
  readonly name: string;
  readonly value: string;
}

/** Sends events as JSON objects, or arrays of them, by POST. */
export class FluentdSink implements Sink {
  readonly #options: FluentdOptions;
  #headers: { readonly of: readonly Header[]; readonly all: Headers };
  /** By origin: a pool's connections all lead to the same host. */
  readonly #pools = new Map<string, LanePool>();

  constructor(options: FluentdOptions) {
    this.#options = options;
    const headers = options.headers();
    this.#headers = { of: headers, all: allHeaders(headers, options) };
  }

  /** See `Sink.send`. A request that takes longer than the time-out fails. */
  async send(
    destination: Destination,
    events: readonly AuditEvent[],
    kill: AbortSignal,
  ): Promise<number> {
    const url = this.#urlOf(destination);
    const pool = this.#poolOf(url);
    const { lane, buffer } = await pool.acquire(kill);
    try {
      const count = encodeEvents(events, buffer, {
        framing: this.#options.maxEvents > 1 ? JSON_ARRAY : JSON_OBJECT,
        limits: this.#options,
      });
      const body = this.#options.compress === "gzip"
        ? await gzip(buffer.written())
        : buffer.written();
      const { observer, clock } = this.#options;
      const send = async () => {
        const answer = await this.#post(lane, url, body, kill);
        checkAnswer(answer, {
          url: withoutQuery(url),
          option: OPTIONS[destination.kind],
          count,
          nowMs: clock.now(),
        });
      };
      await (observer === undefined ? send() : observer.watch(
        { destination, events: count, bytes: body.length },
        send,
      ));
      return count;
    } finally {
      pool.release({ lane, buffer });
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  async #post(
    lane: Lane,
    url: string,
    body: Uint8Array<ArrayBuffer>,
    kill: AbortSignal,
  ): Promise<Answer> {
    const { timeoutMs } = this.#options;
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort(
        new TimeoutError(
          `no answer from ${withoutQuery(url)} within ${timeoutMs / 1_000} s`,
        ),
      );
    }, timeoutMs);
    const abort = () => timeout.abort(kill.reason);
    kill.addEventListener("abort", abort, { once: true });
    try {
      kill.throwIfAborted();
      const { signal } = timeout;
      const headers = this.#currentHeaders();
      return await lane.post({ url, headers, body, signal });
    } catch (error) {
      if (kill.aborted) throw kill.reason;
      if (timeout.signal.aborted) throw timeout.signal.reason;
      const { tls, clock } = this.#options;
      const { terms } = tls();
      throw describeFetchError(error, {
        url: withoutQuery(url),
        terms,
        nowMs: clock.now(),
      });
    } finally {
      clearTimeout(timer);
      kill.removeEventListener("abort", abort);
    }
  }

  #currentHeaders(): Headers {
    const headers = this.#options.headers();
    if (headers !== this.#headers.of) {
      this.#headers = { of: headers, all: allHeaders(headers, this.#options) };
    }
    return this.#headers.all;
  }

  #urlOf(destination: Destination): string {
    const { url, sessionUrl } = this.#options;
    return destination.kind === "audit"
      ? url
      : `${sessionUrl}.${encodeURIComponent(destination.sessionId)}.log`;
  }

  #poolOf(url: string): LanePool {
    const { origin } = new URL(url);
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      const { maxConnections, tls, clock } = this.#options;
      pool = new LanePool(maxConnections, () => new Lane(tls, clock));
      this.#pools.set(origin, pool);
    }
    return pool;
  }
}

function allHeaders(
  headers: readonly Header[],
  { compress }: Pick<FluentdOptions, "compress">,
): Headers {
  const all = new Headers();
  for (const { name, value } of headers) all.append(name, value);
  if (!all.has("content-type")) all.set("content-type", "application/json");
  if (compress === "gzip") all.set("content-encoding", "gzip");
  return all;
}

/** As messages show it: some receivers take a secret in the query. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, "?…");
}
