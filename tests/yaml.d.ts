/** Types of what is used of the standard library's YAML: the package that republishes it for npm carries none. */

/** @throws {SyntaxError} */
export function parse(content: string): unknown;

/** Each document of a stream. @throws {SyntaxError} */
export function parseAll(content: string): unknown[];
