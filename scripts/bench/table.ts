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
    value: ({ events, seconds }) =>
      Math.round(events / seconds).toLocaleString("en"),
  },
  {
    title: "CPU µs/event",
    value: ({ events, cpuSeconds }) => (cpuSeconds * 1e6 / events).toFixed(1),
  },
  { title: "peak MiB", value: ({ peakMib }) => peakMib.toFixed(0) },
];
const NAME_WIDTH = 28;
const VALUE_WIDTH = 14;

/** The head of the table. */
export function formatHead(markdown: boolean): string {
  return formatTitles(COLUMNS.map(({ title }) => title), markdown);
}

/** One run as a row of the table. */
export function formatRow(measured: Measured, markdown: boolean): string {
  const values = COLUMNS.map(({ value }) => value(measured));
  return formatLine(measured.name, values, markdown);
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
