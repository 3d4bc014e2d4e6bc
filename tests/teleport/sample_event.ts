/**
 * Audit events as a page brings them.
 *
 * @module
 */

import {
  type AuditEvent,
  type Payload,
  wholePayload,
} from "../../lib/event.ts";
import type { JsonObject } from "../fakes/json.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";

/** An event like any other, but for what is given. */
export function sampleEvent(
  { payload, ...fields }:
    & Partial<Omit<AuditEvent, keyof Payload>>
    & { readonly payload?: JsonObject | Uint8Array } = {},
): AuditEvent {
  return {
    type: "session.start",
    id: "",
    timeMs: 0,
    index: 0,
    sessionId: undefined,
    ...fields,
    ...wholePayload(
      payload instanceof Uint8Array ? payload : encodeStruct(payload ?? {}),
    ),
  };
}
