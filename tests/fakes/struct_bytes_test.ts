import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { assertEquals } from "../assert.ts";
import type { Json, JsonObject } from "./json.ts";
import { Random } from "./random.ts";
import { encodeStruct } from "./struct_bytes.ts";

Deno.test("a Struct's bytes say what the object says", () => {
  const objects: JsonObject[] = [
    // First, while the buffer is small and has to grow in the middle of it.
    { list: Array.from({ length: 100_000 }, () => true) },
    {},
    { null: null, true: true, false: false, zero: 0, negative: -1.5e300 },
    { "": "", "addr.remote": "ascii", "ключ": 'значение 🙂\u0000\u001b"\\' },
    { list: [], object: {}, deep: [[[{ a: [null, { b: {} }] }]]] },
    { short: "x".repeat(64), long: "x".repeat(65), wide: "é".repeat(64) },
    { huge: "y".repeat(3_000_000), after: 1 },
  ];
  for (const object of objects) assertEquals(decode(object), object);
});

Deno.test("a Struct's bytes say what a thousand random objects say", () => {
  for (let position = 0; position < 1_000; position++) {
    const object = randomObject(new Random(1, position), 4);
    assertEquals(decode(object), object);
  }
});

function decode(object: JsonObject) {
  return toJson(StructSchema, fromBinary(StructSchema, encodeStruct(object)));
}

function randomObject(random: Random, depth: number): JsonObject {
  const entries: [string, Json][] = [];
  for (let i = random.below(8); i > 0; i--) {
    entries.push([randomText(random), randomValue(random, depth - 1)]);
  }
  return Object.fromEntries(entries);
}

function randomValue(random: Random, depth: number): Json {
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.next() / 1_000;
    case 3:
      return randomText(random);
    case 4:
      return Array.from(
        { length: random.below(6) },
        () => randomValue(random, depth - 1),
      );
    default:
      return randomObject(random, depth);
  }
}

function randomText(random: Random): string {
  let text = "";
  for (let i = random.below(90); i > 0; i--) {
    const point = random.chance(0.9)
      ? random.below(0x80)
      : random.below(0xd800);
    text += String.fromCodePoint(point);
  }
  return text;
}
