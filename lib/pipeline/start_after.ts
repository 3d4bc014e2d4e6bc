/**
 * Begins behind one event, for a state that was lost.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { Source } from "./ports.ts";

/**
 * The source without the event of that id and all before it. Nothing is yielded,
 * and so no position kept, until it is found.
 *
 * Its `read` throws `ConfigError` where the source has caught up without it.
 */
export function startAfter(source: Source, id: string): Source {
  return {
    async *read(from, stop) {
      let found = false;
      for await (const batch of source.read(from, stop)) {
        if (found) {
          yield batch;
          continue;
        }
        const index = batch.events.findIndex((event) => event.id === id);
        if (index !== -1) {
          found = true;
          yield { ...batch, events: batch.events.slice(index + 1) };
        } else if (!batch.more) {
          throw new ConfigError([
            `start-id: there is no event with the id ${id} since start-time: correct one of them, or leave start-id out to send everything since start-time`,
          ]);
        }
      }
    },
  };
}
