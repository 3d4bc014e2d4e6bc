/**
 * Stand-ins for other receivers than Fluentd, which answer as their manuals say.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { FluentdTls } from "./fluentd_tls.ts";
import { findFreePort } from "./free_port.ts";
import { listenOn } from "./listening.ts";

/** Which of them. */
export type ReceiverKind =
  | "Fluent Bit"
  | "Vector"
  | "Logstash"
  | "Splunk HTTP Event Collector"
  | "Grafana Alloy";

/** What Splunk's tests send as `Authorization`. */
export const SPLUNK_AUTHORIZATION =
  "Splunk 7c1a0b8e-2f4d-4a77-8a5c-0d9f6b3e1c22";

/** What a receiver does with one request. */
interface Verdict {
  readonly status: number;
  readonly body?: string;
  /** What it tells events apart by: a tag, a path or a source. */
  readonly stream?: string;
  /** What it stores as an event each. */
  readonly entries?: readonly unknown[];
}

interface Post {
  readonly url: URL;
  readonly text: string;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
}

/** Starts one on the loopback interface. */
export async function startReceiver(
  kind: ReceiverKind,
  tls: FluentdTls,
): Promise<Receiver> {
  const receiver = new Receiver(kind, tls);
  await receiver.start();
  return receiver;
}

/** A running stand-in. */
export class Receiver implements AsyncDisposable {
  readonly #port = findFreePort();
  readonly #server: Server;
  readonly #entries = new Map<string, unknown[]>();
  /** Every answer that was no success. */
  readonly refusals: string[] = [];

  constructor(kind: ReceiverKind, tls: FluentdTls) {
    // Splunk knows its clients by their tokens.
    const demandsCertificate = kind !== "Splunk HTTP Event Collector";
    this.#server = createServer({
      cert: tls.cert,
      key: tls.key,
      ca: tls.ca,
      requestCert: demandsCertificate,
      rejectUnauthorized: demandsCertificate,
    }, (request, response) => {
      this.#handle(JUDGES[kind], request, response);
    });
  }

  /** `localhost` and its port. */
  get host(): string {
    return `localhost:${this.#port}`;
  }

  /** The streams, by name. */
  streams(): string[] {
    return [...this.#entries.keys()].sort();
  }

  /** The `uid` of each event of a stream; an entry that is no event has none. */
  uids(stream: string): unknown[] {
    const entries = this.#entries.get(stream) ?? [];
    return entries.map((entry) =>
      typeof entry === "object" && entry !== null && "uid" in entry
        ? entry.uid
        : undefined
    );
  }

  async start(): Promise<void> {
    await listenOn(this.#port, this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(
    judge: (post: Post) => Verdict,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    let text = "";
    request.setEncoding("utf8");
    for await (const chunk of request) text += chunk;
    if (request.method !== "POST") {
      response.writeHead(405).end();
      return;
    }
    const { status, body = "", stream, entries = [] } = judge({
      url: new URL(request.url ?? "/", "https://localhost"),
      text,
      contentType: request.headers["content-type"],
      authorization: request.headers.authorization,
    });
    if (stream === undefined) this.refusals.push(`${status} ${body}`);
    else {
      const stored = this.#entries.get(stream) ?? [];
      this.#entries.set(stream, [...stored, ...entries]);
    }
    response.writeHead(status).end(body);
  }
}

const JUDGES: Readonly<Record<ReceiverKind, (post: Post) => Verdict>> = {
  "Fluent Bit": ({ url, text, contentType }) => {
    if (contentType !== "application/json") {
      return { status: 400, body: "error: invalid 'Content-Type'" };
    }
    const stream = url.pathname.slice(1).replace(/[^\w.]/g, "_");
    return { status: 201, stream, entries: events(text) };
  },
  Vector: ({ url, text }) => ({
    status: 200,
    stream: url.pathname,
    entries: events(text),
  }),
  Logstash: ({ url, text }) => ({
    status: 200,
    body: "ok",
    stream: url.pathname,
    entries: events(text),
  }),
  "Splunk HTTP Event Collector": ({ url, text, authorization }) => {
    if (authorization !== SPLUNK_AUTHORIZATION) {
      return { status: 403, body: '{"text":"Invalid token","code":4}' };
    }
    if (url.pathname !== "/services/collector/raw") {
      return { status: 400, body: '{"text":"Invalid data format","code":6}' };
    }
    if (!url.searchParams.has("channel")) {
      return {
        status: 400,
        body: '{"text":"Data channel is missing","code":10}',
      };
    }
    return {
      status: 200,
      body: '{"text":"Success","code":0}',
      stream: url.searchParams.get("source") ?? "",
      entries: lines(text),
    };
  },
  "Grafana Alloy": ({ url, text }) =>
    url.pathname === "/loki/api/v1/raw"
      ? { status: 204, stream: url.search, entries: lines(text) }
      : { status: 404, body: "404 page not found" },
};

/** A JSON array holds several events, an object is one. */
function events(text: string): unknown[] {
  return [JSON.parse(text)].flat();
}

/** A line is an event, whatever is in it. */
function lines(text: string): unknown[] {
  return text.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
