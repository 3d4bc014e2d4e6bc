/**
 * What a part of the program logs, for a test to look at.
 *
 * @module
 */

import { setUpLogging, tearDownLogging } from "../../lib/log.ts";

/** One log record. */
export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Catches what is logged until it is disposed of. */
export async function captureLog(): Promise<
  { readonly records: Logged[] } & AsyncDisposable
> {
  const records: Logged[] = [];
  await setUpLogging({
    level: "debug",
    format: "json",
    write(line) {
      const { "@timestamp": _time, logger: _logger, ...record } = JSON.parse(
        line,
      );
      records.push(record);
    },
  });
  return { records, [Symbol.asyncDispose]: tearDownLogging };
}
