/**
 * The thread that delivers: encodes requests, and posts them. What it is told to
 * do, and what it tells, is in `thread_messages.ts`.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { describe, RejectedError } from "../errors.ts";
import { type Header, type LocalExchange, LocalExchanges } from "./exchange.ts";
import type { TlsOptions } from "./lane.ts";
import type { ThreadCommand, ThreadReport } from "./thread_messages.ts";

/** A worker's end of the line, of which the types of a main thread know nothing. */
interface WorkerScope {
  onmessage: (event: MessageEvent<ThreadCommand>) => void;
  postMessage(report: ThreadReport): void;
}

const scope = globalThis as unknown as WorkerScope;

let tls: TlsOptions = { caCerts: [], client: undefined };
let headers: readonly Header[] = [];
let exchanges: LocalExchanges;
/** By their numbers, which the main thread gives them. */
const numbered: {
  readonly exchange: LocalExchange;
  /** The request that it has, or had. */
  readonly request: AbortController;
}[] = [];

scope.onmessage = ({ data }) => obey(data);

function obey(command: ThreadCommand): void {
  switch (command.kind) {
    case "requests":
      exchanges = new LocalExchanges({
        ...command.options,
        tls: () => tls,
        headers: () => headers,
        clock: systemClock,
      });
      break;
    case "credentials":
      tls = command.tls;
      break;
    case "headers":
      headers = command.headers;
      break;
    case "send":
      void send(command);
      break;
    case "abort":
      numbered[command.exchange]?.request.abort();
  }
}

async function send(
  { exchange: number, url, payloads }: ThreadCommand & {
    readonly kind: "send";
  },
): Promise<void> {
  const request = new AbortController();
  const exchange = numbered[number]?.exchange ?? exchanges.create();
  numbered[number] = { exchange, request };
  try {
    const { count, bytes, brokenMs, outcome } = await exchange.sendPacked({
      url,
      events: payloads,
      signal: request.signal,
      // The main thread knows, and to be told would cost a tenth of the request.
      onBegun() {},
    });
    scope.postMessage({
      kind: "sent",
      exchange: number,
      count,
      bytes,
      brokenMs,
      outcome: "answer" in outcome
        ? outcome
        : { error: describe(outcome.error) },
    });
  } catch (error) {
    scope.postMessage(
      error instanceof RejectedError
        ? { kind: "refused", exchange: number, message: error.message }
        : { kind: "failed", exchange: number, error: describe(error) },
    );
  }
}
