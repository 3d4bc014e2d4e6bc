/**
 * Whether every event is accounted for.
 *
 * @module
 */

import type { Logger } from "../log.ts";
import type { Accounts } from "../pipeline/accounts.ts";
import type { Counters } from "./counters.ts";
import type { Problems } from "./problems.ts";

/** Looks at the accounts of a run, at every save and at its end. */
export class AccountsCheck {
  readonly #accounts: Accounts;
  readonly #counters: Counters;
  readonly #problems: Problems;
  readonly #log: Logger;

  constructor(
    accounts: Accounts,
    { counters, problems, log }: {
      counters: Counters;
      problems: Problems;
      log: Logger;
    },
  ) {
    this.#accounts = accounts;
    this.#counters = counters;
    this.#problems = problems;
    this.#log = log;
  }

  /** Logs an error for each difference, once, and keeps it in the counters. */
  check(): void {
    for (const kind of ["audit", "recording"] as const) {
      this.#note(kind, this.#accounts[kind].missing);
    }
  }

  /** The same where a run has ended by itself: nothing may be in flight. */
  checkEnd(): void {
    for (const kind of ["audit", "recording"] as const) {
      const { missing, inFlight } = this.#accounts[kind];
      this.#note(kind, missing + inFlight);
    }
  }

  #note(kind: "audit" | "recording", missing: number): void {
    const { unaccounted } = this.#counters;
    if (missing === unaccounted[kind]) return;
    unaccounted[kind] = missing;
    const what = `accounts of ${kind} events`;
    if (missing === 0) return this.#problems.over(what);
    this.#problems.occurred(
      what,
      `${missing} have no account: this program is at fault, please report it`,
    );
    const account = this.#accounts[kind];
    const { read, filtered, delivered, setAside, inFlight } = account;
    this.#log.error(
      "events read are not the events filtered, delivered, set aside and in flight: this program is at fault, please report it",
      {
        kind,
        missing,
        read,
        filtered,
        delivered,
        set_aside: setAside,
        in_flight: inFlight,
      },
    );
  }
}
