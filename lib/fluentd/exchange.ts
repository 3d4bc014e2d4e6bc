/**
 * Requests over one connection: encoded, posted, and answered, one at a time.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Payload } from "../event.ts";
import {
  encodeEvents,
  JSON_ARRAY,
  JSON_OBJECT,
} from "../struct/encode_events.ts";
import { JsonBuffer } from "../struct/json_buffer.ts";
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

/** A request that is encoded. */
export interface EncodedRequest {
  /** How many of the events it holds: the leading ones, as many as fit, at least one. */
  readonly count: number;
  /** Of the body, as it is sent. */
  readonly bytes: number;
  /**
   * Resolves with what the receiver says. Rejects with what fetch says: then
   * whether the receiver took the request is not known.
   */
  answer(): Promise<Answer>;
}

/** One connection. */
export interface Exchange {
  /**
   * Encodes a request and sends it, now or when its answer is asked for.
   *
   * @throws {RejectedError} where the first event's payload is no Struct
   */
  begin(sending: Sending): Promise<EncodedRequest>;
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

/** A connection, and the buffer that its requests are written to. */
class LocalExchange implements Exchange {
  readonly #options: ExchangeOptions;
  readonly #lane: Lane;
  readonly #buffer = new JsonBuffer();
  #headers: { readonly of: readonly Header[]; readonly all: Headers };

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#lane = new Lane(options.tls, options.clock);
    const headers = options.headers();
    this.#headers = { of: headers, all: allHeaders(headers, options) };
  }

  async begin({ url, events, signal }: Sending): Promise<EncodedRequest> {
    const { maxEvents, compress } = this.#options;
    const buffer = this.#buffer;
    const count = encodeEvents(events, buffer, {
      framing: maxEvents > 1 ? JSON_ARRAY : JSON_OBJECT,
      limits: this.#options,
    });
    const body = compress === "gzip"
      ? await gzip(buffer.written())
      : buffer.written();
    return {
      count,
      bytes: body.length,
      answer: () =>
        this.#lane.post({ url, headers: this.#currentHeaders(), body, signal }),
    };
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
