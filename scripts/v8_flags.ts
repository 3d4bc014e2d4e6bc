/**
 * How the program's memory is collected: the binary, `deno task handler`, and the
 * tests that run it as a process.
 *
 * What is left of pages and requests lies outside of V8's heap, and goes only when
 * that is collected. So new objects get little room, which has it collected often,
 * and it is freed at once instead of by a thread that comes too late on a busy
 * machine (docs/performance.md has the figures).
 *
 * @module
 */

/** For `deno run` and `deno compile`. */
export const V8_FLAGS =
  "--v8-flags=--max-semi-space-size=2,--no-concurrent-array-buffer-sweeping,--no-allocation-site-pretenuring,--heap-growing-percent=100";
