/**
 * From Teleport's envelope to the pipeline's event.
 *
 * @module
 */

import {
  type AuditEvent,
  type Payload,
  payloadOf,
  wholePayload,
} from "../event.ts";
import type { EventUnstructured } from "./proto/teleport_pb.ts";
import { readSessionId } from "../struct/struct_fields.ts";

/** Takes the envelope apart; of the payload, only what the program acts on is read. */
export function toAuditEvent(event: EventUnstructured): AuditEvent {
  const { type, id, time, index, unstructured } = event;
  const payload = wholePayload(unstructured);
  return {
    type,
    id,
    timeMs: time === undefined
      ? 0
      : Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1_000_000),
    index: Number(index),
    ...payload,
    sessionId: sessionIdOf(type, payload),
  };
}

/** The recording that an event announces, where it is of the type that does. */
export function sessionIdOf(
  type: string,
  payload: Payload,
): string | undefined {
  return type === "session.upload"
    ? readSessionId(payloadOf(payload))
    : undefined;
}
