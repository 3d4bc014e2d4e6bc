/**
 * What was measured, for people and for the documentation.
 *
 * @module
 */

import type { Measured } from "./stage.ts";

interface Column {
  readonly title: string;
  readonly value: (measured: Measured) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "events", value: ({ events }) => events.toLocaleString("en") },
  {
    title: "seconds",
    value: ({ seconds }) => seconds.toFixed(1),
  },
  {
    title: "events/s",
    value: (measured) => Math.round(rateOf(measured)).toLocaleString("en"),
  },
  {
    title: "CPU µs/event",
    value: ({ events, cpuSeconds }) => (cpuSeconds * 1e6 / events).toFixed(1),
  },
  { title: "peak MiB", value: ({ peakMib }) => peakMib.toFixed(0) },
];
const RECEIVER: Column = {
  title: "receiver busy",
  value: ({ busySeconds, seconds }) =>
    `${(100 * busySeconds / seconds).toFixed(0)} %`,
};
const SHARE = "of ceiling";
const NAME_WIDTH = 28;
const VALUE_WIDTH = 14;

/** How a table is made. */
export interface TableOptions {
  /** How busy the receiver was is told. */
  readonly receiver: boolean;
  /** As it stands in `docs/performance.md`. */
  readonly markdown: boolean;
}

/** The head of the table; `shares`: what each run reaches of a ceiling is told. */
export function formatHead(
  { shares, receiver, markdown }: TableOptions & { shares: boolean },
): string {
  const titles = columns(receiver).map(({ title }) => title);
  return formatTitles(shares ? [...titles, SHARE] : titles, markdown);
}

/**
 * One run as a row of the table.
 *
 * @param options.ceiling In events a second; left out: there is none
 */
export function formatRow(
  measured: Measured,
  { ceiling, receiver, markdown }: TableOptions & {
    ceiling: number | undefined;
  },
): string {
  const values = columns(receiver).map(({ value }) => value(measured));
  if (ceiling !== undefined) {
    values.push(
      measured.isCeiling
        ? ""
        : `${(100 * rateOf(measured) / ceiling).toFixed(0)} %`,
    );
  }
  return formatLine(measured.name, values, markdown);
}

function columns(receiver: boolean): readonly Column[] {
  return receiver ? [...COLUMNS, RECEIVER] : COLUMNS;
}

/** Events a second. */
export function rateOf(
  { events, seconds }: Pick<Measured, "events" | "seconds">,
): number {
  return events / seconds;
}

/** Titles of columns behind that of the names: one line, or Markdown's two. */
export function formatTitles(
  titles: readonly string[],
  markdown: boolean,
): string {
  const line = formatLine("", titles, markdown);
  return markdown ? `${line}\n| --- |${" ---: |".repeat(titles.length)}` : line;
}

/** A name and its figures. */
export function formatLine(
  name: string,
  values: readonly string[],
  markdown: boolean,
): string {
  return markdown
    ? `| ${name} | ${values.join(" | ")} |`
    : name.padEnd(NAME_WIDTH) +
      values.map((value) => value.padStart(VALUE_WIDTH)).join("");
}
