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
  // Little room for new objects, in MiB, which has them collected often.
  "--max-semi-space-size=2",
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
  // Halfway there, in percent: V8 lets any heap grow by 8 MiB, which is half of
  // this one. Below 40, what is in the room for new objects is enough to begin a
  // collection, over and over again.
  "--incremental-marking-soft-trigger=50",
  // What Maglev took to compile is freed at once, instead of by a thread that comes
  // too late: it piled up in the allocator's arenas.
  "--no-maglev-destroy-on-background",
];

/** For `deno run` and `deno compile`. */
export const V8_FLAGS = `--v8-flags=${FLAGS.join(",")}`;
