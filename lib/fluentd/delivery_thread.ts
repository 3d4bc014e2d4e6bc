/**
 * Requests on a thread of their own: while one thread reads what comes from
 * Teleport, the other one encodes, compresses, encrypts and sends.
 *
 * Payloads go over in memory that both share, in a block for each exchange; all
 * else is a few small messages per request.
 *
 * @module
 */

import { RejectedError } from "../errors.ts";
import { fitting } from "../pipeline/fitting.ts";
import { Slots } from "../pipeline/slots.ts";
import { PayloadBlock } from "../struct/payload_block.ts";
import { ByHost } from "./by_host.ts";
import type {
  Exchange,
  ExchangeOptions,
  Exchanges,
  Header,
  Sending,
  Sent,
} from "./exchange.ts";
import type { TlsOptions } from "./lane.ts";
import type { ThreadCommand, ThreadReport } from "./thread_messages.ts";

/** What the clock would be for is done on the thread, by the machine's own. */
export type ThreadOptions = Omit<ExchangeOptions, "clock">;

/** The thread, and what it was told. */
interface Running {
  readonly worker: Worker;
  tls: TlsOptions | undefined;
  headers: readonly Header[] | undefined;
}

/** Connections of another thread, which is there before the first request. */
export class DeliveryThread implements Exchanges {
  readonly #options: ThreadOptions;
  readonly #module: () => URL;
  /** By exchange, who waits for what comes of a request. */
  readonly #waiting = new Map<number, PromiseWithResolvers<Sent>>();
  /** The thread's connections, which it gives to who comes first. */
  readonly #turns: ByHost<Slots>;
  #running: Running | undefined;
  #exchanges = 0;

  /** @param module What a thread runs; there is but one that is of use */
  constructor(
    options: ThreadOptions,
    module = () => new URL("./delivery_worker.ts", import.meta.url),
  ) {
    this.#options = options;
    this.#turns = new ByHost(() => new Slots(options.maxConnections));
    this.#module = module;
    this.#running = this.#start();
  }

  create(): Exchange {
    const exchange = this.#exchanges++;
    const block = new PayloadBlock();
    return { send: (sending) => this.#send(exchange, block, sending) };
  }

  /** Ends the thread at once, with what it has under way. */
  close(): void {
    this.#fail(new Error("the sink is closed"));
  }

  async #send(
    exchange: number,
    block: PayloadBlock,
    { url, events, signal, onBegun }: Sending,
  ): Promise<Sent> {
    signal.throwIfAborted();
    const running = this.#run();
    const waiting = Promise.withResolvers<Sent>();
    this.#waiting.set(exchange, waiting);
    const turns = this.#turns.of(url);
    const turn = turns.acquire(signal).then(() => {
      onBegun();
      return true;
    }, () => false);
    const abort = () => tell(running, { kind: "abort", exchange });
    signal.addEventListener("abort", abort, { once: true });
    try {
      // No more is copied than may fit.
      const { count } = fitting(events, this.#options);
      const payloads = block.pack(events, count);
      tell(running, { kind: "send", exchange, url, payloads });
      return await waiting.promise;
    } finally {
      signal.removeEventListener("abort", abort);
      if (await turn) turns.release();
    }
  }

  /** The thread, which knows what is to be shown and sent along by now. */
  #run(): Running {
    const running = this.#running ??= this.#start();
    const tls = this.#options.tls();
    if (tls !== running.tls) {
      const { caCerts, client } = running.tls = tls;
      tell(running, { kind: "credentials", tls: { caCerts, client } });
    }
    const headers = this.#options.headers();
    if (headers !== running.headers) {
      running.headers = headers;
      tell(running, {
        kind: "headers",
        headers: headers.map(({ name, value }) => ({ name, value })),
      });
    }
    return running;
  }

  #start(): Running {
    const worker = new Worker(this.#module(), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<ThreadReport>) => {
      if (this.#running?.worker === worker) this.#take(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`the thread that delivers ended: ${event.message}`));
    };
    const running: Running = { worker, tls: undefined, headers: undefined };
    const { maxEvents, maxBytes, compress, maxConnections } = this.#options;
    tell(running, {
      kind: "requests",
      options: { maxEvents, maxBytes, compress, maxConnections },
    });
    return running;
  }

  #take(report: ThreadReport): void {
    const { exchange } = report;
    const waiting = this.#waiting.get(exchange);
    this.#waiting.delete(exchange);
    switch (report.kind) {
      case "sent":
        return waiting?.resolve(report);
      case "refused":
        return waiting?.reject(new RejectedError(report.message, 1));
      case "failed":
        return waiting?.reject(new Error(report.error));
    }
  }

  /** What is under way may have arrived or not; the next request starts anew. */
  #fail(error: Error): void {
    this.#running?.worker.terminate();
    this.#running = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function tell({ worker }: Running, command: ThreadCommand): void {
  worker.postMessage(command);
}
