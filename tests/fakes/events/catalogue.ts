/**
 * The audit events that a busy cluster writes.
 *
 * @module
 */

import type { Random } from "../random.ts";
import { CLUSTER_EVENTS } from "./cluster.ts";
import type { EventKind } from "./kind.ts";
import { PROTOCOL_EVENTS } from "./protocols.ts";
import { SSH_EVENTS } from "./ssh.ts";

/** All types but `session.upload`, of which the log decides how often it comes. */
export const CATALOGUE: readonly EventKind[] = [
  ...SSH_EVENTS,
  ...PROTOCOL_EVENTS,
  ...CLUSTER_EVENTS,
];

/** Each kind as often as its weight says: choosing is a look-up. */
const WEIGHTED = CATALOGUE.flatMap((kind) =>
  Array<EventKind>(kind.weight).fill(kind)
);

/** A type of event, the frequent ones more often. */
export function pickKind(random: Random): EventKind {
  return random.pick(WEIGHTED);
}
