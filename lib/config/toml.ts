/**
 * Options in a TOML file: ours, or the Go handler's.
 *
 * @module
 */

import { ConfigError, describe } from "../errors.ts";
import { parseToml } from "../vendor/toml.ts";
import { didYouMean } from "./did_you_mean.ts";
import {
  canStandIn,
  currentName,
  IGNORED_NAME,
  isOption,
  OPTION_NAMES,
  type OptionName,
  optionOf,
} from "./options.ts";
import { noteProblems } from "./problems.ts";
import type { Setting, Settings } from "./setting.ts";
import { findKey, type TomlKey, tomlKeys } from "./toml_keys.ts";

/**
 * Reads all options from a TOML text. A key is an option's name, whole or in
 * tables, with dashes or dots: `fluentd-url`, `fluentd.url`, and `url` in
 * `[forward.fluentd]` are the same. A blank value counts as none, since templates
 * leave such; except that it empties a list.
 *
 * @param path Names the file in messages
 * @throws {ConfigError} where the text is not TOML at all, or not clearly
 */
export function readToml(path: string, content: string): Settings {
  const text = content.replace(/^\uFEFF/, "");
  const keys = tomlKeys(text);
  refuseDuplicates(path, keys);
  refuseProto(path, keys);
  refuseBelowValues(path, keys);
  const byName = new Map<OptionName, Setting>();
  const problems: string[] = [];
  for (const [keyPath, value] of parse(path, text, keys)) {
    const key = keyPath.join(".");
    if (key === IGNORED_NAME) continue;
    const written = findKey(keys, keyPath);
    const place = `${path}:${written?.line ?? 1}`;
    noteProblems(problems, place, () => {
      const name = optionAt(key);
      const texts = toTexts(key, optionOf(name).type.shape, value, written);
      if (texts === undefined) return;
      const earlier = byName.get(name);
      if (earlier !== undefined) {
        throw new ConfigError([`${key}: is the same as ${earlier.origin}`]);
      }
      byName.set(name, { texts, origin: `${place}: ${key}` });
    });
  }
  return { byName, problems };
}

