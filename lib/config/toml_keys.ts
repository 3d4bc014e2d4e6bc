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

const PART = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')`;
const DOTTED = String.raw`${PART}(?:[ \t]*\.[ \t]*${PART})*`;
// A string that is not closed ends with its line, or with the text.
const TOKEN = new RegExp(
  [
    String.raw`#[^\n]*`,
    String.raw`"""(?:\\[^]|[^\\])*?(?:"""(?!")|(?![^]))`,
    "'''[^]*?(?:'''(?!')|(?![^]))",
    String.raw`^[ \t]*\[[ \t]*(?<header>${DOTTED})[ \t]*\](?=[ \t]*(?:#|$))`,
    String.raw`(?<key>${DOTTED})[ \t]*=(?=(?<rest>.*))`,
    String.raw`"(?:[^"\\\n]|\\.)*"?`,
    String.raw`'[^'\n]*'?`,
    "[A-Za-z0-9_-]+",
    "[^]",
  ].join("|"),
  "gm",
);

/** Lists the keys in their order, those of inline tables too; none within arrays. */
export function tomlKeys(text: string): TomlKey[] {
  const keys: TomlKey[] = [];
  // What is open around a token: paths of inline tables, `undefined` for arrays.
  const open: (readonly string[] | undefined)[] = [];
  let table: readonly string[] = [];
  let line = 1;
  for (const { 0: token, groups = {} } of text.matchAll(TOKEN)) {
    const { header, key, rest = "" } = groups;
    const around = open.length === 0 ? table : open.at(-1);
    if (key !== undefined && around !== undefined) {
      const path = [...around, ...splitKey(key)];
      keys.push({ path, line, rest: rest.trim(), isHeader: false });
    } else if (header !== undefined && open.length === 0) {
      table = splitKey(header);
      keys.push({ path: table, line, rest: "", isHeader: true });
    } else if (token === "{") {
      open.push(around && keys.at(-1)?.path);
    } else if (token === "[") {
      open.push(undefined);
    } else if (token === "}" || token === "]") {
      open.pop();
    }
    line += token.split("\n").length - 1;
  }
  return keys;
}

function splitKey(dotted: string): string[] {
  const parts = dotted.match(new RegExp(PART, "g")) ?? [];
  return parts.map((part) => part.replace(/^(["'])(.*)\1$/s, "$2"));
}

/** The key that gives `path` its value. */
export function findKey(
  keys: readonly TomlKey[],
  path: readonly string[],
): TomlKey | undefined {
  const wanted = path.join("\0");
  return keys.find((key) => !key.isHeader && key.path.join("\0") === wanted);
}
