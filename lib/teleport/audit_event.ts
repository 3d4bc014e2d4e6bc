/**
 * From Teleport's envelope to the pipeline's event.
 *
 * @module
 */

import { type AuditEvent, wholePayload } from "../event.ts";
import type { EventUnstructured } from "./proto/teleport_pb.ts";
import { readSessionId } from "../struct/struct_fields.ts";

/** Takes the envelope apart; of the payload, only what the program acts on is read. */
export function toAuditEvent(event: EventUnstructured): AuditEvent {
  const { type, id, time, index, unstructured } = event;
  return {
    type,
    id,
    timeMs: time === undefined
      ? 0
      : Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1_000_000),
    index: Number(index),
    ...wholePayload(unstructured),
    sessionId: sessionIdOf(type, unstructured, 0, unstructured.length),
  };
}

/**
 * The recording that an event announces, where it is of the type that does.
 *
 * @param start Where the payload begins in the message
 */
export function sessionIdOf(
  type: string,
  message: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  return type === "session.upload"
    ? readSessionId(message.subarray(start, end))
    : undefined;
}

/** Whether it happened before then. Of an event without a time nobody knows. */
export function isBefore({ timeMs }: AuditEvent, thanMs: number): boolean {
  // Go's own zero, where no time was set, is long before 1970.
  return timeMs > 0 && timeMs < thanMs;
}