/** TOML forbids them, and the parser lets most of them through. */
function refuseDuplicates(path: string, keys: readonly TomlKey[]): void {
  const firstLines = new Map<string, number>();
  const problems: string[] = [];
  for (const { path: keyPath, line, isHeader } of keys) {
    const id = JSON.stringify([isHeader, ...keyPath]);
    const first = firstLines.get(id);
    if (first === undefined) {
      firstLines.set(id, line);
      continue;
    }
    const key = JSON.stringify(keyPath.join("."));
    problems.push(`${path}:${line}: ${key} is there before, in line ${first}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** No option is called so, and the parser drops it without a word. */
function refuseProto(path: string, keys: readonly TomlKey[]): void {
  const problems = keys
    .filter((key) => !key.isHeader && key.path.includes("__proto__"))
    .map(({ path: keyPath, line }) =>
      `${path}:${line}: unknown key ${JSON.stringify(keyPath.join("."))}`
    );
  if (problems.length > 0) throw new ConfigError(problems);
}

/** TOML forbids it, and the parser drops one of the two without a word. */
function refuseBelowValues(path: string, keys: readonly TomlKey[]): void {
  const sections: TomlKey[][] = [[]];
  for (const key of keys) {
    if (key.isHeader) sections.push([]);
    else sections.at(-1)?.push(key);
  }
  const problems = sections.flatMap((section) =>
    section.flatMap((key) => {
      const above = section.find((other) => hasValueAbove(other, key));
      return above === undefined ? [] : [
        `${path}:${key.line}: ${complaintBelow(above, key)}`,
      ];
    })
  );
  if (problems.length > 0) throw new ConfigError(problems);
}

function hasValueAbove(other: TomlKey, key: TomlKey): boolean {
  return other.path.length < key.path.length && !other.rest.startsWith("{") &&
    other.path.every((part, i) => part === key.path[i]);
}

function complaintBelow(above: TomlKey, key: TomlKey): string {
  const depth = above.path.length - 1;
  const name = key.path.slice(depth).join("-");
  const [quoted, quotedAbove, remedy] = [
    key.path,
    above.path,
    [...key.path.slice(0, depth), name],
  ].map((keyPath) => JSON.stringify(keyPath.join(".")));
  return `${quoted} is below ${quotedAbove}, which has a value in line ${above.line}: write ${remedy}`;
}

/**
 * Each section is parsed by itself: the parser does not take a table after those
 * within it, which TOML allows, nor tell why.
 */
function* parse(
  path: string,
  text: string,
  keys: readonly TomlKey[],
): Iterable<[path: readonly string[], value: unknown]> {
  if (text.includes("\0")) {
    throw new ConfigError([`${path}: is not a text file in UTF-8`]);
  }
  const lines = text.split("\n");
  // What other encodings have become by now.
  const garbled = lines.findIndex((line) => line.includes("\uFFFD"));
  if (garbled >= 0) {
    throw new ConfigError([
      `${path}:${garbled + 1}: is not written in UTF-8: save the file as that`,
    ]);
  }
  // Else what follows it would be taken for a part of a comment, or left out.
  const stray = lines.findIndex((line) => /\r(?!$)/.test(line));
  if (stray >= 0) {
    throw new ConfigError([
      `${path}:${
        stray + 1
      }: is not TOML: a carriage return alone ends no line: save it with the line ends of Unix or Windows`,
    ]);
  }
  const top = { path: [], line: 0 };
  const sections = [top, ...keys.filter(({ isHeader }) => isHeader)];
  for (const [i, { path: table, line }] of sections.entries()) {
    const next = sections[i + 1];
    const body = next === undefined
      ? lines.slice(line).join("\n")
      : lines.slice(line, next.line - 1).join("\n") + "\n";
    yield* leaves(parseSection(body, { path, line, keys }), table);
  }
}

/** @param section `line`: how many lines of the file are before it */
function parseSection(
  body: string,
  { path, line, keys }: {
    readonly path: string;
    readonly line: number;
    readonly keys: readonly TomlKey[];
  },
): Record<string, unknown> {
  try {
    return parseToml(body);
  } catch (error) {
    const [, row = "1", what = ""] =
      /^(?:Parse error on line (\d+), column \d+: )+(.*)/.exec(
        describe(error),
      ) ?? [];
    const at = line + Number(row);
    // The parser's own words for this quote the line, and so perhaps a secret.
    if (!what.startsWith("Cannot parse value")) {
      throw new ConfigError([`${path}:${at}: is not TOML: ${explain(what)}`]);
    }
    // Not one in the inline table that its value may be.
    const last = keys.findLast((key) => key.line <= at)?.line ?? at;
    const key = keys.find((key) => key.line === last)?.path.join(".");
    throw new ConfigError([
      `${path}:${last}: ${key}: its value is not TOML: text stands in quotes`,
    ]);
  }
}

/** Paths of Windows get people there. */
function explain(what: string): string {
  return /escape sequence|code point/.test(what)
    ? `${what}: write \\\\ for a backslash, or put the text in single quotes`
    : what;
}

/** All values, with the keys that lead to them. */
function* leaves(
  table: object,
  path: readonly string[],
): Iterable<[path: readonly string[], value: unknown]> {
  for (const [key, value] of Object.entries(table)) {
    const isTable = typeof value === "object" && value !== null &&
      !Array.isArray(value) && !(value instanceof Date);
    if (isTable) yield* leaves(value, [...path, key]);
    else yield [[...path, key], value];
  }
}

function optionAt(key: string): OptionName {
  const name = currentName(
    key.replaceAll(".", "-").replace(/^forward-(?=fluentd-)/, ""),
  );
  if (isOption(name) && canStandIn("toml", name)) return name;
  if (isOption(name)) {
    throw new ConfigError([`${key}: cannot be given in a TOML file`]);
  }
  const unknown = `unknown key ${JSON.stringify(key)}`;
  const parts = key.split(".");
  const meant = parts.map((_, i) => parts.slice(i + 1).join("-")).find(
    isOption,
  );
  if (meant !== undefined) {
    throw new ConfigError([
      `${unknown}: write ${meant} above the first [section]`,
    ]);
  }
  throw new ConfigError([
    `${unknown}${didYouMean(key, OPTION_NAMES.flatMap(spellings))}`,
  ]);
}

/** The keys by which files commonly call an option. */
function spellings(name: OptionName): string[] {
  if (!canStandIn("toml", name)) return [];
  if (!/^(teleport|fluentd|lock)-/.test(name)) return [name];
  const inSection = name.replace("-", ".");
  const forward = name.startsWith("fluentd-") ? [`forward.${inSection}`] : [];
  return [name, inSection, ...forward];
}

/** @returns `undefined` for a blank that counts as nothing */
function toTexts(
  key: string,
  shape: "switch" | "single" | "list",
  value: unknown,
  written: TomlKey | undefined,
): readonly string[] | undefined {
  if (!Array.isArray(value)) {
    const text = toText(key, value, written);
    return text === "" && shape !== "list" ? undefined : [text];
  }
  if (shape !== "list") {
    throw new ConfigError([`${key}: takes one value, not a list`]);
  }
  const texts = value.map((entry) => toText(key, entry, undefined));
  if (texts.includes("")) throw new ConfigError([`${key}: has a blank entry`]);
  return texts.length > 0 ? texts : [""];
}

function toText(
  key: string,
  value: unknown,
  written: TomlKey | undefined,
): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
  }
  // As it is written: the parser takes a time without a zone for one in UTC.
  if (value instanceof Date && written) {
    return written.rest.replace(/\s*[#,}].*/, "");
  }
  throw new ConfigError([`${key}: is neither text nor a number nor a switch`]);
}
