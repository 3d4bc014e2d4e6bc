/**
 * What a check found, for people and for programs.
 *
 * @module
 */

import type { EffectiveOption } from "../config/read_options.ts";
import { counted } from "../counted.ts";
import type { Finding } from "./finding.ts";

/** The findings about one thing. */
export interface Part {
  /** E.g. `Teleport at example.com:443`. */
  readonly name: string;
  readonly findings: AsyncIterable<Finding> | Iterable<Finding>;
}

/** What `check --json` prints. */
export interface CheckReport {
  /** Whether nothing failed. */
  readonly ok: boolean;
  readonly findings: readonly (Finding & { readonly part: string })[];
  /** Where `--print-config` asks for it. */
  readonly configuration?: readonly EffectiveOption[];
}

const MARKS: Record<Finding["status"], string> = {
  ok: "✓",
  warning: "!",
  failed: "✗",
  "not tried": "–",
};
const STEP_WIDTH = 27;

/**
 * Collects what is found, and tells each thing as soon as it is known.
 *
 * @param tell Takes whole lines
 */
export async function collect(
  parts: AsyncIterable<Part>,
  tell: (lines: string) => void,
): Promise<CheckReport> {
  const all: (Finding & { part: string })[] = [];
  for await (const { name, findings } of parts) {
    tell(`${name}\n`);
    for await (const finding of findings) {
      all.push({ part: name, ...finding });
      const { step, status, text } = finding;
      const told = status === "not tried" ? `not tried: ${text}` : text;
      tell(`  ${MARKS[status]} ${step.padEnd(STEP_WIDTH)} ${told}\n`);
    }
  }
  const count = (status: Finding["status"]) =>
    all.filter((finding) => finding.status === status).length;
  const failed = count("failed");
  tell(summaryOf({ failed, warnings: count("warning"), all: all.length }));
  return { ok: failed === 0, findings: all };
}

function summaryOf(
  { failed, warnings, all }: { failed: number; warnings: number; all: number },
): string {
  const noted = warnings === 0
    ? ""
    : `; ${counted(warnings, "thing")} to look at (!)`;
  return failed === 0
    ? `Everything holds${noted}.\n`
    : `${failed} of ${all} steps failed${noted}.\n`;
}
