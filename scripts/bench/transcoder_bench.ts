/**
 * The transcoder alone, against protobuf-es:
 *
 *     deno bench scripts/bench/transcoder_bench.ts
 *
 * One iteration is a request of 500 events.
 *
 * @module
 */

import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { wholePayload } from "../../lib/event.ts";
import { encodeEvents, JSON_ARRAY } from "../../lib/struct/encode_events.ts";
import { PayloadBlock } from "../../lib/struct/payload_block.ts";
import type { JsonObject } from "../../tests/fakes/json.ts";
import { encodeStruct } from "../../tests/fakes/struct_bytes.ts";
import { sampleEvent } from "./sample_log.ts";

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

/** As many as a request has. */
const EVENTS = 500;
const block = new PayloadBlock();
const utf8 = new TextEncoder();

for (const [group, event] of Object.entries(TEXTS)) {
  const payloads = Array.from(
    { length: EVENTS },
    (_, i) => encodeStruct(event(i)),
  );
  const packed = block.pack(payloads.map(wholePayload));
  const events = { ...packed, memory: packed.memory.slice(0) };

  Deno.bench("encodeEvents", { group, baseline: true }, () => {
    encodeEvents(events, {
      framing: JSON_ARRAY,
      limits: { maxEvents: EVENTS, maxBytes: Infinity },
    });
  });

  Deno.bench("toJson and JSON.stringify", { group }, () => {
    const objects = payloads.map((payload) =>
      toJson(StructSchema, fromBinary(StructSchema, payload))
    );
    utf8.encode(JSON.stringify(objects));
  });
}
