import { RejectedError } from "../../lib/errors.ts";
import { wholePayload } from "../../lib/event.ts";
import {
  encodeEvents,
  JSON_ARRAY,
  JSON_LINES,
  JSON_OBJECT,
} from "../../lib/struct/encode_events.ts";
import {
  type PackedPayloads,
  PayloadBlock,
} from "../../lib/struct/payload_block.ts";
import { assertStrictEquals, assertThrows } from "../assert.ts";
import type { JsonObject } from "../fakes/json.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";

const UNLIMITED = { maxEvents: 1_000, maxBytes: 2 ** 30 };
const ARRAY = { framing: JSON_ARRAY, limits: UNLIMITED };
const MALFORMED = Uint8Array.of(0xff);

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
  const events = pack([encodeStruct({ a: 1 }), MALFORMED, MALFORMED]);
  const { count, json } = encodeEvents(events, ARRAY);
  assertStrictEquals(count, 1);
  assertStrictEquals(textOf(json), '[{"a":1}]');
});

Deno.test("a malformed first event is refused for good, and alone", () => {
  const events = pack([MALFORMED, encodeStruct({ a: 1 })]);
  const error = assertThrows(
    () => encodeEvents(events, ARRAY),
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

Deno.test("what is written again holds only the last events", () => {
  for (const object of [{ a: "x".repeat(100) }, { b: 2 }]) {
    const { json } = encodeEvents(pack([encodeStruct(object)]), ARRAY);
    assertStrictEquals(textOf(json), JSON.stringify([object]));
  }
});

Deno.test("an unusual encoding counts, and is separated, like any other", () => {
  const unusual = (object: JsonObject) =>
    Uint8Array.of(0x48, 1, ...encodeStruct(object));
  const payloads = [
    unusual({ a: 1 }),
    encodeStruct({ b: 2 }),
    unusual({ c: 3 }),
    unusual({ d: 4 }),
  ];
  const whole = '[{"a":1},{"b":2},{"c":3},{"d":4}]';
  for (let maxBytes = 0; maxBytes <= whole.length; maxBytes++) {
    const { count, json } = encodeEvents(pack(payloads), {
      framing: JSON_ARRAY,
      limits: { maxEvents: 9, maxBytes },
    });
    const fit = Math.max(1, Math.floor((maxBytes - 1) / 8));
    assertStrictEquals(count, fit, `${maxBytes}`);
    assertStrictEquals(textOf(json), `${whole.slice(0, 8 * fit)}]`);
  }
});

function encode(
  objects: readonly JsonObject[],
  options: Partial<Parameters<typeof encodeEvents>[1]> = {},
): { count: number; text: string } {
  const payloads = objects.map((object) => encodeStruct(object));
  const { count, json } = encodeEvents(pack(payloads), {
    ...ARRAY,
    ...options,
  });
  return { count, text: textOf(json) };
}

function pack(payloads: readonly Uint8Array[]): PackedPayloads {
  return new PayloadBlock().pack(payloads.map(wholePayload));
}

function textOf(json: Uint8Array): string {
  return new TextDecoder().decode(json);
}
