/**
 * Observers that take no note of anything.
 *
 * @module
 */

import type { DeliveryObserver } from "../../lib/pipeline/deliver.ts";
import type { ForwardObserver } from "../../lib/pipeline/forward.ts";
import type { RecordingsObserver } from "../../lib/pipeline/recordings.ts";
import type { ExportObserver } from "../../lib/teleport/export_days.ts";
import type { PageObserver } from "../../lib/teleport/page_source.ts";

/** By what is observed. */
export const UNWATCHED: {
  readonly delivery: DeliveryObserver;
  readonly events: ForwardObserver;
  readonly recordings: RecordingsObserver;
  readonly pages: PageObserver;
  readonly chunks: ExportObserver;
} = {
  delivery: { delivered() {}, setAside() {}, failed() {}, recovered() {} },
  events: { read() {}, advanced() {}, caughtUp: () => () => {} },
  recordings: {
    read() {},
    finished() {},
    full() {},
    retried() {},
    missing() {},
    failed() {},
  },
  pages: {
    worked() {},
    shrunk() {},
    cursorDropped() {},
    clockSetBack() {},
    emptyPages() {},
    promiseBroken() {},
    steppedOver: () => Promise.resolve(),
    failed() {},
  },
  chunks: {
    worked() {},
    failed() {},
    cursorRefused() {},
    gone: () => Promise.resolve(),
    clockSetBack() {},
  },
};
