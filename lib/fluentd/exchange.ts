/**
 * Requests: packed, encoded once there is a connection for them, posted, answered.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Payload } from "../event.ts";
import { fitting } from "../pipeline/fitting.ts";
import {
  encodeEvents,
  JSON_ARRAY,
  JSON_OBJECT,
} from "../struct/encode_events.ts";
import { type PackedPayloads, PayloadBlock } from "../struct/payload_block.ts";
import { ByHost } from "./by_host.ts";
import { gzip } from "./gzip.ts";
import { type Answer, Lane, type TlsOptions } from "./lane.ts";
import { Pool } from "./pool.ts";

/** What requests are like. */
export interface RequestOptions {
  /** Most events per request; 1 sends plain objects instead of arrays. */
  readonly maxEvents: number;
  /** Most bytes per request, before compression; one event may exceed it. */
  readonly maxBytes: number;
  readonly compress: "none" | "gzip";
  /** Connections to each host, and so requests under way. */
  readonly maxConnections: number;
}

/** How requests are made. */
export interface ExchangeOptions extends RequestOptions {
  /** Asked before each request: another value means another connection. */
  readonly tls: () => TlsOptions;
  /** Sent with every request; asked before each. */
  readonly headers: () => readonly Header[];
  readonly clock: Clock;
}

/** One HTTP header. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What is to be sent. */
export interface Sending {
  readonly url: string;
  readonly events: readonly Payload[];
  /** Aborts the request, which then fails. */
  readonly signal: AbortSignal;
  /** Called once there is a connection for it, unless it is aborted before. */
  readonly onBegun: () => void;
}

/** The same with packed payloads, be it on the thread that packed them or another one. */
export interface PackedSending extends Omit<Sending, "events"> {
  readonly events: PackedPayloads;
}

/** What was sent, and what came of it. */
export interface Sent {
  /** How many of the events: the leading ones, as many as fit, at least one. */
  readonly count: number;
  /** Of the body, compressed or not. */
  readonly bytes: number;
  /**
   * How long it took until a connection that was kept broke, where it did: then it
   * was sent once more, and the receiver may have it twice.
   */
  readonly brokenMs: number | undefined;
  /** What the receiver says, or fetch: then whether it took them is not known. */
  readonly outcome: { readonly answer: Answer } | { readonly error: unknown };
}

/** Makes one request at a time. */
export interface Exchange {
  /**
   * Sends the leading events, on the next connection to their host that is free.
   *
   * @throws {RejectedError} where the first event's payload is no Struct
   */
  send(sending: Sending): Promise<Sent>;
}

/** The body of a request, until the next one is encoded on this thread. */
interface Encoded {
  readonly count: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Has the connections, and closes them all. */
export interface Exchanges {
  create(): Exchange;
  close(): void;
}

/** Connections of this thread. */
export class LocalExchanges implements Exchanges {
  readonly #options: ExchangeOptions;
  readonly #lanes: Lane[] = [];
  readonly #pools: ByHost<Pool<Lane>>;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { maxConnections, tls, clock } = options;
    const create = () => {
      const lane = new Lane(tls, clock);
      this.#lanes.push(lane);
      return lane;
    };
    this.#pools = new ByHost(() => new Pool(maxConnections, create));
  }

  create(): LocalExchange {
    return new LocalExchange(this.#options, this.#pools);
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}

/** The block that requests are encoded from, and the connections that there are. */
export class LocalExchange implements Exchange {
  readonly #options: ExchangeOptions;
  readonly #pools: ByHost<Pool<Lane>>;
  readonly #block = new PayloadBlock();
  #headers: { readonly of: readonly Header[]; readonly all: Headers };

  constructor(options: ExchangeOptions, pools: ByHost<Pool<Lane>>) {
    this.#options = options;
    this.#pools = pools;
    const headers = options.headers();
    this.#headers = { of: headers, all: allHeaders(headers, options) };
  }

  send({ events, ...rest }: Sending): Promise<Sent> {
    // No more is copied than may fit.
    const { count } = fitting(events, this.#options);
    return this.sendPacked({
      ...rest,
      events: this.#block.pack(events, count),
    });
  }

  /** See {@linkcode send}. */
  async sendPacked(sending: PackedSending): Promise<Sent> {
    const lanes = this.#pools.of(sending.url);
    const lane = await lanes.acquire(sending.signal);
    try {
      sending.onBegun();
      return await this.#sendOn(lane, sending);
    } finally {
      lanes.release(lane);
    }
  }

  async #sendOn(
    lane: Lane,
    { url, events, signal }: PackedSending,
  ): Promise<Sent> {
    let encoded: Encoded | undefined = this.#encode(events);
    // Now: it has no bytes any more once the memory that it is in has grown.
    const { count, body: { length: bytes } } = encoded;
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    let brokenMs: number | undefined;
    const outcome = await lane.post({
      url,
      headers: this.#currentHeaders(),
      // By the second attempt, another connection has written over the first one's.
      body: () => {
        const { body } = encoded ?? this.#encode(events);
        encoded = undefined;
        return body;
      },
      signal,
      onBroken: () => brokenMs = clock.monotonic() - startedMs,
    }).then((answer) => ({ answer }), (error: unknown) => ({ error }));
    return { count, bytes, brokenMs, outcome };
  }

  #encode(events: PackedPayloads): Encoded {
    const { maxEvents, compress } = this.#options;
    const { count, json } = encodeEvents(events, {
      framing: maxEvents > 1 ? JSON_ARRAY : JSON_OBJECT,
      limits: this.#options,
    });
    return { count, body: compress === "gzip" ? gzip(json) : json };
  }

  #currentHeaders(): Headers {
    const headers = this.#options.headers();
    if (headers !== this.#headers.of) {
      this.#headers = { of: headers, all: allHeaders(headers, this.#options) };
    }
    return this.#headers.all;
  }
}

function allHeaders(
  headers: readonly Header[],
  { compress }: RequestOptions,
): Headers {
  const all = new Headers();
  for (const { name, value } of headers) all.append(name, value);
  if (!all.has("content-type")) all.set("content-type", "application/json");
  if (compress === "gzip") all.set("content-encoding", "gzip");
  return all;
}
