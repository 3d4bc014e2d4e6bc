/**
 * `status`: how forwarding is, from the running process where it can be asked,
 * and from the state directory, which may be in use, where it cannot.
 *
 * @module
 */

import { type Address, formatAddress, formatAddresses } from "../address.ts";
import { systemClock } from "../clock.ts";
import type { CertificateFile, StatusConfig } from "../config/config.ts";
import { readTerm, type Term } from "../credentials.ts";
import { describe, problemsOf } from "../errors.ts";
import { reportTerms } from "../operate/expiry.ts";
import { formatStatus } from "../operate/format_status.ts";
import { reportRecordings } from "../operate/recordings_report.ts";
import type { StatusReport } from "../operate/status_report.ts";
import { countRejected } from "../state/rejected_files.ts";
import { readIdentityTerms } from "../teleport/identity.ts";
import { ExitStatus } from "./exit_status.ts";
import { complain, print } from "./print.ts";
import { fetchReport } from "./running_report.ts";
import { existingState, stateDirectory } from "./state_directory.ts";

/** Prints the report, as text or JSON. */
export async function runStatus(
  config: StatusConfig,
  { json }: { json: boolean },
): Promise<number> {
  const report = await askRunning(config) ??
    await readReport(config, systemClock.now());
  print(json ? JSON.stringify(report) + "\n" : formatStatus(report));
  return ExitStatus.Done;
}

/** What the running process says; undefined where it is not to be asked, or does not. */
async function askRunning(
  { listen, addresses }: StatusConfig,
): Promise<StatusReport | undefined> {
  if (listen === undefined) return undefined;
  try {
    const report = await fetchReport(listen);
    complain(ofAnother(report, listen, addresses));
    return report;
  } catch (error) {
    complain([`${describe(error)}: this is from the state directory alone`]);
    return undefined;
  }
}

/** Of two instances on one machine, the other one may have the port. */
function ofAnother(
  { run }: StatusReport,
  listen: Address,
  addresses: readonly Address[],
): string[] {
  const ours = formatAddresses(addresses);
  const theirs = run?.sides.teleport.address;
  return theirs === undefined || theirs === ours ? [] : [
    `the program that listens on ${
      formatAddress(listen)
    } reads from ${theirs}, and not from ${ours}: this is about that one`,
  ];
}

/**
 * Reads the state directory, and the certificates, without changing anything.
 *
 * @throws {StateError} where there is no state, or it cannot be read
 */
async function readReport(
  { storage, addresses, certificates, problems }: StatusConfig,
  nowMs: number,
): Promise<StatusReport> {
  const directory = stateDirectory(storage, addresses);
  const { cluster, startTime, position, recordings } = await existingState(
    directory,
  );
  complain(problems);
  return {
    time: new Date(nowMs).toISOString(),
    cluster,
    startTime,
    position: position.newest?.time ?? null,
    recordings: reportRecordings(new Map(Object.entries(recordings)), nowMs),
    setAside: await countRejected(directory),
    credentials: reportTerms(await readTerms(certificates), nowMs),
    run: null,
  };
}

/** What cannot be read is told, and is no reason not to tell the rest. */
async function readTerms(files: readonly CertificateFile[]): Promise<Term[]> {
  const terms: Term[] = [];
  for (const file of files) {
    try {
      terms.push(...await termsIn(file));
    } catch (error) {
      complain(problemsOf(error));
    }
  }
  return terms;
}

async function termsIn(
  { name, file, kind }: CertificateFile,
): Promise<Term[]> {
  return kind === "identity"
    ? await readIdentityTerms(file)
    : [await readTerm({ name, file, kind })];
}
