/**
 * One small server for those who look after a run. It answers GET and HEAD only,
 * and nothing that it tells is secret.
 *
 * @module
 */

import { type Address, formatAddress } from "../address.ts";
import { systemClock } from "../clock.ts";
import { ConfigError, describe } from "../errors.ts";
import { addressOf } from "../http_proxy.ts";
import { type Logger, logger } from "../log.ts";
import { printableLines } from "../printable.ts";
import type { StatusReport } from "./status_report.ts";
import { Trouble } from "./trouble.ts";

/** Whether something holds, and why not. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string };

/** The page for people, as it is just now. */
export interface Page {
  readonly body: string;
  /** Besides those that every answer has, or instead of them; `content-type` at least. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the server tells. */
export interface ServerContent {
  /** The metrics as text, and its content type. */
  readonly metrics: () => Promise<{ text: string; contentType: string }>;
  /** Whether it is alive. */
  readonly health: () => Verdict;
  /** Whether both sides answer. */
  readonly readiness: () => Verdict;
  readonly status: () => StatusReport;
  readonly page: () => Page;
}

/** A running server; disposing of it drops its connections. */
export interface RunningServer extends AsyncDisposable {
  /** Where it is, e.g. `http://127.0.0.1:9090`. */
  readonly url: string;
}

/** A server that has failed is started again after so long. */
const RESTART_MS = 1_000;

/** Of every answer, unless the page says otherwise. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const TEXT = { "content-type": "text/plain; charset=utf-8" };

/**
 * Listens. Warns where other machines can connect.
 *
 * @param address A port of 0 is any that is free
 * @throws {ConfigError} where the address cannot be had, saying why
 */
export function serve(
  address: Address,
  content: ServerContent,
): RunningServer {
  const log = logger("server");
  const end = new AbortController();
  const local = isLoopback(address.host);
  const start = (at: Address) =>
    listen(at, {
      signal: end.signal,
      handle: (request) => respond(request, content, local),
      onError(error) {
        log.error("a request failed", { error: describe(error) });
        return respondWith("it failed: see the log\n", 500, TEXT);
      },
    });
  const server = start(address);
  const { port } = server.addr;
  const url = `http://${formatAddress({ host: address.host, port })}`;
  log.info("serving metrics, health and status", { url });
  if (!local) {
    log.warn(
      "other machines can read metrics and status: none of it is secret, but listen on 127.0.0.1 unless that is meant",
      { listen: address.host },
    );
  }
  const finished = keepServing(server, () => start({ ...address, port }), {
    log,
    stop: end.signal,
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      end.abort();
      await finished;
    },
  };
}

/**
 * Whatever happens to the server is no reason to stop forwarding. It fails for good
 * where a connection cannot be taken, e.g. because too many files are open just then,
 * and is started again until that works.
 */
async function keepServing(
  server: Deno.HttpServer,
  restart: () => Deno.HttpServer,
  { log, stop }: { readonly log: Logger; readonly stop: AbortSignal },
): Promise<void> {
  const trouble = new Trouble("serving of metrics, health and status", {
    log,
    clock: systemClock,
  });
  let running: Deno.HttpServer | undefined = server;
  while (!stop.aborted) {
    try {
      if (running === undefined) {
        running = restart();
        trouble.worked();
      }
      await running.finished;
      return;
    } catch (error) {
      running = undefined;
      trouble.failed(describe(error), {});
      await systemClock.sleep(RESTART_MS, stop).catch(() => {});
    }
  }
}

/** @param local Whether it listens for this machine alone */
async function respond(
  request: Request,
  content: ServerContent,
  local: boolean,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return respondWith("only GET and HEAD\n", 405, {
      ...TEXT,
      allow: "GET, HEAD",
    });
  }
  // It has the header Host in it, and that is anybody's.
  const url = URL.parse(request.url);
  if (url === null) {
    return respondWith("the header Host is no host and port\n", 400, TEXT);
  }
  // A page elsewhere may have its own name lead here, and read what it gets.
  if (local && !isLoopback(addressOf(url).host)) {
    return respondWith(
      "for this machine alone: ask for localhost, 127.0.0.1 or [::1]\n",
      421,
      TEXT,
    );
  }
  // Deno leaves out the body where the method is HEAD, and tells its length.
  return await answer(url.pathname, content);
}

async function answer(
  path: string,
  { metrics, health, readiness, status, page }: ServerContent,
): Promise<Response> {
  switch (path) {
    case "/": {
      const { body, headers } = page();
      return respondWith(body, 200, headers);
    }
    case "/metrics": {
      const { text, contentType } = await metrics();
      return respondWith(text, 200, { "content-type": contentType });
    }
    case "/healthz":
      return respondWithVerdict(health());
    case "/readyz":
      return respondWithVerdict(readiness());
    case "/status":
      return respondWith(`${JSON.stringify(status())}\n`, 200, {
        "content-type": "application/json",
      });
  }
  return respondWith(
    "there is /, /metrics, /healthz, /readyz and /status\n",
    404,
    TEXT,
  );
}

function respondWithVerdict(verdict: Verdict): Response {
  return verdict.ok
    ? respondWith("ok\n", 200, TEXT)
    : respondWith(`${printableLines(verdict.reason)}\n`, 503, TEXT);
}

function respondWith(
  body: BodyInit,
  status: number,
  headers: Readonly<Record<string, string>>,
): Response {
  return new Response(body, { status, headers: { ...HEADERS, ...headers } });
}

function listen(
  { host, port }: Address,
  options: {
    signal: AbortSignal;
    handle: (request: Request) => Promise<Response>;
    onError: (error: unknown) => Response;
  },
): Deno.HttpServer<Deno.NetAddr> {
  const { signal, handle, onError } = options;
  try {
    return Deno.serve(
      { hostname: host, port, signal, onError, onListen: () => {} },
      handle,
    );
  } catch (cause) {
    throw new ConfigError([
      `listen: cannot listen on ${formatAddress({ host, port })}: ${
        explain(cause)
      }`,
    ], { cause });
  }
}

function explain(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another process listens there: stop it, or choose another port";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "not permitted: ports below 1024 are for root; choose a higher one";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address: 127.0.0.1 is for itself alone, 0.0.0.0 is all of its addresses";
  }
  return describe(error);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+)+$/.test(host);
}
