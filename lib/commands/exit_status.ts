/** Exit statuses: an interface that scripts rely on (see the option reference). */
export const ExitStatus = {
  Done: 0,
  Failed: 1,
  /** Usage or configuration. */
  Usage: 2,
  /** Done, but events were refused and set aside. */
  SetAside: 3,
  /** Gave up for now; EX_TEMPFAIL of sysexits.h. */
  TryAgainLater: 75,
} as const;
