/**
 * What one type of audit event is like.
 *
 * @module
 */

import type { JsonObject } from "../json.ts";
import type { Random } from "../random.ts";

/** One type of event, with the code and the fields that Teleport gives it. */
export interface EventKind {
  readonly type: string;
  readonly code: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** Beside those that every event has; `id` is a UUID for what it is about. */
  readonly fields: (random: Random, id: string) => JsonObject;
}

/** Puts an event kind together. */
export function kind(
  type: string,
  code: string,
  weight: number,
  fields: EventKind["fields"],
): EventKind {
  return { type, code, weight, fields };
}
