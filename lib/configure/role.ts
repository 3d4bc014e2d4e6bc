/**
 * Teleport's role and user, for `tctl create`.
 *
 * @module
 */

import { ROLE, type Setup } from "./setup.ts";

const LOCK_RULE = `
      - resources: [lock]
        verbs: [create, update]`;

/** The text of the role file: what is needed, and no more. */
export function roleYaml({ lockUsers }: Pick<Setup, "lockUsers">): string {
  return `kind: role
version: v7
metadata:
  name: ${ROLE}
spec:
  allow:
    rules:
      - resources: [event, session]
        verbs: [list, read]${lockUsers ? LOCK_RULE : ""}
---
kind: user
version: v2
metadata:
  name: ${ROLE}
spec:
  roles: [${ROLE}]
`;
}
