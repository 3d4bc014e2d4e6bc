/**
 * What an oracle says.
 *
 * @module
 */

/** What went wrong, by the keys of the events. */
export interface Problems {
  /** Did not arrive, and are not set aside. */
  readonly missing: readonly string[];
  /** Arrived, or are set aside, although there is no such event. */
  readonly invented: readonly string[];
  /** Arrived, or are set aside, with another content. */
  readonly altered: readonly string[];
  /** The saved position was behind them before they had arrived. */
  readonly passed: readonly string[];
  /** Came again although the saved position was behind them. */
  readonly repeated: readonly string[];
  /** Came again in the same run although the receiver had confirmed them. */
  readonly confirmed: readonly string[];
  /** Arrived before an earlier event of the same recording. */
  readonly disordered: readonly string[];
}

/** Nothing went wrong. */
export const NO_PROBLEMS: Problems = {
  missing: [],
  invented: [],
  altered: [],
  passed: [],
  repeated: [],
  confirmed: [],
  disordered: [],
};

/** The numbers so far. */
export interface Tally {
  readonly events: number;
  readonly recordings: number;
  readonly recordingEvents: number;
  readonly setAside: number;
  /** Arrivals of what had arrived before. */
  readonly duplicates: number;
  /** The most events of one run that another one sent again. */
  readonly mostOfOneCrash: number;
  /** The most events that had arrived in one run, and were not saved at its end. */
  readonly mostUnsaved: number;
}

/** Nothing happened. */
export const NOTHING: Tally = {
  events: 0,
  recordings: 0,
  recordingEvents: 0,
  setAside: 0,
  duplicates: 0,
  mostOfOneCrash: 0,
  mostUnsaved: 0,
};

/** The numbers of two ledgers. */
export function addUp(one: Tally, other: Tally): Tally {
  return {
    events: one.events + other.events,
    recordings: one.recordings + other.recordings,
    recordingEvents: one.recordingEvents + other.recordingEvents,
    setAside: one.setAside + other.setAside,
    duplicates: one.duplicates + other.duplicates,
    mostOfOneCrash: Math.max(one.mostOfOneCrash, other.mostOfOneCrash),
    mostUnsaved: Math.max(one.mostUnsaved, other.mostUnsaved),
  };
}

/** The problems of two ledgers. */
export function gather(one: Problems, other: Problems): Problems {
  return {
    missing: [...one.missing, ...other.missing],
    invented: [...one.invented, ...other.invented],
    altered: [...one.altered, ...other.altered],
    passed: [...one.passed, ...other.passed],
    repeated: [...one.repeated, ...other.repeated],
    confirmed: [...one.confirmed, ...other.confirmed],
    disordered: [...one.disordered, ...other.disordered],
  };
}
