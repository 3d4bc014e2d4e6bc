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

/** Who is told of what is not found. */
export interface ResumeObserver {
  /** So many events are sent which may have been before the named one. */
  missing(id: string, events: number): void;
  /** Nothing comes of the cursor, so reading begins anew at that time without it. */
  cursorDropped(cursor: string, time: string): void;
}

/**
 * The source without the events up to and including the one that `position.after`
 * names, where a position does. Nothing is yielded, and so no position kept, until
 * it is found. Where it does not show up on the page, everything is sent: an event
 * sent twice is better than one that is lost. It was on that page: where nothing
 * shows up at all, the cursor leads nowhere, and is dropped.
 */
export function resumeAfter(
  source: Source<PagePosition>,
  observer: ResumeObserver,
): Source<PagePosition> {
  const resumed: Source<PagePosition> = {
    async *read(from, stop) {
      const { after, ...start } = from;
      if (after === undefined) {
        yield* source.read(from, stop);
        return;
      }
      let searching = true;
      let leadsNowhere = false;
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
        leadsNowhere = heldEvents === 0 && start.cursor !== "";
        if (leadsNowhere) break;
        searching = false;
        observer.missing(after, heldEvents);
        yield* held.splice(0);
      }
      if (!leadsNowhere) return;
      observer.cursorDropped(start.cursor, start.start);
      yield* resumed.read({ ...from, cursor: "" }, stop);
    },
  };
  return resumed;
}
