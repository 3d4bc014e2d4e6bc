/**
 * How the program's memory is collected: the binary, `deno task handler`, and the
 * tests that run it as a process.
 *
 * What is left of pages and requests lies outside of V8's heap, and goes only when
 * that is collected. docs/performance.md has the figures.
 *
 * @module
 */

const FLAGS = [
  // As little room for new objects as can be asked for, in MiB, which has them
  // collected often.
  "--max-semi-space-size=1",
  // What they held is freed at once, instead of by a thread that comes too late on
  // a busy machine.
  "--no-concurrent-array-buffer-sweeping",
  // An event is a new object like any other: where many were alive at a
  // collection, V8 would put all that follow into the old heap from the start.
  "--no-allocation-site-pretenuring",
  // The old heap is collected when it has grown by so much, and not only when it is
  // four times as large.
  "--heap-growing-percent=45",
  // And with what it holds outside, which comes and goes with every page, when
  // that is four times as large: by default it must not have grown by more than a
  // tenth.
  "--external-memory-max-growing-factor=4",
  // Before it is there, in percent of the way: V8 lets any heap grow by 8 MiB, which
  // is half of this one. Below 30, what is in the room for new objects is enough to
  // begin a collection, over and over again.
  "--incremental-marking-soft-trigger=40",
  // Compiling is done by the thread that needs the code, not by threads of V8's own,
  // each of which would keep an arena of the allocator for what that took.
  "--no-concurrent-recompilation",
  // Without the first of the compilers it is less memory at the same speed: Maglev
  // soon compiles what matters.
  "--no-sparkplug",
];

/** For `deno run` and `deno compile`. */
export const V8_FLAGS = `--v8-flags=${FLAGS.join(",")}`;
