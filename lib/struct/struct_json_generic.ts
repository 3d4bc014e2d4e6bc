/**
 * JSON from a `google.protobuf.Struct` in any legal encoding: the slow way, for
 * what no known encoder writes.
 *
 * @module
 */

import type { JsonBuffer } from "./json_buffer.ts";
import { type JsonValue, parseStruct } from "./parse_struct.ts";

const encoder = new TextEncoder();

/**
 * Appends the JSON object that `payload` stands for, as `writeStruct` would.
 *
 * @throws {MalformedStructError} and `out` is as it was
 */
export function writeStructGenerically(
  payload: Uint8Array,
  out: JsonBuffer,
): void {
  out.append(encoder.encode(jsonText(parseStruct(payload))));
}

function jsonText(value: JsonValue): string {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) =>
      `${JSON.stringify(key)}:${jsonText(item)}`
    );
    return `{${entries.join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value === "number") return numberText(value);
  return JSON.stringify(value);
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}
