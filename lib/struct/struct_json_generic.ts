/**
 * JSON from a `google.protobuf.Struct` in any legal encoding, by protobuf-es:
 * the slow way, for what no known encoder writes, and the reference for tests.
 *
 * @module
 */

import { fromBinary } from "@bufbuild/protobuf";
import {
  type ListValue,
  type Struct,
  StructSchema,
  type Value,
} from "@bufbuild/protobuf/wkt";
import type { JsonBuffer } from "./json_buffer.ts";

const encoder = new TextEncoder();

/**
 * Appends the JSON object that `payload` stands for, as `writeStruct` would.
 *
 * @throws {Error} where the bytes are no Struct
 */
export function writeStructGenerically(
  payload: Uint8Array,
  out: JsonBuffer,
): void {
  out.append(encoder.encode(structText(fromBinary(StructSchema, payload))));
}

function structText(struct: Struct): string {
  const entries = Object.entries(struct.fields).map(([key, value]) =>
    `${JSON.stringify(key)}:${valueText(value)}`
  );
  return `{${entries.join(",")}}`;
}

function listText(list: ListValue): string {
  return `[${list.values.map(valueText).join(",")}]`;
}

function valueText({ kind }: Value): string {
  switch (kind.case) {
    case "numberValue":
      return numberText(kind.value);
    case "stringValue":
    case "boolValue":
      return JSON.stringify(kind.value);
    case "structValue":
      return structText(kind.value);
    case "listValue":
      return listText(kind.value);
    case "nullValue":
    case undefined:
      return "null";
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}
