/**
 * Files that cannot be read.
 *
 * @module
 */

import { describe } from "./errors.ts";

/** Why not, in the same words wherever it is told. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied: it must be readable by the user that runs this";
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return "it is a directory, not a file";
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return "a part of its path is a file, not a directory";
  }
  return describe(error);
}
