/**
 * Help for a word that is not known.
 *
 * @module
 */

import { closestString } from "../vendor/text.ts";

/** E.g. `: did you mean "fluentd.url"?` */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  return `: did you mean "${closestString(word, known)}"?`;
}
