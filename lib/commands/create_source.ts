/**
 * How the audit log is read, as it is configured and the cluster allows.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { logger } from "../log.ts";
import type { Monitor } from "../operate/monitor.ts";
import type { CallsObserver } from "../operate/observers.ts";
import { watchChunks } from "../operate/watch_chunks.ts";
import { watchPages } from "../operate/watch_pages.ts";
import type { Source } from "../pipeline/ports.ts";
import { resumeAfter } from "../pipeline/resume_after.ts";
import type { RetryPolicy } from "../pipeline/retry.ts";
import { startAfter } from "../pipeline/start_after.ts";
import { watchedSource } from "../pipeline/watched_source.ts";
import { auditSource } from "../teleport/audit_source.ts";
import type { TeleportClient } from "../teleport/client.ts";
import { ExportSource } from "../teleport/export_source.ts";
import { PageSource, type PageSourceOptions } from "../teleport/page_source.ts";
import { observeChunks } from "./chunk_observer.ts";
import type { LeftOutNotes } from "./left_out.ts";
import { observePages } from "./page_observer.ts";

/** What is read, and where from. */
export interface SourceOptions {
  readonly config: Config;
  readonly client: TeleportClient;
  /** Whether the cluster has bulk export. */
  readonly hasExport: boolean;
  readonly policy: RetryPolicy;
  /** Where it is noted what could not be read. */
  readonly notes: LeftOutNotes;
  /** What `start-time` was at the first run. */
  readonly startTime: string;
  /** Nothing was stored. */
  readonly first: boolean;
}

/** What it takes to read. */
export interface SourceSurroundings {
  readonly clock: Clock;
  readonly monitor: Monitor;
  readonly teleport: CallsObserver;
}

/** Makes the source of a run. */
export function createSource(
  options: SourceOptions,
  surroundings: SourceSurroundings,
): Source {
  const { config, startTime, first } = options;
  const { startId } = config.source;
  const log = logger("teleport");
  const pages = createPages(options, surroundings);
  const source = auditSource({
    pages: resumeAfter(pages(!config.exitOnLastEvent), {
      missing: (id, events) =>
        log.warn(
          "the event after which to go on does not show up, so what may have been sent before is sent again",
          { id, events },
        ),
      cursorDropped: (cursor, from) =>
        log.warn(
          "the Go handler's cursor shows nothing, not even the event after which to go on, so that is looked for without it",
          { cursor, from },
        ),
    }),
    chunks: createChunks(options, surroundings),
    startTime,
    clock: surroundings.clock,
    observer: {
      tookOver: () => log.info("caught up by pages, bulk export takes over"),
      fellBack: (since) =>
        log.warn(
          "this server has no bulk export any more, so days that were not done with are sent again",
          { since },
        ),
    },
  });
  return first && startId !== undefined
    ? startAfter({ search: pages(false), source }, startId)
    : source;
}

function createPages(
  { config, client, policy, notes, startTime }: SourceOptions,
  { clock, monitor, teleport }: SourceSurroundings,
) {
  const options: Omit<PageSourceOptions, "follow"> = {
    ...config.source,
    startTime,
    getEvents: watchPages(
      (request, signal) => client.getEvents(request, signal),
      monitor,
    ),
    policy,
    clock,
    observer: observePages({ teleport, monitor, notes }),
  };
  return (follow: boolean) =>
    watchedSource(
      new PageSource({ ...options, follow }),
      monitor.movements.reading,
    );
}

function createChunks(
  { config, client, hasExport, policy, notes, startTime }: SourceOptions,
  { clock, monitor, teleport }: SourceSurroundings,
) {
  if (!hasExport) return undefined;
  const source = new ExportSource({
    listChunks: (dayMs, signal) => client.listChunks(dayMs, signal),
    exportEvents: watchChunks(
      (request, signal) => client.exportEvents(request, signal),
      monitor,
    ),
    types: config.source.types,
    startTime,
    concurrency: config.concurrency,
    pollMs: config.source.pollMs,
    follow: !config.exitOnLastEvent,
    policy,
    clock,
    observer: observeChunks({ teleport, monitor, notes }),
  });
  return watchedSource(source, monitor.movements.reading);
}
