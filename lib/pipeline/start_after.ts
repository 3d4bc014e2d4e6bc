/**
 * Begins behind one event, for a state that was lost.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { PagePosition } from "../event.ts";
import type { Source } from "./ports.ts";

/** Where to look for the event, and where to go on behind it. */
export interface StartAfterOptions {
  /**
   * Ends once all is read: only such a source has made sure that there is nothing
   * more, and not just not yet.
   */
  readonly search: Source<PagePosition>;
  readonly source: Source;
}

/**
 * The source without the event of that id and all before it. Nothing is yielded,
 * and so no position kept, until it is found.
 *
 * Its `read` throws `ConfigError` where the search ends without it.
 */
export function startAfter(
  { search, source }: StartAfterOptions,
  id: string,
): Source {
  return {
    // Where the state is lost, the position is that of a first run.
    async *read(from: PagePosition, stop) {
      for await (const batch of search.read(from, stop)) {
        const index = batch.events.findIndex((event) => event.id === id);
        if (index === -1) continue;
        yield { ...batch, events: batch.events.slice(index + 1) };
        yield* source.read(batch.position, stop);
        return;
      }
      if (stop.aborted) return;
      throw new ConfigError([
        `start-id: there is no event with the id ${id} since start-time: correct one of them, or leave start-id out to send everything since start-time`,
      ]);
    },
  };
}
