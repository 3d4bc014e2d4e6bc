import { RejectedError } from "../../lib/errors.ts";
import { type AuditEvent, wholePayload } from "../../lib/event.ts";
import {
  encodeEvents,
  JSON_ARRAY,
  JSON_LINES,
  JSON_OBJECT,
} from "../../lib/struct/encode_events.ts";
import { JsonBuffer } from "../../lib/struct/json_buffer.ts";
import { assertStrictEquals, assertThrows } from "../assert.ts";
import type { JsonObject } from "../fakes/json.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";

const UNLIMITED = { maxEvents: 1_000, maxBytes: 2 ** 30 };
const MALFORMED = event(Uint8Array.of(0xff));

Deno.test("events become one JSON array", () => {
  const { count, text } = encode([{ a: 1 }, {}, { b: "é" }]);
  assertStrictEquals(text, '[{"a":1},{},{"b":"é"}]');
  assertStrictEquals(count, 3);
});

Deno.test("one event becomes a plain object where the limit is one", () => {
  const { count, text } = encode([{ a: 1 }, { b: 2 }], {
    framing: JSON_OBJECT,
    limits: { ...UNLIMITED, maxEvents: 1 },
  });
  assertStrictEquals(text, '{"a":1}');
  assertStrictEquals(count, 1);
});

Deno.test("events become lines, each with its end", () => {
  const { text } = encode([{ a: 1 }, { b: "\n" }], { framing: JSON_LINES });
  assertStrictEquals(text, '{"a":1}\n{"b":"\\n"}\n');
});

Deno.test("no more events are taken than the limit says", () => {
  const { count, text } = encode([{}, {}, {}], {
    limits: { ...UNLIMITED, maxEvents: 2 },
  });
  assertStrictEquals(text, "[{},{}]");
  assertStrictEquals(count, 2);
});

Deno.test("the byte limit counts every byte, framing included", () => {
  const events = [{ a: 1 }, { b: "é" }, { c: 3 }];
  for (
    const [framing, whole] of [
      [JSON_ARRAY, '[{"a":1},{"b":"é"}]'],
      [JSON_LINES, '{"a":1}\n{"b":"é"}\n'],
    ] as const
  ) {
    const maxBytes = new TextEncoder().encode(whole).length;
    const fits = encode(events, {
      framing,
      limits: { maxEvents: 9, maxBytes },
    });
    assertStrictEquals(fits.text, whole);
    assertStrictEquals(fits.count, 2);
    const tight = encode(events, {
      framing,
      limits: { maxEvents: 9, maxBytes: maxBytes - 1 },
    });
    assertStrictEquals(tight.count, 1);
  }
});

Deno.test("a first event that alone exceeds the byte limit goes alone", () => {
  const big = { text: "x".repeat(2 ** 21) };
  const limits = { maxEvents: 9, maxBytes: 1_000 };
  const { count, text } = encode([big, {}], { limits });
  assertStrictEquals(count, 1);
  assertStrictEquals(text, JSON.stringify([big]));
});

Deno.test("a big event behind others waits for the next request", () => {
  const limits = { maxEvents: 9, maxBytes: 1_000 };
  const big = { text: "x".repeat(2 ** 21) };
  const { count, text } = encode([{ a: 1 }, big, {}], { limits });
  assertStrictEquals(count, 1);
  assertStrictEquals(text, '[{"a":1}]');
});

Deno.test("a malformed event behind others ends the request before it", () => {
  const out = new JsonBuffer();
  const events = [event(encodeStruct({ a: 1 })), MALFORMED, MALFORMED];
  const options = { framing: JSON_ARRAY, limits: UNLIMITED };
  assertStrictEquals(encodeEvents(events, out, options), 1);
  assertStrictEquals(textOf(out), '[{"a":1}]');
});

Deno.test("a malformed first event is refused for good, and alone", () => {
  const events = [MALFORMED, event(encodeStruct({ a: 1 }))];
  const error = assertThrows(
    () =>
      encodeEvents(events, new JsonBuffer(), {
        framing: JSON_ARRAY,
        limits: UNLIMITED,
      }),
    RejectedError,
    "no google.protobuf.Struct",
  );
  assertStrictEquals(error.count, 1);
});

Deno.test("no events become an empty array", () => {
  const { count, text } = encode([]);
  assertStrictEquals(text, "[]");
  assertStrictEquals(count, 0);
});

Deno.test("a buffer that is used again holds only the last events", () => {
  const out = new JsonBuffer();
  const options = { framing: JSON_ARRAY, limits: UNLIMITED };
  encodeEvents([event(encodeStruct({ a: "x".repeat(100) }))], out, options);
  encodeEvents([event(encodeStruct({ b: 2 }))], out, options);
  assertStrictEquals(textOf(out), '[{"b":2}]');
});

function encode(
  objects: readonly JsonObject[],
  options: Partial<Parameters<typeof encodeEvents>[2]> = {},
): { count: number; text: string } {
  const out = new JsonBuffer();
  const events = objects.map((object) => event(encodeStruct(object)));
  const count = encodeEvents(events, out, {
    framing: JSON_ARRAY,
    limits: UNLIMITED,
    ...options,
  });
  return { count, text: textOf(out) };
}

function event(payload: Uint8Array): AuditEvent {
  return {
    type: "test",
    id: "",
    timeMs: 0,
    index: 0,
    ...wholePayload(payload),
    sessionId: undefined,
  };
}

function textOf(out: JsonBuffer): string {
  return new TextDecoder().decode(out.written());
}
