/**
 * A source that somebody has an eye on.
 *
 * @module
 */

import type { Position } from "../event.ts";
import type { Source } from "./ports.ts";

/** Who is told when a source is to yield, and when it has. */
export interface SourceWatcher {
  /** A batch is waited for. */
  due(): void;
  /** A batch came. */
  moved(): void;
  /** Nobody waits for a batch: those before it are not delivered yet. */
  rest(): void;
}

/** The same source; the watcher knows at any time whether it is waited for. */
export function watchedSource<At extends Position>(
  source: Source<At>,
  watcher: SourceWatcher,
): Source<At> {
  return {
    async *read(from, stop) {
      try {
        watcher.due();
        for await (const batch of source.read(from, stop)) {
          watcher.moved();
          watcher.rest();
          yield batch;
          watcher.due();
        }
      } finally {
        watcher.rest();
      }
    },
  };
}
