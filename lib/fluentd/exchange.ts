/**
 * Requests over one connection: encoded, posted, and answered, one at a time.
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
import { gzip } from "./gzip.ts";
import { type Answer, Lane, type TlsOptions } from "./lane.ts";

/** What bodies are like. */
export interface BodyOptions {
  /** Most events per request; 1 sends plain objects instead of arrays. */
  readonly maxEvents: number;
  /** Most bytes per request, before compression; one event may exceed it. */
  readonly maxBytes: number;
  readonly compress: "none" | "gzip";
}

/** How requests are made. */
export interface ExchangeOptions extends BodyOptions {
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

/** One connection. */
export interface Exchange {
  /**
   * Sends one request with the leading events.
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

/** Makes connections, and closes them all. */
export interface Exchanges {
  create(): Exchange;
  close(): void;
}

/** Connections of this thread. */
export class LocalExchanges implements Exchanges {
  readonly #options: ExchangeOptions;
  readonly #all: LocalExchange[] = [];

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  create(): LocalExchange {
    const exchange = new LocalExchange(this.#options);
    this.#all.push(exchange);
    return exchange;
  }

  close(): void {
    for (const exchange of this.#all) exchange.close();
  }
}

/** A connection, and the block that its requests are encoded from. */
export class LocalExchange implements Exchange {
  readonly #options: ExchangeOptions;
  readonly #lane: Lane;
  readonly #block = new PayloadBlock();
  #headers: { readonly of: readonly Header[]; readonly all: Headers };

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#lane = new Lane(options.tls, options.clock);
    const headers = options.headers();
    this.#headers = { of: headers, all: allHeaders(headers, options) };
  }

  send({ url, events, signal }: Sending): Promise<Sent> {
    // No more is copied than may fit.
    const { count } = fitting(events, this.#options);
    const packed = this.#block.pack(events, count);
    return this.sendPacked({ url, events: packed, signal });
  }

  /** See {@linkcode send}. */
  async sendPacked({ url, events, signal }: PackedSending): Promise<Sent> {
    let encoded: Encoded | undefined = this.#encode(events);
    // Now: it has no bytes any more once the memory that it is in has grown.
    const { count, body: { length: bytes } } = encoded;
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    let brokenMs: number | undefined;
    const outcome = await this.#lane.post({
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

  close(): void {
    this.#lane.close();
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
  { compress }: BodyOptions,
): Headers {
  const all = new Headers();
  for (const { name, value } of headers) all.append(name, value);
  if (!all.has("content-type")) all.set("content-type", "application/json");
  if (compress === "gzip") all.set("content-encoding", "gzip");
  return all;
}
