/**
 * Files for tests that need none on disk.
 *
 * @module
 */

import type { ValueContext } from "../../lib/config/value_type.ts";

/** When these tests run: 2024-06-01T12:00:00Z. */
export const NOW_MS = Date.UTC(2024, 5, 1, 12);

/** Reads from a record, and throws as Deno does for what is not in it. */
export function filesOf(
  contents: Readonly<Record<string, string>>,
): (path: string) => string {
  return (path) => {
    const content = contents[path];
    if (content === undefined) throw new Deno.errors.NotFound(path);
    return content;
  };
}

/** For values that name no file. */
export const NO_FILES: ValueContext = {
  readTextFile: filesOf({}),
  nowMs: NOW_MS,
};
