/**
 * Payloads that cannot be written as JSON.
 *
 * @module
 */

/** Deepest nesting that is read; the recursion fits the stack well beyond it. */
export const MAX_DEPTH = 1_000;

/** The bytes are no Struct, or one nested deeper than {@linkcode MAX_DEPTH}. */
export class MalformedStructError extends Error {
  override readonly name = "MalformedStructError";
}

/**
 * Called for every object and list; the outermost object has depth 0.
 *
 * @throws {MalformedStructError} beyond {@linkcode MAX_DEPTH}
 */
export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new MalformedStructError(
      `the event's payload is nested deeper than ${MAX_DEPTH} levels`,
    );
  }
}
