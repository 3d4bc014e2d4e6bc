/**
 * What a process left on disk.
 *
 * @module
 */

import type {
  ExportPosition,
  PagePosition,
  Position,
} from "../../../lib/event.ts";
import type { StateDocument } from "../../../lib/state/document.ts";
import type { RejectedEvent } from "../../../lib/state/rejected.ts";
import { readRejected } from "../../../lib/state/rejected_files.ts";
import { readState } from "../../../lib/state/state_file.ts";
import type { AuditLog } from "../../fakes/audit_log.ts";
import type { LogEvent } from "../../fakes/log_event.ts";
import { passedBy } from "../../fakes/page_search.ts";
import { waitUntil } from "../../fakes/wait_until.ts";
import type { Stage } from "../stage.ts";

/** What is there once the process is gone. */
export interface Remains {
  readonly state: StateDocument | undefined;
  /** The audit events that its position is behind. */
  readonly saved: readonly LogEvent[];
  readonly rejected: readonly RejectedEvent[];
}

/** Reads it, after the last request of the process has ended too. */
export async function readRemains(stage: Stage): Promise<Remains> {
  const { received } = stage.fluentd;
  await waitUntil("the last requests", () => received.underWay === 0);
  const state = await readState(stage.stateDirectory);
  return {
    state,
    saved: state === undefined
      ? []
      : [...savedBy(state.position, stage.teleport.log)],
    rejected: await Array.fromAsync(readRejected(stage.stateDirectory)),
  };
}

function savedBy(position: Position, log: AuditLog): Iterable<LogEvent> {
  return position.kind === "page"
    ? savedOfPages(position, log)
    : savedOfChunks(position, log);
}

function* savedOfPages(
  { start, cursor, seen }: PagePosition,
  log: AuditLog,
): Generator<LogEvent> {
  const passed = Math.max(
    log.firstAt(Date.parse(start) * 1_000),
    cursor === "" ? 0 : passedBy(log, cursor),
  );
  const shown = new Set(seen);
  for (const [place, event] of log.events().toArray().entries()) {
    if (place < passed || shown.has(event.id)) yield event;
  }
}

function* savedOfChunks(
  { days }: ExportPosition,
  log: AuditLog,
): Generator<LogEvent> {
  const [first = ""] = Object.keys(days).sort();
  const passed = log.firstAt(Date.parse(first) * 1_000);
  for (let place = 0; place < passed; place++) yield log.at(place);
  for (const { done, cursors } of Object.values(days)) {
    for (const chunk of done) yield* log.chunk(chunk);
    for (const [chunk, cursor] of Object.entries(cursors)) {
      yield* Iterator.from(log.chunk(chunk)).take(Number(cursor));
    }
  }
}
