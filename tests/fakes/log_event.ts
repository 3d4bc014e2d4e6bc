/**
 * One event of the Teleport stand-in: what it sends, and what tests compare with.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { JsonObject } from "./json.ts";

/** An event, and the envelope in which it is sent. */
export interface LogEvent {
  readonly type: string;
  /** Its `uid`, or the SHA-256 of its JSON where it has none. */
  readonly id: string;
  /** Microseconds since the epoch. */
  readonly timeUs: number;
  readonly index: number;
  /** What the receiver should get. */
  readonly json: JsonObject;
}

/** What an event is to be like; the rest follows from it. */
export interface EventOptions {
  readonly timeMs: number;
  /** A random one by default; "" as some servers leave it. */
  readonly id?: string;
  readonly index?: number;
  /** Beside `event`, `uid`, `time`, `ei` and `cluster_name`. */
  readonly fields?: JsonObject;
}

/** The cluster that all events are of. */
export const CLUSTER_NAME = "tele.example.com";

/** An event made to order, for cases that the generated log does not have. */
export function logEvent(type: string, options: EventOptions): LogEvent {
  const { timeMs, id = crypto.randomUUID(), index = 0, fields = {} } = options;
  const timeUs = timeMs * 1_000;
  const json: JsonObject = {
    ei: index,
    event: type,
    uid: id,
    time: timeText(timeUs),
    "cluster_name": CLUSTER_NAME,
    ...fields,
  };
  return { type, id, timeUs, index, json };
}

/** The id of an event without a `uid`. */
export function payloadId(json: JsonObject): string {
  return createHash("sha256").update(JSON.stringify(json)).digest("hex");
}

/** RFC 3339 as Go writes it: with as many digits of a second as there are. */
export function timeText(timeUs: number): string {
  const text = new Date(Math.floor(timeUs / 1_000)).toISOString();
  const micros = timeUs % 1_000_000;
  if (micros === 0) return text.slice(0, 19) + "Z";
  const digits = (1_000_000 + micros).toString().slice(1).replace(/0+$/, "");
  return `${text.slice(0, 20)}${digits}Z`;
}
