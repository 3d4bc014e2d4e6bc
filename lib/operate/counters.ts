/**
 * What a run has done so far, in numbers.
 *
 * @module
 */

import type { RequestOutcome } from "./status_report.ts";

/** What became of the events of one kind. */
export interface Counts {
  read: number;
  filtered: number;
  delivered: number;
  setAside: number;
}

/** The numbers of one run, since its start. */
export class Counters {
  readonly audit: Counts = noCounts();
  /** Events of session recordings. */
  readonly recording: Counts = noCounts();
  recordingsFinished = 0;
  /** Ranges of time with events that Teleport could not send. */
  leftOut = 0;
  /** Events that are nowhere, or in two places, by the accounts: 0, or a fault of ours. */
  readonly unaccounted = { audit: 0, recording: 0 };
  /** Time of the newest audit event that is delivered; 0 before the first. */
  newestMs = 0;
  /** Whether events are read in order of time: then all before the newest are delivered, too. */
  inOrder = true;
  /**
   * Whether the source had nothing newer when it was last asked, and is asked again,
   * so far without a failure.
   */
  caughtUp = false;
  /**
   * When the source last had nothing newer than what is delivered by now, with all
   * before it; 0 before that.
   */
  upToDateMs = 0;
  /** Streams of a bulk export's chunks that were read to their end. */
  chunkReads = 0;
  /** Requests to Fluentd that are over. */
  readonly requests = noRequests();
  /** Bytes of their bodies. */
  readonly requestBytes = noRequests();
  requestsInFlight = 0;
  /** Attempts that failed and were made again. */
  readonly retries = {
    teleport: new Tally("unavailable"),
    fluentd: new Tally("busy", "misdirected", "timeout", "connection"),
  };

  /** Whether every event that there is has been delivered, as far as anybody knows. */
  get upToDate(): boolean {
    return this.caughtUp && underWay(this.audit) === 0;
  }

  /** Events that arrived, of both kinds. */
  get delivered(): number {
    return this.audit.delivered + this.recording.delivered;
  }

  /** What was set aside: refused events of both kinds, and notes of those left out. */
  get setAside(): number {
    return this.audit.setAside + this.recording.setAside + this.leftOut;
  }
}

/** Events that were read and are to be delivered, and are not yet. */
export function underWay(
  { read, filtered, delivered, setAside }: Counts,
): number {
  return read - filtered - delivered - setAside;
}

/** Numbers by one of few words. */
export class Tally extends Map<string, number> {
  /** @param words Those that are shown also while they are 0 */
  constructor(...words: readonly string[]) {
    super(words.map((word) => [word, 0]));
  }

  count(word: string): void {
    this.set(word, (this.get(word) ?? 0) + 1);
  }
}

function noRequests(): Record<RequestOutcome, number> {
  return {
    delivered: 0,
    refused: 0,
    busy: 0,
    misdirected: 0,
    timeout: 0,
    connection: 0,
    aborted: 0,
  };
}

function noCounts(): Counts {
  return { read: 0, filtered: 0, delivered: 0, setAside: 0 };
}
