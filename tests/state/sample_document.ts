/**
 * A state document like those in the field.
 *
 * @module
 */

import type { PagePosition } from "../../lib/event.ts";
import type { StateDocument } from "../../lib/state/document.ts";

/** A new one each time. */
export function sampleDocument(): StateDocument & { position: PagePosition } {
  return {
    version: 1,
    cluster: "tele.example.com",
    startTime: "2026-02-01T00:00:00Z",
    position: {
      kind: "page",
      start: "2026-03-01T00:00:00Z",
      cursor: "1772366400/3f1c",
      seen: ["0b8f", "sha256:77aa"],
      newest: { time: "2026-03-01T11:59:58Z", keys: ["0b8f"] },
    },
    recordings: {
      "5a1d": {
        index: 120,
        count: 1,
        attempts: 2,
        sinceMs: 1_772_366_000_000,
        notBeforeMs: 1_772_366_300_000.5,
        lastError: "the recording is not there (yet)",
      },
      "9c2e": {
        index: 0,
        count: 0,
        attempts: 0,
        sinceMs: 1_772_366_100_000,
        notBeforeMs: 0,
        lastError: "",
      },
    },
  };
}
