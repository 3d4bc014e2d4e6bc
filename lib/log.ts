/**
 * Logging, set up once. The only file that imports LogTape.
 *
 * A log line is a constant message and fields; nothing is logged per event, and
 * never a payload or a secret. ERROR means that somebody must act.
 *
 * @module
 */

import {
  configure,
  getJsonLinesFormatter,
  getLogger,
  type Logger,
  type LogRecord,
  reset,
} from "@logtape/logtape";
import { printable } from "./printable.ts";

const ROOT = "teleport-event-handler";

/** How logs are written. */
export interface LogOptions {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly format: "text" | "json";
  /** Takes whole lines. */
  readonly write: (text: string) => void;
}

/** Sets logging up for the whole process; before that, logs go nowhere. */
export async function setUpLogging(options: LogOptions): Promise<void> {
  const format = options.format === "json" ? formatJson : formatText;
  const sink = (record: LogRecord) => options.write(format(record));
  await configure({
    reset: true,
    sinks: { lines: sink },
    loggers: [
      { category: [ROOT], lowestLevel: options.level, sinks: ["lines"] },
      {
        category: ["logtape", "meta"],
        lowestLevel: "warning",
        sinks: ["lines"],
      },
    ],
  });
}

/** Undoes `setUpLogging`. */
export const tearDownLogging: () => Promise<void> = reset;

/** The logger of a part of the program. */
export function logger(part: string): Logger {
  return getLogger([ROOT, part]);
}

export type { Logger };

const formatJson = getJsonLinesFormatter({
  message: "rendered",
  properties: "flatten",
});

const LEVELS: Record<LogRecord["level"], string> = {
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO ",
  warning: "WARN ",
  error: "ERROR",
  fatal: "FATAL",
};

function formatText(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const message = record.message.map(String).join("");
  const fields = Object.entries(record.properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`)
    .join("");
  return `${time} ${LEVELS[record.level]} ${message}${fields}\n`;
}

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return PLAIN.test(text) ? text : quote(text);
}

/**
 * What stands without quotes: neither a separator nor a command to the terminal, nor
 * what turns the rest of the line round.
 */
const PLAIN = /^[^\s"=\p{Cc}\p{Bidi_Control}]+$/u;

/** As in JSON, which leaves some of these characters as they are. */
function quote(text: string): string {
  return printable(JSON.stringify(text));
}
