/**
 * HTTP headers as people write them.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { Header } from "./config.ts";
import { readFile } from "./file.ts";
import { parseEach } from "./problems.ts";
import type { ValueContext, ValueType } from "./value_type.ts";

// HTTP clients refuse a request with others in it each time that they send it.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const LINE = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(\S.*)?$/;

/**
 * Headers, each `Name: value`, or `Name: @/path` to take the value from a file.
 * Commas are part of values, so several in one text stand on lines of their own.
 */
export const HEADERS: ValueType<readonly Header[]> = {
  shape: "list",
  placeholder: "'NAME: VALUE'",
  completion: [],
  parse(texts, context) {
    const lines: string[] = [];
    for (const text of texts) {
      if (text === "") lines.length = 0;
      lines.push(
        ...text.split("\n").map((line) => line.trim()).filter(Boolean),
      );
    }
    return parseEach(lines, (line) => parseHeader(line, context));
  },
};

/** What the program itself sets, because it depends on the body. */
const OWN = /^(?:content-length|content-encoding|transfer-encoding)$/i;

// No message quotes a value: it may be a token.
function parseHeader(line: string, context: ValueContext): Header {
  const [, name, text = ""] = LINE.exec(line) ?? [];
  if (name === undefined) {
    throw new ConfigError(["a header is written as 'Name: value'"]);
  }
  if (OWN.test(name)) {
    throw new ConfigError([
      `the header ${name} is set by the program: leave it out; fluentd-compress compresses`,
    ]);
  }
  // The HTTP client leaves it out without a word.
  if (/^host$/i.test(name)) {
    throw new ConfigError([
      `the header ${name} is set by the program, from the URL: leave it out, and write that name in fluentd-url and fluentd-session-url`,
    ]);
  }
  if (text === "@") {
    throw new ConfigError([
      `the header ${name} names no file: write the path behind @`,
    ]);
  }
  return text.startsWith("@")
    ? readHeader({ name, file: text.slice(1) }, context)
    : checkHeader({ name, value: text });
}

/**
 * Reads the values again that come from files.
 *
 * @throws {ConfigError} naming the file or the header
 */
export function rereadHeaders(
  headers: readonly Header[],
  context: Pick<ValueContext, "readTextFile">,
): Header[] {
  return headers.map((header) => {
    const { name, file } = header;
    return file === undefined ? header : readHeader({ name, file }, context);
  });
}

function readHeader(
  { name, file }: { name: string; file: string },
  context: Pick<ValueContext, "readTextFile">,
): Header {
  return checkHeader({ name, value: readFile(file, context).trim(), file });
}

function checkHeader(header: Header): Header {
  const { name, value } = header;
  if (value === "") throw new ConfigError([`the header ${name} has no value`]);
  if (!VALUE.test(value)) {
    throw new ConfigError([
      `the value of the header ${name} has characters in it that HTTP does not allow`,
    ]);
  }
  return header;
}
