/**
 * A TCP server that reads the beginning of each connection and passes the whole
 * of it on to a port of this machine: what stand-ins for proxies are built on.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What becomes of a connection. */
export type Verdict =
  /** Its beginning is not all there yet. */
  | "more"
  /** It is closed. */
  | "drop"
  /** The other end is told this, and the connection is closed. */
  | { readonly answer: string }
  /** It is passed on, after the other end was told `answer`, from `rest` on. */
  | { readonly port: number; readonly answer?: string; readonly rest: Buffer };

/** Decides by what came so far. */
export type Judge = (beginning: Buffer) => Verdict;

/** A running relay. */
export class TcpRelay implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();
  readonly #judge: Judge;
  #port = 0;

  private constructor(judge: Judge) {
    this.#judge = judge;
    this.#server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  /** Listens on a port of the loopback interface; on a free one where it is 0. */
  static async start(judge: Judge, port = 0): Promise<TcpRelay> {
    const relay = new TcpRelay(judge);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(port, relay.host, resolve);
    });
    const address = relay.#server.address();
    if (address !== null && typeof address === "object") {
      relay.#port = address.port;
    }
    return relay;
  }

  get port(): number {
    return this.#port;
  }

  /** Ends all connections, and listens no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#keep(socket);
    let beginning = Buffer.alloc(0);
    const listen = (bytes: Buffer) => {
      beginning = Buffer.concat([beginning, bytes]);
      const verdict = this.#judge(beginning);
      if (verdict === "more") return;
      socket.off("data", listen);
      if (verdict === "drop") {
        socket.destroy();
      } else if ("port" in verdict) {
        this.#passOn(socket, verdict);
      } else {
        socket.end(verdict.answer);
      }
    };
    socket.on("data", listen);
  }

  #passOn(
    socket: Socket,
    { port, answer, rest }: Extract<Verdict, { port: number }>,
  ): void {
    socket.pause();
    const onward = connect(port, this.host);
    this.#keep(onward);
    onward.once("connect", () => {
      if (answer !== undefined) socket.write(answer);
      if (rest.length > 0) onward.write(rest);
      socket.pipe(onward);
      onward.pipe(socket);
    });
    onward.once("close", () => socket.destroy());
    socket.once("close", () => onward.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay();
    // A connection that breaks is what tests are about.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
