/**
 * A request body, read as Fluentd's HTTP input reads it with
 * `<parse> @type json, time_type string, time_format %Y-%m-%dT%H:%M:%S`.
 *
 * @module
 */

import { gunzipSync, inflateSync } from "node:zlib";
import { describe } from "../../lib/errors.ts";

/** One event as it came over the wire. */
export type JsonRecord = { readonly [key: string]: unknown };

/** What became of a body. */
export type ParsedBody =
  | {
    readonly kind: "parsed";
    /** The body, decompressed; "" where it is no text. */
    readonly text: string;
    /** What can be stored. */
    readonly records: readonly JsonRecord[];
    /** How many parts are not a JSON object; a body that is no JSON counts as one. */
    readonly unparsable: number;
  }
  /** Every Fluentd answers 400 to this and stores nothing of it. */
  | {
    readonly kind: "refused";
    readonly text: string;
    readonly reason: string;
  };

// Fractions and zones after the seconds are ignored, as strptime does.
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body with its `Content-Encoding`, "" where there is none. */
export function parseBody(body: Uint8Array, encoding: string): ParsedBody {
  let bytes: Uint8Array;
  try {
    bytes = decompress(body, encoding);
  } catch (error) {
    return { kind: "refused", text: "", reason: describe(error) };
  }
  let text = "";
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return { kind: "parsed", text, records: [], unparsable: 1 };
  }
  const parts = Array.isArray(value) ? value : [value];
  const records = parts.filter(isRecord);
  const bad = records.find((record) => !hasReadableTime(record));
  if (bad !== undefined) {
    const reason = `invalid time format: value = ${
      JSON.stringify(bad["time"])
    }`;
    return { kind: "refused", text, reason };
  }
  const unparsable = parts.length - records.length;
  return { kind: "parsed", text, records, unparsable };
}

function decompress(body: Uint8Array, encoding: string): Uint8Array {
  switch (encoding) {
    case "gzip":
      return gunzipSync(body);
    case "deflate":
      return inflateSync(body);
    default:
      // An unknown encoding is not looked at: the bytes are simply no JSON.
      return body;
  }
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasReadableTime(record: JsonRecord): boolean {
  const time = record["time"];
  return time === undefined || (typeof time === "string" && TIME.test(time));
}
