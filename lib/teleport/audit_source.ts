/**
 * The audit log in the best way that the server has, whichever way it was read
 * before.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { ExportPosition, PagePosition, Position } from "../event.ts";
import type { Source } from "../pipeline/ports.ts";
import { toExport, toPages } from "./export_position.ts";

/** The two ways to read the audit log. */
export interface AuditSourceOptions {
  readonly pages: Source<PagePosition>;
  /** Bulk export; undefined where the server has none. */
  readonly chunks: Source<ExportPosition> | undefined;
  /** RFC 3339: a way that is begun anew begins no earlier. */
  readonly startTime: string;
  readonly clock: Clock;
  readonly observer: AuditSourceObserver;
}

/** Who is told about the way that is taken. */
export interface AuditSourceObserver {
  /** Page search has caught up, and bulk export takes over. */
  tookOver(): void;
  /** Bulk export is no more, so that events since then are sent again. */
  fellBack(since: string): void;
}

/**
 * A source that goes on from either kind of position.
 *
 * Where page search was begun and bulk export is there, page search goes on until
 * it has caught up, since a cursor says nothing of chunks: then nothing is lost,
 * and little is sent twice. The other way round, days that are not done with are
 * read again.
 */
export function auditSource(options: AuditSourceOptions): Source {
  const { pages, chunks, startTime, clock, observer } = options;
  return {
    async *read(from, stop) {
      if (chunks === undefined) {
        yield* pages.read(fallBack(from, startTime, observer), stop);
        return;
      }
      if (from.kind === "export") {
        yield* chunks.read(from, stop);
        return;
      }
      let position = from;
      let askedMs = clock.now();
      if (!isFresh(from)) {
        let caughtUp = false;
        for await (const batch of pages.read(from, stop)) {
          ({ position, askedMs = clock.now() } = batch);
          caughtUp = !batch.more;
          yield batch;
          if (caughtUp) break;
        }
        if (stop.aborted || !caughtUp) return;
        observer.tookOver();
      }
      yield* chunks.read(toExport(position, askedMs), stop);
    },
  };
}

function fallBack(
  from: Position,
  startTime: string,
  observer: AuditSourceObserver,
): PagePosition {
  if (from.kind === "page") return from;
  const position = toPages(from, startTime);
  observer.fellBack(position.start);
  return position;
}

function isFresh({ cursor, seen, newest, after }: PagePosition): boolean {
  return cursor === "" && seen.length === 0 && newest === null &&
    after === undefined;
}
