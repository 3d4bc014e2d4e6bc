/**
 * Asks the running process how it is.
 *
 * @module
 */

import { type Address, formatAddress } from "../address.ts";
import { describe } from "../errors.ts";
import { exceptFromProxies } from "../proxy_exceptions.ts";
import type { StatusReport } from "../operate/status_report.ts";

const TIMEOUT_MS = 5_000;
/** For who listens on all addresses, where it can be asked. */
const LOCAL: Readonly<Record<string, string>> = {
  "0.0.0.0": "127.0.0.1",
  "::": "::1",
};

/**
 * The report of the process that listens there.
 *
 * @throws {Error} saying in words why there is none
 */
export async function fetchReport(
  { host, port }: Address,
): Promise<StatusReport> {
  const local = LOCAL[host] ?? host;
  const url = `http://${formatAddress({ host: local, port })}/status`;
  // It is this machine's, whatever it is called.
  exceptFromProxies([local]);
  let text: string;
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new Error(`${url} does not answer: ${explain(error)}`);
  }
  const answer = parse(text);
  if (!isReport(answer)) {
    throw new Error(
      `${url} answers with something else: another program listens there`,
    );
  }
  return answer;
}

function explain(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `nothing came within ${TIMEOUT_MS / 1_000} s`;
  }
  const text = describe(error);
  return /Connection refused/.test(text)
    ? "connection refused: the program does not run, or listens elsewhere"
    : text;
}

/** What is no JSON is undefined: other programs answer with pages. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Told by what no other program answers with; the rest is of the same release. */
function isReport(answer: unknown): answer is StatusReport {
  return typeof answer === "object" && answer !== null &&
    "cluster" in answer && "position" in answer && "recordings" in answer &&
    "setAside" in answer && "run" in answer &&
    typeof answer.run === "object" && answer.run !== null;
}
