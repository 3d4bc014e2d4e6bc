/**
 * Events and positions for tests that do not care what is in them.
 *
 * @module
 */

import {
  type AuditEvent,
  type PagePosition,
  type Payload,
  payloadOf,
  type Position,
  wholePayload,
} from "../../lib/event.ts";
import type { JsonObject } from "./json.ts";
import { encodeStruct } from "./struct_bytes.ts";

/** An event; its payload carries the id as `uid`, and what `fields` adds. */
export function auditEvent(
  id: string,
  { fields = {}, payload, ...event }: Partial<AuditEvent> & {
    fields?: JsonObject;
    payload?: Uint8Array;
  } = {},
): AuditEvent {
  return {
    type: "user.login",
    id,
    timeMs: Date.parse("2026-03-01T11:00:00Z"),
    index: 0,
    ...wholePayload(payload ?? encodeStruct({ uid: id, ...fields })),
    sessionId: undefined,
    ...event,
  };
}

/** With its payload alone, wherever that is: what two events are compared by. */
export function withPayload(
  event: AuditEvent,
): Omit<AuditEvent, keyof Payload> & { payload: Uint8Array } {
  const { type, id, timeMs, index, sessionId } = event;
  const payload = Uint8Array.from(payloadOf(event));
  return { type, id, timeMs, index, sessionId, payload };
}

/** So many events, with the ids `<prefix><first>` and up. */
export function auditEvents(
  count: number,
  { first = 0, prefix = "e" }: { first?: number; prefix?: string } = {},
): AuditEvent[] {
  return Array.from(
    { length: count },
    (_, i) => auditEvent(`${prefix}${first + i}`),
  );
}

/** A position that can be told from others. */
export function position(cursor: number | string): PagePosition {
  return {
    kind: "page",
    start: "2026-03-01T00:00:00Z",
    cursor: String(cursor),
    seen: [],
    newest: null,
  };
}

/** What was given to `position`; "" where that is another kind of position, or none. */
export function cursorOf(position: Position | undefined): string {
  return position?.kind === "page" ? position.cursor : "";
}

/** The ids, in order. */
export function idsOf(events: readonly AuditEvent[]): string[] {
  return events.map(({ id }) => id);
}
