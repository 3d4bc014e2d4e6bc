/**
 * From JSON back to a `google.protobuf.Struct`, for what was set aside as JSON.
 *
 * @module
 */

import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";

/** The object as an encoded Struct. */
export function encodeStruct(object: JsonValue): Uint8Array {
  return toBinary(StructSchema, fromJson(StructSchema, object));
}
