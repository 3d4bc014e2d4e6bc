/**
 * Several events as one text.
 *
 * @module
 */

import { RejectedError } from "../errors.ts";
import type { Payload } from "../event.ts";
import type { JsonBuffer } from "./json_buffer.ts";
import { MalformedStructError } from "./malformed_struct.ts";
import { StructWriter } from "./struct_json.ts";

/** What stands before, between and behind the events: UTF-8. */
export interface Framing {
  readonly open: Uint8Array;
  readonly separator: Uint8Array;
  readonly close: Uint8Array;
}

/** How much fits. */
export interface Limits {
  /** At least one. */
  readonly maxEvents: number;
  /** Framing included; the first event is taken even where it alone exceeds this. */
  readonly maxBytes: number;
}

const utf8 = new TextEncoder();
const NOTHING = new Uint8Array();

/** A JSON array. */
export const JSON_ARRAY: Framing = {
  open: utf8.encode("["),
  separator: utf8.encode(","),
  close: utf8.encode("]"),
};

/** One JSON object, for a limit of one event. */
export const JSON_OBJECT: Framing = {
  open: NOTHING,
  separator: NOTHING,
  close: NOTHING,
};

/** JSON objects, one a line. */
export const JSON_LINES: Framing = {
  open: NOTHING,
  separator: utf8.encode("\n"),
  close: utf8.encode("\n"),
};

/**
 * Writes the leading events, as many as fit, over what `out` held.
 *
 * @returns How many were written: at least one of a list that is not empty
 * @throws {RejectedError} where the first event's payload is no Struct
 */
export function encodeEvents(
  events: readonly Payload[],
  out: JsonBuffer,
  options: { framing: Framing; limits: Limits },
): number {
  const { framing, limits } = options;
  out.length = 0;
  out.append(framing.open);
  const most = Math.min(events.length, limits.maxEvents);
  const maxLength = limits.maxBytes - framing.close.length;
  const writer = new StructWriter(out);
  let count = 0;
  for (let end = out.length; count < most; end = out.length, count++) {
    if (count > 0) out.append(framing.separator);
    const fits = writeEvent(events[count], writer, count === 0) &&
      (count === 0 || out.length <= maxLength);
    if (!fits) {
      out.length = end;
      break;
    }
  }
  out.append(framing.close);
  return count;
}

/** Whether the event could be written; a malformed first one is refused for good. */
function writeEvent(
  event: Payload | undefined,
  writer: StructWriter,
  first: boolean,
): boolean {
  if (event === undefined) return false;
  try {
    writer.write(event);
    return true;
  } catch (error) {
    if (!(error instanceof MalformedStructError)) throw error;
    if (first) throw new RejectedError(error.message, 1);
    return false;
  }
}
