/**
 * One connection to a receiver, one request at a time.
 *
 * Deno's fetch resumes TLS sessions, and Fluentd with `client_cert_auth` refuses
 * every resumed session: of a client that opens a second connection, every later
 * request fails. So each connection has a client of its own, which is thrown away
 * after any error and before the receiver would close an idle connection.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { createFetchClient } from "../fetch_client.ts";
import { readBeginning, readUntilBroken } from "../fetch_outcome.ts";
import { CopiedBody } from "./copied_body.ts";

/** Fluentd closes a connection that was idle for 10 s, without notice. */
const IDLE_LIMIT_MS = 8_000;

/** What a lane shows and trusts, in PEM. */
export interface TlsOptions {
  /** Certificates to trust besides the system's. */
  readonly caCerts: readonly string[];
  /** The client certificate and its key. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
}

/** One request. */
export interface Post {
  readonly url: string;
  readonly headers: Headers;
  /** Asked for each attempt, and copied at once. */
  readonly body: () => Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
  /** Told where a connection that was kept broke: then it is sent once more. */
  readonly onBroken: () => void;
}

/** What a receiver said. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  /**
   * The beginning of the body, long enough to be understood, or what came of it
   * before it broke off; "" with a 2xx.
   */
  readonly text: string;
}

/** A connection that is made on first use, and made anew when it has to be. */
export class Lane {
  readonly #tls: () => TlsOptions;
  readonly #clock: Clock;
  #client: Deno.HttpClient | undefined;
  /** What the connection was made with. */
  #shown: TlsOptions | undefined;
  /** When it was last answered, by `Clock.monotonic`. */
  #usedMs = 0;

  /** @param tls Asked before each request: another value means another connection */
  constructor(tls: () => TlsOptions, clock: Clock) {
    this.#tls = tls;
    this.#clock = clock;
  }

  /**
   * Sends one request and reads the answer, whole unless it is very long.
   *
   * @throws what fetch throws; after that, whether the receiver took the request
   * is not known
   */
  async post(request: Post): Promise<Answer> {
    const idleMs = this.#clock.monotonic() - this.#usedMs;
    if (idleMs > IDLE_LIMIT_MS || this.#shown !== this.#tls()) this.close();
    const reused = this.#client !== undefined;
    try {
      return await this.#post(request);
    } catch (error) {
      // A connection that was kept may be gone; that says nothing of the receiver.
      if (!reused || request.signal.aborted) throw error;
      request.onBroken();
      return await this.#post(request);
    }
  }

  /** Closes the connection; the next request makes another one. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #post({ url, headers, body, signal }: Post): Promise<Answer> {
    if (this.#client === undefined) {
      this.#shown = this.#tls();
      this.#client = createClient(new URL(url), this.#shown);
    }
    try {
      using copied = new CopiedBody(body());
      const response = await fetch(url, {
        method: "POST",
        client: this.#client,
        redirect: "manual",
        headers,
        body: copied.bytes,
        signal,
      });
      if (response.ok) return await this.#acknowledged(response);
      // The status counts whatever becomes of the rest, as with a 2xx; who closes
      // without having read all of the request breaks off behind what it says.
      const text = await readUntilBroken(response);
      // Some refusals close the connection, and all are rare enough not to care.
      this.close();
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        text,
      };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The receiver has the events, whatever becomes of the rest of its answer. */
  async #acknowledged(response: Response): Promise<Answer> {
    const { isWhole } = await readBeginning(response).catch(() => ({
      isWhole: false,
    }));
    if (isWhole) this.#usedMs = this.#clock.monotonic();
    else this.close();
    return { status: response.status, retryAfter: null, text: "" };
  }
}

function createClient(
  url: URL,
  { caCerts, client }: TlsOptions,
): Deno.HttpClient {
  return createFetchClient(url, {
    caCerts: [...caCerts],
    poolMaxIdlePerHost: 1,
    http1: true,
    http2: false,
    ...client,
  });
}
