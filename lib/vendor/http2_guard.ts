/**
 * Keeps Deno alive when an HTTP/2 peer says goodbye, and its memory free of what
 * streams have brought.
 *
 * @module
 */

import type { Socket } from "node:net";
import http2, {
  type ClientHttp2Session,
  type Http2Session,
  type ServerHttp2Session,
} from "node:http2";

import { freeWhenDecoded, freeWhenRead } from "./received_chunks.ts";

const guarded = new WeakSet<object>();
/** By prototype, the names of the methods that are ours. */
const overridden = new WeakMap<object, Set<string>>();

/**
 * Puts off the destruction of HTTP/2 sessions until no frame is being processed.
 *
 * Up to at least 2.9.6, Deno frees a session at once, even while nghttp2 calls
 * back from it (`ext/node/ops/http2/session.rs`, `destroy`), and then nghttp2 goes
 * on with freed memory. A server that shuts down sends GOAWAY, on which node:http2
 * and grpc-js destroy the session from within such a call: the whole process dies
 * of SIGSEGV, or of SIGABRT in `find_stream_on_goaway_func`
 * (https://github.com/denoland/deno/issues/36788).
 *
 * And has closed streams forget who listened to them. Deno holds each stream by a
 * native handle that only a full collection frees, and the stream holds its
 * listeners, with everything that came: as none of that dies young, hundreds of
 * pages would be kept, moved, and marked. What streams and connections of clients
 * bring, which must be gRPC, is freed as soon as it is read.
 *
 * To be called before the first connection; more calls change nothing.
 */
export function guardHttp2(): void {
  if (guarded.has(http2)) return;
  guarded.add(http2);
  const { connect, createSecureServer } = http2;
  replace("connect", (...args: Parameters<typeof connect>) => {
    const session: ClientHttp2Session = connect(...args);
    putOffDestroy(session);
    forgetStreams(session);
    session.once("connect", (_session, socket: Socket) => freeWhenRead(socket));
    return session;
  });
  replace(
    "createSecureServer",
    (...args: Parameters<typeof createSecureServer>) =>
      createSecureServer(...args).prependListener(
        "session",
        (session: ServerHttp2Session) => putOffDestroy(session),
      ),
  );
}

function putOffDestroy(session: Http2Session): void {
  const { destroy } = session;
  override(session, "destroy", function (...args: Parameters<typeof destroy>) {
    // A task of its own: microtasks run before the call from nghttp2 returns.
    setImmediate(() => destroy.apply(this, args));
  });
}

function forgetStreams(session: ClientHttp2Session): void {
  const { request } = session;
  override(session, "request", function (...args: Parameters<typeof request>) {
    const stream = request.apply(this, args);
    // Behind those who listen to whatever they ask for.
    queueMicrotask(() => freeWhenDecoded(stream));
    // Behind those who have yet to be told that it is closed.
    stream.once(
      "close",
      () =>
        setImmediate(() => stream.removeAllListeners().on("error", () => {})),
    );
    return stream;
  });
}

/** Overrides a method of all sessions: the first one leads to their prototype. */
function override<Session extends Http2Session, Arguments extends unknown[]>(
  session: Session,
  name: keyof Session & string,
  method: (this: Session, ...args: Arguments) => unknown,
): void {
  let prototype: object = session;
  while (!Object.hasOwn(prototype, name)) {
    prototype = Object.getPrototypeOf(prototype);
  }
  const done = overridden.get(prototype) ?? new Set();
  if (done.has(name)) return;
  overridden.set(prototype, done.add(name));
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    value: method,
  });
}

/** Everybody who required or imported the module finds the replacement there. */
function replace(name: "connect" | "createSecureServer", value: unknown): void {
  Object.defineProperty(http2, name, { value, configurable: true });
}
