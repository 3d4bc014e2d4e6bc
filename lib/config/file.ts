/**
 * Files and directories that options name.
 *
 * @module
 */

import { ConfigError, describe } from "../errors.ts";
import {
  single,
  text,
  type ValueContext,
  type ValueType,
} from "./value_type.ts";

/**
 * Reads a whole text file.
 *
 * @throws {ConfigError} naming the file and what is wrong with it
 */
export function readFile(
  path: string,
  context: Pick<ValueContext, "readTextFile">,
): string {
  try {
    return context.readTextFile(path);
  } catch (error) {
    throw new ConfigError([`cannot read ${path}: ${reason(error)}`], {
      cause: error,
    });
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) {
    return "it is a directory, not a file";
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return "a part of its path is a file, not a directory";
  }
  return describe(error);
}

/** A file that can be read. */
export const FILE: ValueType<string> = {
  ...single("FILE", (path, context) => {
    readFile(path, context);
    return path;
  }),
  completion: "file",
};

/** A file that can be read, or a directory. */
export const FILE_OR_DIRECTORY: ValueType<string> = {
  ...single("PATH", (path, context) => {
    try {
      context.readTextFile(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.IsADirectory)) readFile(path, context);
    }
    return path;
  }),
  completion: "file",
};

/** A directory, which need not be there yet. */
export const DIRECTORY: ValueType<string> = {
  ...text("DIR"),
  completion: "directory",
};
