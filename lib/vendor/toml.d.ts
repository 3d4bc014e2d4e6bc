/** Types of what is used of the standard library's TOML: the package that republishes it for npm carries none. */

/** @throws {SyntaxError} `Parse error on line 3, column 7: …` */
export function parse(tomlString: string): Record<string, unknown>;
