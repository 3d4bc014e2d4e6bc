/**
 * Several events as one text.
 *
 * @module
 */

import { RejectedError } from "../errors.ts";
import { MalformedStructError } from "./malformed_struct.ts";
import type { PackedPayloads } from "./payload_block.ts";
import {
  type Framing,
  type Limits,
  writeStructs,
  type WrittenStructs,
} from "./struct_json.ts";

/** A JSON array. */
export const JSON_ARRAY: Framing = { open: "[", separator: ",", close: "]" };

/** One JSON object, for a limit of one event. */
export const JSON_OBJECT: Framing = { open: "", separator: "", close: "" };

/** JSON objects, one a line. */
export const JSON_LINES: Framing = { open: "", separator: "\n", close: "\n" };

/**
 * Writes the leading events, as many as fit: at least one of a list that is not
 * empty.
 *
 * @throws {RejectedError} where the first event's payload is no Struct
 */
export function encodeEvents(
  events: PackedPayloads,
  options: { readonly framing: Framing; readonly limits: Limits },
): WrittenStructs {
  try {
    return writeStructs(events, options);
  } catch (error) {
    if (!(error instanceof MalformedStructError)) throw error;
    throw new RejectedError(error.message, 1);
  }
}
