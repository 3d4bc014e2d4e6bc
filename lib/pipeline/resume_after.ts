/**
 * Goes on behind the last event that another program sent: it kept a page and
 * that event's id, and not which events of the page come before it.
 *
 * @module
 */

import type { Batch, PagePosition } from "../event.ts";
import type { Source } from "./ports.ts";

/** The other program's pages may be larger than ours; none has more events. */
const LARGEST_PAGE = 10_000;

/**
 * The source without the events up to and including the one that `position.after`
 * names, where a position does. Nothing is yielded, and so no position kept, until
 * it is found. Where it does not show up on the page, everything is sent: an event
 * sent twice is better than one that is lost.
 *
 * @param onMissing Told that so many events are sent which may have been before
 */
export function resumeAfter(
  source: Source<PagePosition>,
  onMissing: (id: string, events: number) => void,
): Source<PagePosition> {
  return {
    async *read(from, stop) {
      const { after, ...start } = from;
      if (after === undefined) {
        yield* source.read(from, stop);
        return;
      }
      let searching = true;
      const held: Batch<PagePosition>[] = [];
      let heldEvents = 0;
      for await (const batch of source.read(start, stop)) {
        if (!searching) {
          yield batch;
          continue;
        }
        const index = batch.events.findLastIndex(({ id }) => id === after);
        if (index !== -1) {
          searching = false;
          yield { ...batch, events: batch.events.slice(index + 1) };
          continue;
        }
        held.push(batch);
        heldEvents += batch.events.length;
        if (batch.more && heldEvents < LARGEST_PAGE) continue;
        searching = false;
        onMissing(after, heldEvents);
        yield* held.splice(0);
      }
    },
  };
}
