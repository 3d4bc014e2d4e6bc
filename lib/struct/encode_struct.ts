/**
 * From JSON back to a `google.protobuf.Struct`, for what was set aside as JSON.
 *
 * @module
 */

import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";

/** JSON as `JSON.parse` returns it. */
export type Json = JsonValue;

/**
 * The object as an encoded Struct.
 *
 * @throws {Error} where it is another kind of value
 */
export function encodeStruct(object: Json): Uint8Array {
  return toBinary(StructSchema, fromJson(StructSchema, object));
}
