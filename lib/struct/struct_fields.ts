/**
 * The few fields of an event that the program itself needs, read from the
 * Struct bytes of the few event types that carry them.
 *
 * @module
 */

import type { LoginAttempt } from "../event.ts";
import { MalformedStructError } from "./malformed_struct.ts";
import { type JsonObject, parseStruct } from "./parse_struct.ts";

/** The recording that a `session.upload` event announces, if it names one. */
export function readSessionId(payload: Uint8Array): string | undefined {
  const sid = readFields(payload).get("sid");
  return typeof sid === "string" && sid !== "" ? sid : undefined;
}

/** Who tried to log in, from a `user.login` event. */
export function readLogin(payload: Uint8Array): LoginAttempt | undefined {
  const fields = readFields(payload);
  const user = fields.get("user");
  const login = fields.get("login");
  const success = fields.get("success");
  if (typeof user !== "string" || typeof success !== "boolean") {
    return undefined;
  }
  return { user, login: typeof login === "string" ? login : "", success };
}

/** None of a payload that is no Struct, which the sink refuses. */
function readFields(payload: Uint8Array): JsonObject {
  try {
    return parseStruct(payload);
  } catch (error) {
    if (error instanceof MalformedStructError) return new Map();
    throw error;
  }
}
