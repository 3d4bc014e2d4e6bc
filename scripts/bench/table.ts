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

/** The head of the table: one line, or Markdown's two. */
export function formatHead(markdown: boolean): string {
  const titles = COLUMNS.map(({ title }) => title);
  if (!markdown) return formatLine("", titles);
  return `|  | ${titles.join(" | ")} |\n| --- |${
    " ---: |".repeat(titles.length)
  }`;
}

/** One run as a row of the table. */
export function formatRow(measured: Measured, markdown: boolean): string {
  const values = COLUMNS.map(({ value }) => value(measured));
  return markdown
    ? `| ${measured.name} | ${values.join(" | ")} |`
    : formatLine(measured.name, values);
}

function formatLine(name: string, values: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) +
    values.map((value) => value.padStart(14)).join("");
}
