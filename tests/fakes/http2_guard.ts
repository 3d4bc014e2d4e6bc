/**
 * Keeps stand-ins alive whose clients go away.
 *
 * @module
 */

import http2, { type Http2Session, type ServerHttp2Session } from "node:http2";

const { createSecureServer } = http2;
let guarded = false;

/**
 * Puts off the destruction of servers' HTTP/2 sessions until no frame is being
 * processed.
 *
 * Up to at least 2.9.6, Deno frees a session at once, even while nghttp2 calls
 * back from it (`ext/node/ops/http2/session.rs`, `destroy`), and then nghttp2 goes
 * on with freed memory: the whole process dies of SIGSEGV, or of SIGABRT
 * (https://github.com/denoland/deno/issues/36788).
 *
 * To be called before the first server; more calls change nothing.
 */
export function guardHttp2Servers(): void {
  if (guarded) return;
  guarded = true;
  // Everybody who required or imported the module finds it there.
  Object.defineProperty(http2, "createSecureServer", {
    configurable: true,
    value: (...args: Parameters<typeof createSecureServer>) =>
      createSecureServer(...args).prependListener("session", putOffDestroy),
  });
}

function putOffDestroy(session: ServerHttp2Session): void {
  if (Object.hasOwn(session, "destroy")) return;
  const { destroy } = session;
  session.destroy = function (
    this: Http2Session,
    ...args: Parameters<typeof destroy>
  ) {
    // A task of its own: microtasks run before the call from nghttp2 returns.
    setImmediate(() => destroy.apply(this, args));
  };
}
