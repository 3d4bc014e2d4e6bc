/**
 * Words of others, in a terminal.
 *
 * @module
 */

/** A text in which no character commands the terminal, or ends the line. */
export function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
