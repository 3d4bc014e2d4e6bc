/**
 * The transcoder alone, against protobuf-es:
 *
 *     deno bench scripts/bench/transcoder_bench.ts
 *
 * One iteration is one event.
 *
 * @module
 */

import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { JsonBuffer } from "../../lib/struct/json_buffer.ts";
import { writeStruct } from "../../lib/struct/struct_json.ts";
import type { JsonObject } from "../../tests/fakes/json.ts";
import { encodeStruct } from "../../tests/fakes/struct_bytes.ts";
import { POOL, sampleEvent } from "./sample_log.ts";

/** What differs is the text: as audit logs have it, and as no transcoder likes it. */
const TEXTS: Record<string, (i: number) => JsonObject> = {
  "as in an audit log": sampleEvent,
  "all beyond ASCII": (i) => translated(sampleEvent(i), "größere 表 Таблица"),
  "all to be escaped": (i) => translated(sampleEvent(i), 'a "\\x"\n\t\u0001'),
};

/** The same fields, and about as many bytes, with other strings. */
function translated(event: JsonObject, text: string): JsonObject {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => [
      key,
      typeof value === "string"
        ? text.repeat(Math.ceil(value.length / text.length))
        : value,
    ]),
  );
}

const BUFFER_BYTES = 1024 * 1024;
const out = new JsonBuffer();
const utf8 = new TextEncoder();

for (const [group, event] of Object.entries(TEXTS)) {
  const payloads = Array.from(
    { length: POOL },
    (_, i) => encodeStruct(event(i)),
  );
  let next = 0;
  const payload = (): Uint8Array => {
    const bytes = payloads[next];
    next = (next + 1) % POOL;
    if (bytes === undefined) throw new RangeError("The pool is empty");
    return bytes;
  };

  Deno.bench("writeStruct", { group, baseline: true }, () => {
    if (out.length > BUFFER_BYTES) out.length = 0;
    writeStruct(payload(), out);
  });

  Deno.bench("toJson and JSON.stringify", { group }, () => {
    const struct = fromBinary(StructSchema, payload());
    utf8.encode(JSON.stringify(toJson(StructSchema, struct)));
  });
}
