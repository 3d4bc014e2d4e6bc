/**
 * Numbers of things, in words.
 *
 * @module
 */

/** E.g. `1 attempt` and `2 attempts`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
