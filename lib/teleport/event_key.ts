/**
 * What tells one event of a page from another when the page is read again.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type AuditEvent, payloadOf } from "../event.ts";
import type { Json } from "../struct/encode_struct.ts";
import { structJson } from "../struct/struct_json.ts";

/**
 * The event's id; where that is blank, a digest of its payload. A Struct is a
 * map and its keys come in any order, so that the digest is of the sorted JSON.
 */
export function eventKey(event: AuditEvent): string {
  return event.id !== "" ? event.id : payloadDigest(payloadOf(event));
}

function payloadDigest(payload: Uint8Array): string {
  const hash = createHash("sha256");
  try {
    const json = new TextDecoder().decode(structJson(payload));
    const value: Json = JSON.parse(json);
    hash.update(JSON.stringify(sorted(value)));
  } catch {
    hash.update(payload);
  }
  return `sha256:${hash.digest("hex")}`;
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.keys(value).sort().map((key) => [key, sorted(value[key] ?? null)]),
  );
}
