/** Types of what is used of the standard library's `parseArgs`: the package that republishes it for npm carries none. */

export interface ParseOptions {
  readonly boolean: readonly string[];
  readonly string: readonly string[];
  /** Keeps every occurrence instead of the last one. */
  readonly collect: readonly string[];
  /** Takes `--no-x` too. */
  readonly negatable: readonly string[];
  readonly alias: Readonly<Record<string, string>>;
  /** Called for each word that is unknown; without `key` where it is no flag. */
  readonly unknown?: (arg: string, key?: string) => boolean;
}

/** Words that are no flags are in `_`; everything else is keyed by its name. */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions,
): { readonly _: readonly unknown[]; readonly [name: string]: unknown };
