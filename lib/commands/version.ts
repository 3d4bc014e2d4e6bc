/**
 * `version`: what exactly is running.
 *
 * @module
 */

import build from "../build.json" with { type: "json" };
import project from "../../deno.json" with { type: "json" };
import { PROGRAM } from "../config/commands.ts";

/** What a report of a problem should contain. */
export interface VersionInfo {
  readonly version: string;
  /** The commit that a binary was built from; `null` when run from source. */
  readonly commit: string | null;
  readonly deno: string;
  readonly v8: string;
  /** E.g. `x86_64-unknown-linux-gnu`. */
  readonly target: string;
}

/** The versions of this program and of what it runs on. */
export function versionInfo(): VersionInfo {
  return {
    version: project.version,
    commit: build.commit,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    target: Deno.build.target,
  };
}

/** The same as text that ends with a newline. */
export function version({ json }: { readonly json: boolean }): string {
  const info = versionInfo();
  if (json) return JSON.stringify(info) + "\n";
  const { version, commit, deno, v8, target } = info;
  const from = commit === null ? "" : ` (${commit})`;
  return `${PROGRAM} ${version}${from}\ndeno ${deno}, v8 ${v8}, ${target}\n`;
}
