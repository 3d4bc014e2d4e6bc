/**
 * Files and directories that options name.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { whyUnreadable } from "../unreadable.ts";
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
    throw new ConfigError([`cannot read ${path}: ${whyUnreadable(error)}`], {
      cause: error,
    });
  }
}

/**
 * Where a path that begins with `~/` leads, in a file or behind an equals sign, where
 * no shell has replaced that. The Go handler does so for files that must exist.
 */
export function expandHome(
  path: string,
  { home }: Pick<ValueContext, "home">,
): string {
  return home && path.startsWith("~/") ? home + path.slice(1) : path;
}

/** A file that can be read. */
export const FILE: ValueType<string> = {
  ...single("FILE", (written, context) => {
    const path = expandHome(written, context);
    readFile(path, context);
    return path;
  }),
  completion: "file",
};

/** A file that can be read, or a directory. */
export const FILE_OR_DIRECTORY: ValueType<string> = {
  ...single("PATH", (written, context) => {
    const path = expandHome(written, context);
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
