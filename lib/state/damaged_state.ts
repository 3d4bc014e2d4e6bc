/**
 * What becomes of a state file that cannot be read back: it stays where it is, so
 * that nobody goes on from nowhere, and a copy is kept from whoever mends it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { describe } from "../errors.ts";
import { replaceAtomically } from "./atomic_write.ts";
import { DamagedStateError, type StateDocument } from "./document.ts";
import { readState } from "./state_file.ts";

/**
 * As `readState`, for the one who holds the directory: a copy of a damaged file is
 * kept beside it, one of each content.
 *
 * @throws {StateError} where it cannot be read or used
 */
export async function readStateOrKeepAside(
  directory: string,
): Promise<StateDocument | undefined> {
  try {
    return await readState(directory);
  } catch (error) {
    if (!(error instanceof DamagedStateError)) throw error;
    const kept = await keepCopy(error.path);
    throw new DamagedStateError(`${error.message}; ${kept}`, error.path, {
      cause: error.cause,
    });
  }
}

/** Says where the copy is, or why there is none. */
async function keepCopy(path: string): Promise<string> {
  try {
    const bytes = await Deno.readFile(path);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const copy = `${path}.damaged-${digest.slice(0, 12)}`;
    // Where one is there already, it may have been cut off.
    await replaceAtomically(copy, [bytes]);
    return `a copy of it is kept in ${copy}`;
  } catch (error) {
    return `no copy of it could be kept: ${describe(error)}`;
  }
}
