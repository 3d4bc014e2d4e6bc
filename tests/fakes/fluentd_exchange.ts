/**
 * One request to the Fluentd stand-in, and how it ends.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonRecord } from "./fluentd_body.ts";
import { type EndingFault, meansRecord } from "./fluentd_faults.ts";
import type { Outcome, Received } from "./fluentd_received.ts";

/** One request and what becomes of it. */
export class Exchange {
  readonly tag: string;
  /** The body's text, once it is known. */
  body = "";
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #received: Received;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    received: Received,
  ) {
    this.tag = tagOf(request.url ?? "/");
    this.#request = request;
    this.#response = response;
    this.#received = received;
    response.on("error", () => {});
    received.begin();
  }

  /** Answers; the connection stays open unless `close` is said. */
  answer(
    status: number,
    { close = false, body = "", headers = {} }: {
      readonly close?: boolean;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): void {
    this.#received.leave();
    this.#count(status);
    this.#response.statusCode = status;
    this.#response.setHeader("Content-Type", "text/plain");
    this.#response.setHeader("Connection", close ? "close" : "Keep-Alive");
    for (const [name, value] of Object.entries(headers)) {
      this.#response.setHeader(name, value);
    }
    this.#response.end(body);
  }

  /** Drops the connection instead of answering. */
  reset(): void {
    this.#received.leave();
    this.#count("reset");
    this.#request.socket.destroy();
  }

  /** The connection broke before an answer was possible. */
  cutOff(): void {
    this.#received.leave();
    this.#count("cut off");
  }

  /** Does wrong what the dial says; stores what is to be stored all the same. */
  fail(fault: EndingFault, records: readonly JsonRecord[]): void {
    const store = (some: readonly JsonRecord[], answered = false) =>
      this.#received.store(this.tag, some, { answered });
    switch (fault.kind) {
      case "status": {
        const { status, retryAfterS, body = "" } = fault;
        if (status >= 200 && status < 300) store(records, true);
        const headers = retryAfterS === undefined
          ? {}
          : { "Retry-After": String(retryAfterS) };
        return this.answer(status, { body, headers });
      }
      case "chunk limit": {
        store(records.filter((record) => !meansRecord(fault, record)));
        const causes = records.flatMap((record, nth) =>
          meansRecord(fault, record) ? [chunkOverflow(record, nth)] : []
        );
        const body = `500 Internal Server Error\n${causes.join(", ")}\n`;
        return this.answer(500, { body });
      }
      case "drop":
        return this.answer(200);
      case "hang":
        if (fault.stored) store(records);
        if (this.#request.socket.destroyed) return this.cutOff();
        this.#response.on("close", () => this.#received.leave());
        return this.#count("hung");
      case "reset after body":
        if (fault.stored) store(records);
        return this.reset();
      case "close after answer":
        store(records);
        this.#response.on("finish", () => this.#request.socket.destroy());
        return this.answer(200);
    }
  }

  #count(outcome: Outcome): void {
    const { headers } = this.#request;
    this.#received.count({
      tag: this.tag,
      headers,
      body: this.body,
      outcome,
      endedMs: performance.now(),
    });
  }
}

/** What Fluentd says of a record that does not fit a chunk; it names all of them. */
function chunkOverflow(record: JsonRecord, nth: number): string {
  const { length } = JSON.stringify(record);
  return `a ${length} bytes record (nth: ${nth}) is larger than buffer chunk limit size (${
    length - 1
  })`;
}

/** The body, or why there is none. */
export function readBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Uint8Array | "too large" | "cut off"> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      // What is too much is read and thrown away, so that the client, which may
      // still be writing, is certain to see the answer.
      if (length <= limitBytes) chunks.push(chunk);
    });
    request.on("end", () => {
      resolve(length > limitBytes ? "too large" : Buffer.concat(chunks));
    });
    request.on("close", () => resolve("cut off"));
    request.on("error", () => resolve("cut off"));
  });
}

/** `/a/b?c` carries the tag `a.b`. */
function tagOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  return path.split("/").filter((part) => part !== "")
    .join(".");
}
