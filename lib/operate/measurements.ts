/**
 * How long things take and how large they are, for who wants to know more than
 * their number.
 *
 * @module
 */

import type { RequestOutcome } from "./status_report.ts";

/** Told of each request, page and save: of each of many events, never of one. */
export interface Measurements {
  request(outcome: RequestOutcome, seconds: number): void;
  /** A page of the audit log came. */
  page(events: number, seconds: number): void;
  /** The state was saved. */
  save(seconds: number): void;
}

/** Nobody wants to know. */
export const NO_MEASUREMENTS: Measurements = {
  request: () => {},
  page: () => {},
  save: () => {},
};
