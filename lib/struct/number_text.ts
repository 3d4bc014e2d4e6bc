/**
 * Numbers that are no integers as JSON, for `struct_json.wasm`, which asks for
 * their characters one by one.
 *
 * @module
 */

let text = "";

/**
 * The number as `JSON.stringify` writes it, but for -0, which keeps its sign, and
 * those that JSON has not: as protojson writes them, `"NaN"`, `"Infinity"` and
 * `"-Infinity"`.
 */
export function textOf(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Keeps the number's text, and returns its length. */
export function numberText(value: number): number {
  text = textOf(value);
  return text.length;
}

/** The code of a character of the last number's text. */
export function numberCharacter(index: number): number {
  return text.charCodeAt(index);
}
