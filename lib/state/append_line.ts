/**
 * Files of whole lines, whatever became of the last attempt to write one.
 *
 * @module
 */

import { writeAll } from "../write_all.ts";
import { FILE_MODE } from "./owner_only.ts";

const BLOCK_BYTES = 4_096;
const NEWLINE = 0x0a;

/**
 * Appends a line and syncs the file, which is made where it is not there. What
 * follows the last line end, of a write that was cut off, is removed before; of
 * a write that fails, nothing is left.
 *
 * @param line With its line end
 */
export async function appendLine(
  path: string,
  line: Uint8Array,
): Promise<void> {
  using file = await Deno.open(path, {
    read: true,
    append: true,
    create: true,
    mode: FILE_MODE,
  });
  const end = await lastLineEnd(file);
  await file.truncate(end);
  try {
    await writeAll(file, line);
    await file.sync();
  } catch (error) {
    await file.truncate(end);
    throw error;
  }
}

async function lastLineEnd(file: Deno.FsFile): Promise<number> {
  const block = new Uint8Array(BLOCK_BYTES);
  let end = (await file.stat()).size;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK_BYTES);
    await file.seek(start, Deno.SeekMode.Start);
    const read = await file.read(block.subarray(0, end - start)) ?? 0;
    const newline = block.subarray(0, read).lastIndexOf(NEWLINE);
    if (newline !== -1) return start + newline + 1;
    end = start;
  }
  return 0;
}
