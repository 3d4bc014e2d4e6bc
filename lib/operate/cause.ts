/**
 * What is wrong, told from which event it is wrong with.
 *
 * @module
 */

/** The text without what is another one in each event: numbers, ids, times. */
export function causeOf(text: string): string {
  return text.replace(/[\da-f-]{8,}|\d+/gi, "#");
}
