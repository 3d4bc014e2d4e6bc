/**
 * JSON from a `google.protobuf.Struct` in any legal encoding: the slow way, for
 * what no known encoder writes.
 *
 * @module
 */

import { textOf } from "./number_text.ts";
import { type JsonValue, parseStruct } from "./parse_struct.ts";

const encoder = new TextEncoder();

/**
 * The JSON object that `payload` stands for, as `structJson` would write it: UTF-8.
 *
 * @throws {MalformedStructError}
 */
export function structJsonGenerically(payload: Uint8Array): Uint8Array {
  return encoder.encode(jsonText(parseStruct(payload)));
}

function jsonText(value: JsonValue): string {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) =>
      `${JSON.stringify(key)}:${jsonText(item)}`
    );
    return `{${entries.join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value === "number") return textOf(value);
  return JSON.stringify(value);
}
