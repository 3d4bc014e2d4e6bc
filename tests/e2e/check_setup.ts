/**
 * A check of what is on the stage, and what it finds.
 *
 * @module
 */

import type { CheckReport } from "../../lib/check/report.ts";
import type { CertificateOptions } from "../../lib/configure/certificates.ts";
import { assertEquals } from "../assert.ts";
import { EXPIRED, NOT_YET_VALID } from "../fakes/pki.ts";
import { type ProgramOptions, runProgram } from "../fakes/program.ts";
import type { Stage } from "./stage.ts";

/** What a check has found. */
export interface Checked {
  readonly code: number;
  /** What `--json` says: status and text, by `part/step`. */
  readonly found: Readonly<Record<string, string>>;
  /** The steps that failed. */
  readonly failed: readonly string[];
}

/** Options of a `start` on the stage, but for those that are replaced or left out. */
export function options(
  stage: Stage,
  { replace = [], without = [] }: {
    replace?: readonly string[];
    without?: readonly string[];
  } = {},
): string[] {
  const names = [...replace, ...without].map((arg) => arg.split("=")[0]);
  const [, ...all] = stage.start();
  return [
    ...all.filter((arg) => !names.includes(arg.split("=")[0])),
    ...replace,
  ];
}

/** Runs `check` with the options of a `start` on the stage, but for these. */
export async function check(
  stage: Stage,
  changes: Parameters<typeof options>[1] & ProgramOptions = {},
): Promise<Checked> {
  const { code, stdout, stderr } = await runProgram(
    ["check", "--json", ...options(stage, changes)],
    changes,
  );
  assertEquals(stderr, "");
  const report: CheckReport = JSON.parse(stdout);
  assertEquals(report.ok, code === 0);
  const keyOf = ({ part, step }: { part: string; step: string }) =>
    `${part.replace(/ at .*/, "")}/${step}`;
  return {
    code,
    found: Object.fromEntries(
      report.findings.map((it) => [keyOf(it), `${it.status}: ${it.text}`]),
    ),
    failed: report.findings.filter(({ status }) => status === "failed")
      .map(keyOf),
  };
}

const NOT_YET_VALID_TEXT =
  /its certificate is not valid before 2049-01-01T00:00:00\.000Z: are the clocks right\?/;
const NOT_FOR_SERVERS_TEXT =
  /its certificate is not meant for servers: issue one for server authentication/;

/** Certificates that no server may show, and what is said of each. */
export const BAD_CERTIFICATES: [
  what: string,
  changes: Partial<CertificateOptions>,
  says: RegExp,
][] = [
  ["expired", { validity: EXPIRED }, /its certificate expired on 2021-01-01T/],
  ["is not valid yet", { validity: NOT_YET_VALID }, NOT_YET_VALID_TEXT],
  ["is for clients", { usages: ["client"] }, NOT_FOR_SERVERS_TEXT],
];
