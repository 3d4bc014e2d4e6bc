/**
 * A state directory as the Go handler leaves it.
 *
 * @module
 */

import { join } from "node:path";
import { goIndex } from "../fakes/go_state.ts";
import { searchPage } from "../fakes/page_search.ts";
import type { Stage } from "./stage.ts";

/** The Go handler's default. */
export const PAGE_SIZE = 20;
/** The last event that it sent: the seventh of its third page. */
const LAST = 2 * PAGE_SIZE + 6;

/**
 * Writes what a Go handler leaves that was stopped in the middle of a page, with
 * one recording half sent, and another one not found.
 *
 * @returns The ids that have to arrive from there on, and the files
 */
export async function leaveGoState(
  stage: Stage,
  changes: Readonly<Record<string, string>> = {},
) {
  const { log } = stage.teleport;
  const ids = [...log.ids()];
  const [half, missing] = sessionsBetween(stage, 0, LAST);
  const sent = 3;
  const texts = {
    "start_time": "2026-01-01T00:00:00Z",
    "window_time": "2026-01-01T00:00:00Z",
    cursor: thirdPage(stage),
    id: ids[LAST] ?? "",
    ...missing !== undefined && {
      [`missing_recording${missing}`]:
        '{"Index":0,"Attempt":1,"Timestamp":"2026-01-01T00:00:00Z"}',
    },
    ...changes,
  };
  const files: Record<string, Uint8Array> = {};
  for (const [name, text] of Object.entries(texts)) {
    files[name] = new TextEncoder().encode(text);
  }
  if (half !== undefined) files[`session${half}`] = goIndex(sent);
  await Deno.mkdir(stage.stateDirectory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeFile(join(stage.stateDirectory, name), content);
  }
  const expected = ids.slice(LAST + 1);
  if (half !== undefined) {
    const before = new Set(
      Array.from(log.recording(half)?.events() ?? [])
        .filter(({ index }) => index <= sent).map(({ id }) => id),
    );
    expected.push(
      ...stage.expectedRecording(half).filter((id) => !before.has(id)),
    );
  }
  if (missing !== undefined) expected.push(...stage.expectedRecording(missing));
  for (const sessionId of sessionsBetween(stage, LAST + 1, log.size)) {
    expected.push(...stage.expectedRecording(sessionId));
  }
  return { expected, files };
}

/** The cursor of the page with the events 40 to 59. */
function thirdPage({ teleport: { log } }: Stage): string {
  let startKey = "";
  for (let turned = 0; turned < 2; turned++) {
    ({ lastKey: startKey } = searchPage(log, {
      startUs: 0,
      endUs: Date.UTC(2027, 0, 1) * 1_000,
      types: [],
      limit: PAGE_SIZE,
      startKey,
      ascending: true,
    }));
  }
  return startKey;
}

/** The sessions whose upload is at a position of the log from `first` up to `end`. */
function sessionsBetween(
  { teleport: { log } }: Stage,
  first: number,
  end: number,
): string[] {
  return Array.from(log.events()).slice(first, end)
    .filter(({ type }) => type === "session.upload")
    .map(({ json }) => String(json["sid"]));
}
