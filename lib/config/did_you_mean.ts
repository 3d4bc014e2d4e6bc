/**
 * Help for a word that is not known.
 *
 * @module
 */

import { closestString } from "../vendor/text.ts";

/**
 * E.g. `: did you mean "fluentd.url"?`
 *
 * @param known One word at least
 */
export function didYouMean(word: string, known: readonly string[]): string {
  return `: did you mean "${closestString(word, known)}"?`;
}
