/** Types of what is used of the standard library's text functions: the package that republishes them for npm carries none. */

/** The one with the least Levenshtein distance; case does not count. */
export function closestString(
  givenWord: string,
  possibleWords: readonly string[],
): string;
