/**
 * The few fields of an event that the program itself needs, read from the
 * Struct bytes of the few event types that carry them.
 *
 * @module
 */

import { fromBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import type { LoginAttempt } from "../event.ts";

/** The recording that a `session.upload` event announces, if it names one. */
export function readSessionId(payload: Uint8Array): string | undefined {
  const sid = readFields(payload).sid;
  return typeof sid === "string" && sid !== "" ? sid : undefined;
}

/** Who tried to log in, from a `user.login` event. */
export function readLogin(payload: Uint8Array): LoginAttempt | undefined {
  const { user, login, success } = readFields(payload);
  if (typeof user !== "string" || typeof success !== "boolean") {
    return undefined;
  }
  return { user, login: typeof login === "string" ? login : "", success };
}

/** The top level's scalars; none of a payload that is no Struct, which the sink refuses. */
function readFields(
  payload: Uint8Array,
): Record<string, string | number | boolean> {
  const scalars: Record<string, string | number | boolean> = {};
  let struct;
  try {
    struct = fromBinary(StructSchema, payload);
  } catch {
    return scalars;
  }
  for (const [name, { kind }] of Object.entries(struct.fields)) {
    switch (kind.case) {
      case "stringValue":
      case "numberValue":
      case "boolValue":
        scalars[name] = kind.value;
    }
  }
  return scalars;
}
