/**
 * Has a TLS connection leave nothing behind of what it read.
 *
 * @module
 */

import type { TLSSocket } from "node:tls";

/** What is below a TLS connection in Deno: the TCP connection that it reads from. */
interface TcpHandle {
  /** Told of what was read; of an end or an error, without. */
  onread: (this: TcpHandle, read: ArrayBuffer | undefined) => void;
  /** Takes `onread` as it is then. Both return 0, or what is wrong. */
  readStart(): number;
  readStop(): number;
}

/**
 * Has the memory that is read into freed as soon as it is decrypted.
 *
 * Deno, up to at least 2.9.6, reads into 64 KB at a time (`on_uv_alloc` in
 * ext/node/ops/stream_wrap.rs), passes that to the TLS connection, which copies it
 * (`nativeHandle.onread` in ext/node/polyfills/internal_binding/tls_wrap.ts), and
 * leaves it to the garbage collector: as much garbage as there is traffic. A Deno
 * that does it in another way is left alone.
 */
export function freeReads(socket: TLSSocket): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  const { onread } = handle;
  handle.onread = function (read) {
    onread.call(this, read);
    // Nobody has bytes of it from then on.
    if (read instanceof ArrayBuffer) read.transfer(0);
  };
  // It reads already, and with what it found there at the beginning.
  if (handle.readStop() === 0) handle.readStart();
}

function handleOf(socket: TLSSocket): TcpHandle | undefined {
  const { _handle } = socket as unknown as {
    readonly _handle?: { readonly _nativeTcpHandle?: Partial<TcpHandle> };
  };
  const { onread, readStart, readStop } = _handle?._nativeTcpHandle ?? {};
  const isKnown = [onread, readStart, readStop].every((it) =>
    typeof it === "function"
  );
  return isKnown ? _handle?._nativeTcpHandle as TcpHandle : undefined;
}
