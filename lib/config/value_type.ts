/**
 * The kinds of values that options take: how each is read and refused, and what
 * help and shell completion say about it.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { parseEach } from "./problems.ts";
import { refusal } from "./refusal.ts";

/** What reading a value may need of the world. */
export interface ValueContext {
  /** Throws as `Deno.readTextFileSync` does. */
  readonly readTextFile: (path: string) => string;
  readonly nowMs: number;
  /** The user's own directory, as far as it is known. */
  readonly home?: string | undefined;
}

/** A kind of value. */
export interface ValueType<T> {
  /** A switch needs no value, a list takes several; else the last one holds. */
  readonly shape: "switch" | "single" | "list";
  /** What stands for the value in help, e.g. `DURATION`; "" for a switch. */
  readonly placeholder: string;
  /** What a shell can offer. */
  readonly completion: "file" | "directory" | readonly string[];
  /**
   * @param texts As they were written, or none
   * @throws {ConfigError} saying what is wrong with it, but not whose value it is
   */
  readonly parse: (texts: readonly string[], context: ValueContext) => T;
  /** A text as people are shown it, where a part of it may be secret. */
  readonly show?: (text: string) => string;
}

/** A kind of value that is written as one text. */
export function single<T>(
  placeholder: string,
  parse: (text: string, context: ValueContext) => T,
): ValueType<T> {
  return {
    shape: "single",
    placeholder,
    completion: [],
    parse(texts, context) {
      const text = texts.at(-1) ?? "";
      if (text === "") throw new ConfigError(["needs a value"]);
      return parse(text, context);
    },
  };
}

/** A kind of value with entries, separated by commas; an empty text empties it. */
export function list<T>(
  placeholder: string,
  parse: (text: string) => T,
): ValueType<readonly T[]> {
  return {
    shape: "list",
    placeholder,
    completion: [],
    parse(texts) {
      const entries: string[] = [];
      for (const text of texts) {
        if (text === "") {
          entries.length = 0;
          continue;
        }
        for (const entry of text.split(",")) {
          if (entry.trim() === "") throw refusal(text, "has a blank entry");
          entries.push(entry.trim());
        }
      }
      return parseEach(entries, parse);
    },
  };
}

/** The same kind of value, or `undefined` where nothing was written. */
export function optional<T>(type: ValueType<T>): ValueType<T | undefined> {
  return {
    ...type,
    parse: (texts, context) =>
      texts.length === 0 ? undefined : type.parse(texts, context),
  };
}

/**
 * Whether a word turns a switch on or off; `undefined` for one that does neither.
 * The words are those that the Go handler takes.
 */
export function switchWord(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case "true":
    case "yes":
    case "1":
      return true;
    case "false":
    case "no":
    case "0":
      return false;
    default:
      return undefined;
  }
}

/** On or off. */
export const SWITCH: ValueType<boolean> = {
  ...single("", (text) => {
    const isOn = switchWord(text);
    if (isOn === undefined) throw refusal(text, "is neither true nor false");
    return isOn;
  }),
  shape: "switch",
  completion: ["true", "false"],
};

/** Any text that is not blank. */
export function text(placeholder: string): ValueType<string> {
  return single(placeholder, (text) => {
    if (text.trim() === "") throw refusal(text, "is blank");
    return text;
  });
}

/** Words, with no blanks in them. */
export function words(placeholder: string): ValueType<readonly string[]> {
  return list(placeholder, (word) => {
    if (/\s/.test(word)) {
      throw refusal(word, "has a blank in it: separate with commas");
    }
    return word;
  });
}

/** One of a few words. */
export function choice<const Word extends string>(
  ...words: readonly Word[]
): ValueType<Word> {
  const type = single(words.join("|"), (text) => {
    const word = words.find((word) => word === text);
    if (word === undefined) {
      throw refusal(text, `is not one of ${words.join(", ")}`);
    }
    return word;
  });
  return { ...type, completion: words };
}

/** A whole number within bounds. */
export function integer(
  { min, max }: { readonly min: number; readonly max: number },
): ValueType<number> {
  return single("N", (text) => {
    if (!/^[+-]?\d+$/.test(text)) {
      throw refusal(text, "is not a whole number");
    }
    const number = Number(text);
    if (number < min) throw refusal(text, `is too small: at least ${min}`);
    if (number > max) throw refusal(text, `is too large: at most ${max}`);
    return number;
  });
}
