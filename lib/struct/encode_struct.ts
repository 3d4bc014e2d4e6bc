/**
 * From JSON back to a `google.protobuf.Struct`, for what was set aside as JSON.
 *
 * @module
 */

import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { MAX_DEPTH } from "./malformed_struct.ts";

/** JSON as `JSON.parse` returns it. */
export type Json = JsonValue;

/**
 * The object as an encoded Struct.
 *
 * @throws {Error} where it is another kind of value
 */
export function encodeStruct(object: Json): Uint8Array {
  return toBinary(
    StructSchema,
    // Its own limit is lower; the event and the innermost value count as levels.
    fromJson(StructSchema, object, { recursionLimit: MAX_DEPTH + 2 }),
  );
}
