/**
 * Where the keys of a TOML text stand. The parser tells values but not lines, and
 * lets a key appear twice.
 *
 * @module
 */

/** A key that is given a value, or a table's header. */
export interface TomlKey {
  readonly path: readonly string[];
  /** Counted from 1. */
  readonly line: number;
  /** What follows the equals sign on that line; "" for a header. */
  readonly rest: string;
  readonly isHeader: boolean;
}

const PART = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')`;
const DOTTED = String.raw`${PART}(?:[ \t]*\.[ \t]*${PART})*`;
const HEADER = new RegExp(String.raw`^\s*\[\s*(${DOTTED})\s*\]\s*(?:#.*)?$`);
const ASSIGNMENT = new RegExp(String.raw`^\s*(${DOTTED})\s*=(.*)$`);

/** Lists the keys in their order. Inline tables count as values. */
export function tomlKeys(text: string): TomlKey[] {
  const keys: TomlKey[] = [];
  let table: readonly string[] = [];
  let openString: string | undefined;
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (openString !== undefined) {
      if (content.includes(openString)) openString = undefined;
      continue;
    }
    const header = HEADER.exec(content)?.[1];
    if (header !== undefined) {
      table = splitKey(header);
      keys.push({ path: table, line, rest: "", isHeader: true });
      continue;
    }
    const [, key, rest = ""] = ASSIGNMENT.exec(content) ?? [];
    if (key === undefined) continue;
    const path = [...table, ...splitKey(key)];
    keys.push({ path, line, rest: rest.trim(), isHeader: false });
    openString = ['"""', "'''"].find((quotes) =>
      rest.split(quotes).length % 2 === 0
    );
  }
  return keys;
}

function splitKey(dotted: string): string[] {
  const parts = dotted.match(new RegExp(PART, "g")) ?? [];
  return parts.map((part) => part.replace(/^(["'])(.*)\1$/s, "$2"));
}

/** The key that gives `path` its value: itself, or an inline table around it. */
export function findKey(
  keys: readonly TomlKey[],
  path: readonly string[],
): TomlKey | undefined {
  for (let length = path.length; length > 0; length--) {
    const wanted = path.slice(0, length).join("\0");
    const found = keys.find((key) =>
      !key.isHeader && key.path.join("\0") === wanted
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
