/**
 * What was written for an option, and where: the same for flags, environment
 * and TOML, so that precedence is a merge of maps.
 *
 * @module
 */

import type { OptionName } from "./options.ts";

/** One option as it was written in one place. */
export interface Setting {
  readonly texts: readonly string[];
  /** Names the place in messages: `--batch`, `FDFWD_BATCH`, `x.toml:12: batch`. */
  readonly origin: string;
}

/** Everything that was written in one place, and what is wrong with it so far. */
export interface Settings {
  readonly byName: ReadonlyMap<OptionName, Setting>;
  /** Each names the place. */
  readonly problems: readonly string[];
}
