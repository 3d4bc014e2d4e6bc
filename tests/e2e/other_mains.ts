/**
 * Modules that run the program in their own way, and what they may besides.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { ProgramOptions } from "../fakes/program.ts";

export const FAST_CLOCK = mainOf("fast_clock_main.ts");
export const MISCOUNTING = mainOf("miscounting_main.ts");
export const SHORT_GRACE = mainOf("short_grace_main.ts");
export const KILL_AT = mainOf("crash/kill_at_main.ts", "--allow-run");

function mainOf(
  name: string,
  ...permissions: readonly string[]
): NonNullable<ProgramOptions["main"]> {
  return {
    path: fileURLToPath(new URL(name, import.meta.url)),
    permissions,
  };
}
