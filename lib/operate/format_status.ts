/**
 * The report as a person reads it on a terminal.
 *
 * @module
 */

import { counted } from "../counted.ts";
import { printable } from "../printable.ts";
import { formatAge } from "./format_age.ts";
import { formatCount } from "./format_number.ts";
import type {
  CredentialReport,
  ProblemReport,
  RecordingsReport,
  RunReport,
  SideReport,
  StatusReport,
  TroubledRecording,
} from "./status_report.ts";

const NAME_WIDTH = 13;
/** Of recordings that fail, which may be many. */
const MAX_RECORDINGS = 10;

/** Lines of a name and what there is to say, ending with a newline. */
export function formatStatus(report: StatusReport): string {
  const nowMs = Date.parse(report.time);
  const { cluster, startTime, run } = report;
  const lines = [
    ["cluster", cluster ?? "not known yet"],
    ["start time", startTime ?? "not known yet"],
    ...run === null ? [] : runLines(run, nowMs),
    ["position", formatPosition(report.position, nowMs)],
    ...recordingLines(report.recordings),
    ["set aside", String(report.setAside)],
    ...report.credentials.map((it) => ["credential", formatEnd(it, nowMs)]),
    ...run === null ? [] : problemLines(run.problems),
  ];
  return lines.map(([name = "", text = ""]) =>
    `${name.padEnd(NAME_WIDTH)}${printable(text)}\n`
  ).join("");
}

function runLines(run: RunReport, nowMs: number): string[][] {
  const { state, events, sides, lagSeconds } = run;
  return [
    ["version", `${run.version}, running since ${run.startedAt}`],
    ["state", `${state.text} ${since(state.since, nowMs)}`],
    ...lagSeconds === null
      ? []
      : [["lag", lagSeconds === 0 ? "none" : formatAge(lagSeconds * 1_000)]],
    ["rate", `${formatCount(run.eventsPerSecond)} events/s`],
    [
      "delivered",
      `${formatCount(events.audit.delivered)} events, ${
        formatCount(events.recording.delivered)
      } of recordings, since it runs`,
    ],
    ...lossLines(events),
    ["teleport", formatSide(sides.teleport, nowMs)],
    ["fluentd", formatSide(sides.fluentd, nowMs)],
  ];
}

/** What nobody has to read where all is well. */
function lossLines({ audit, recording, leftOut }: RunReport["events"]) {
  const unaccounted = audit.unaccounted + recording.unaccounted;
  return [
    ...leftOut === 0 ? [] : [[
      "left out",
      `${formatCount(leftOut)}, which Teleport could not send`,
    ]],
    ...unaccounted === 0 ? [] : [[
      "unaccounted",
      `${formatCount(unaccounted)} events: please report it`,
    ]],
  ];
}

function formatPosition(position: string | null, nowMs: number): string {
  if (position === null) return "no event yet";
  return `${position} (${formatAge(nowMs - Date.parse(position))} ago)`;
}

function formatSide(
  { address, ok, since: time, error }: SideReport,
  nowMs: number,
): string {
  if (ok === null) return `${address}: not asked yet`;
  return ok
    ? `${address}: answers ${since(time, nowMs)}`
    : `${address}: fails ${since(time, nowMs)}: ${error}`;
}

function recordingLines(
  { pending, failing, missing, troubled }: RecordingsReport,
): string[][] {
  const shown = troubled.slice(0, MAX_RECORDINGS);
  const rest = failing - shown.length;
  return [
    ["recordings", `${pending} pending, ${missing} missing`],
    ...shown.map((it) => ["", formatRecording(it)]),
    ...rest === 0 ? [] : [["", `and ${rest} more that fail`]],
  ];
}

function formatRecording(
  { sessionId, since, attempts, missing, lastError }: TroubledRecording,
): string {
  const often = counted(attempts, "attempt");
  const what = missing ? `${often}, missing` : often;
  return `${sessionId} since ${since}, ${what}: ${lastError}`;
}

function formatEnd({ name, notAfter }: CredentialReport, nowMs: number) {
  const leftMs = Date.parse(notAfter) - nowMs;
  return leftMs > 0
    ? `${name} ends ${notAfter} (in ${formatAge(leftMs)})`
    : `${name} ended ${notAfter} (${formatAge(-leftMs)} ago): renew it`;
}

function problemLines(problems: readonly ProblemReport[]): string[][] {
  return problems.map(({ what, error, first, last, over, times }, i) => [
    i === 0 ? "problems" : "",
    `${first}${first === last ? "" : ` to ${last}`}, ${what}${
      times === 1 ? "" : `, ${formatCount(times)} times`
    }${over === null ? "" : `, over since ${over}`}: ${error}`,
  ]);
}

function since(time: string, nowMs: number): string {
  return `(since ${time}, ${formatAge(nowMs - Date.parse(time))})`;
}
