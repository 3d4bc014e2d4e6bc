/**
 * Keeps Deno alive when an HTTP/2 peer says goodbye.
 *
 * @module
 */

import http2, {
  type ClientHttp2Session,
  type Http2Session,
  type ServerHttp2Session,
} from "node:http2";

const guarded = new WeakSet<object>();

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
 * To be called before the first connection; more calls change nothing.
 */
export function guardHttp2(): void {
  if (guarded.has(http2)) return;
  guarded.add(http2);
  const { connect, createSecureServer } = http2;
  replace("connect", (...args: Parameters<typeof connect>) => {
    const session: ClientHttp2Session = connect(...args);
    putOffDestroy(session);
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

/** Overrides the method of all sessions: the first one leads to their prototype. */
function putOffDestroy(session: Http2Session): void {
  let prototype: object = session;
  while (!Object.hasOwn(prototype, "destroy")) {
    prototype = Object.getPrototypeOf(prototype);
  }
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  const { destroy } = session;
  Object.defineProperty(prototype, "destroy", {
    configurable: true,
    writable: true,
    value(this: Http2Session, ...args: Parameters<typeof destroy>): void {
      // A task of its own: microtasks run before the call from nghttp2 returns.
      setImmediate(() => destroy.apply(this, args));
    },
  });
}

/** Everybody who required or imported the module finds the replacement there. */
function replace(name: "connect" | "createSecureServer", value: unknown): void {
  Object.defineProperty(http2, name, { value, configurable: true });
}
