import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { type Payload, wholePayload } from "../../lib/event.ts";
import {
  MalformedStructError,
  MAX_DEPTH,
} from "../../lib/struct/malformed_struct.ts";
import { PayloadBlock } from "../../lib/struct/payload_block.ts";
import { structJson, writeStructs } from "../../lib/struct/struct_json.ts";
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";
import type { Json, JsonObject } from "../fakes/json.ts";
import { Random } from "../fakes/random.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";
import { randomObject } from "./random_object.ts";
import { bytes, doubleField, field, nested, struct, varint } from "./wire.ts";

const { entry, key, value, item } = struct;
const STRUCTS = 5_000;
const MUTATIONS = 5_000;

Deno.test("thousands of random Structs are written as what they say", () => {
  const seed = randomSeed();
  for (let position = 0; position < STRUCTS; position++) {
    const object = randomObject(new Random(seed, position), 6);
    const text = write(encodeStruct(object));
    const hint = `seed ${seed}, position ${position}`;
    assertStrictEquals(text, referenceText(object), hint);
    assertEquals(JSON.parse(text), object, hint);
  }
});

Deno.test("what another encoder makes of random Structs is written alike", () => {
  const seed = randomSeed();
  for (let position = 0; position < 500; position++) {
    const object = randomObject(new Random(seed, position), 4);
    const again = toBinary(
      StructSchema,
      fromBinary(StructSchema, encodeStruct(object)),
    );
    assertEquals(
      JSON.parse(write(again)),
      object,
      `seed ${seed}, position ${position}`,
    );
  }
});

Deno.test("numbers are written as JSON.stringify does, and -0 keeps its sign", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [2 ** 31 - 1, "2147483647"],
    [2 ** 31, "2147483648"],
    [-(2 ** 31), "-2147483648"],
    [-(2 ** 31) - 1, "-2147483649"],
    [-7, "-7"],
    [10, "10"],
    [99, "99"],
    [1e15, "1000000000000000"],
    [2 ** 53 - 1, "9007199254740991"],
    [1 - 2 ** 53, "-9007199254740991"],
    [2 ** 53, "9007199254740992"],
    [2 ** 63, "9223372036854776000"],
    [-(2 ** 63), "-9223372036854776000"],
    [-(2 ** 64), "-18446744073709552000"],
    [0.1, "0.1"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    [5e-324, "5e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
  ];
  for (const [number, text] of cases) {
    assertStrictEquals(writeValue(struct.number(number)), text);
  }
});

Deno.test("numbers that JSON has not are written as protojson writes them", () => {
  assertStrictEquals(writeValue(struct.number(NaN)), '"NaN"');
  assertStrictEquals(writeValue(struct.number(Infinity)), '"Infinity"');
  assertStrictEquals(writeValue(struct.number(-Infinity)), '"-Infinity"');
});

Deno.test("every control character, quote and backslash is escaped, in keys too", () => {
  const text = String.fromCharCode(...Array(0x80).keys());
  const json = JSON.stringify(text);
  assertStrictEquals(
    write(entry(key(text), value(struct.string(text)))),
    `{${json}:${json}}`,
  );
});

Deno.test("a character is written the same wherever in a string it stands", () => {
  const characters = [
    "\u0000",
    "\u001f",
    " ",
    '"',
    "\\",
    "\u007f",
    "é",
    "表",
    "🙂",
  ];
  for (const character of characters) {
    for (let before = 0; before < 36; before++) {
      for (const behind of [0, 1, 7, 14, 15, 16, 17, 33]) {
        for (const other of ["x", "ß", '"']) {
          const text = other.repeat(before) + character + other.repeat(behind);
          const json = JSON.stringify(text);
          assertStrictEquals(writeValue(struct.string(text)), json);
        }
      }
    }
  }
});

Deno.test("what is shortest on the wire is written whole", () => {
  const cases: [Uint8Array<ArrayBuffer>, string][] = [
    [item(), "null"],
    [item(struct.bool(false)), "false"],
    [item(struct.number(-5e-324)), "-5e-324"],
    [item(struct.number(-Math.PI * 1e-300)), "-3.141592653589793e-300"],
    [item(struct.number(-Infinity)), '"-Infinity"'],
    [item(struct.string("")), '""'],
    [item(struct.string("\u0001".repeat(127))), `"${"\\u0001".repeat(127)}"`],
    [item(struct.string(Uint8Array.of(0xff))), '"\ufffd"'],
    [
      item(struct.string(bytes(Uint8Array.of(0xff), "\u0001".repeat(99)))),
      `"\ufffd${"\\u0001".repeat(99)}"`,
    ],
  ];
  for (const [wire, json] of cases) {
    // Larger than what a buffer begins with, and than what it grows by.
    const count = 30_000;
    const list = bytes(...Array.from({ length: count }, () => wire));
    const text = write(entry(key("a"), value(field(6, list))));
    assert(text === `{"a":[${Array(count).fill(json).join(",")}]}`, json);
  }
});

Deno.test("there is room for the longest escapes, and for what takes longest around them", () => {
  const objects = Array.from({ length: 300 }, (_, i) => ({
    a: "\u0001".repeat(60 * i),
    b: ["", [], {}, false, -Math.PI * 1e-300],
    '"': { "\n": "\\\\\\\\" },
  }));
  assertStrictEquals(
    writeAll(objects.map((object) => wholePayload(encodeStruct(object)))),
    objects.map((object) => JSON.stringify(object)).join(""),
  );
});

Deno.test("escapes beside invalid UTF-8 are written whole, and so is what is behind them", () => {
  const count = 200;
  const text = bytes(new Uint8Array(count).fill(0xff), "\u0001".repeat(count));
  const json = `{"a":"${"\ufffd".repeat(count)}${"\\u0001".repeat(count)}"}`;
  const payload = wholePayload(entry(key("a"), value(struct.string(text))));
  assertStrictEquals(
    writeAll(Array(1_000).fill(payload)),
    json.repeat(1_000),
  );
});

Deno.test("every code point comes through as it is", () => {
  const points: number[] = [];
  for (let point = 0x80; point <= 0x10_ffff; point += 7) {
    if (point < 0xd800 || point > 0xdfff) points.push(point);
  }
  const text = points.map((point) => String.fromCodePoint(point)).join("");
  assertStrictEquals(JSON.parse(writeValue(struct.string(text))), text);
});

Deno.test("invalid UTF-8 becomes what a TextDecoder makes of it", () => {
  const cases = [
    [0x80],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xc3],
    [0x61, 0xc3, 0x28],
    [0xe0, 0x80, 0x80],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf0, 0x9f, 0x99],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0x22, 0x0a, 0xff, 0x5c],
    // A byte-order mark is text, wherever it stands.
    [0xef, 0xbb, 0xbf, 0x61, 0xff],
  ].map((codes) => Uint8Array.from(codes));
  const seed = randomSeed();
  for (let position = 0; position < 2_000; position++) {
    const random = new Random(seed, position);
    cases.push(random.bytes(random.below(12)));
    // Something wrong, or right, at every place of a longer text.
    const text = new TextEncoder().encode("größer 表 🙂 ".repeat(4));
    for (let i = random.below(3); i >= 0; i--) {
      text[random.below(text.length)] = random.next();
    }
    const from = random.below(20);
    cases.push(text.slice(from, from + random.below(text.length)));
  }
  for (const text of cases) {
    const expected = decode(text);
    const hint = `seed ${seed}, bytes ${text.toHex()}`;
    assertStrictEquals(
      JSON.parse(writeValue(struct.string(text))),
      expected,
      hint,
    );
    const [name] = Object.keys(
      JSON.parse(write(entry(key(text), value(struct.nullValue())))),
    );
    assertStrictEquals(name, expected, hint);
  }
});

Deno.test("a string of 2 MiB is written whole", () => {
  for (const text of ["x".repeat(2 ** 21), '\u0001é🙂"'.repeat(2 ** 18)]) {
    assertStrictEquals(write(encodeStruct({ text })), JSON.stringify({ text }));
  }
});

Deno.test("unusual encodings say the same as the usual ones", () => {
  const a = entry(key("a"), value(struct.string("é\n")));
  const usual = write(a);
  const unusual: Record<string, Uint8Array<ArrayBuffer>> = {
    "value before key": entry(value(struct.string("é\n")), key("a")),
    "unknown field behind the entries": bytes(a, field(9, "new")),
    "unknown field before the entries": bytes(doubleField(7, 1), a),
    "unknown field in an entry": entry(
      key("a"),
      field(3, "new"),
      value(struct.string("é\n")),
    ),
    "unknown field in a value": entry(
      key("a"),
      value(field(15, "new"), struct.string("é\n")),
    ),
    "unknown group": bytes(varint(0x4b), field(1, "x"), varint(0x4c), a),
    "field of another wire type": bytes(varint(0x08), varint(5), a),
    "tag of several bytes": entry(
      key("a"),
      bytes(varint(0x12, 3), varint(5), struct.string("é\n")),
    ),
    "length of several bytes": entry(
      bytes(varint(0x0a), varint(1, 5), "a"),
      value(struct.string("é\n")),
    ),
    "the same key twice, the last one counts": bytes(
      entry(value(struct.number(1)), key("a")),
      a,
    ),
    "two kinds in a value, the last one counts": entry(
      key("a"),
      value(struct.number(1), struct.string("é\n")),
    ),
    "a value in two pieces": entry(
      key("a"),
      value(struct.number(1)),
      value(struct.string("é\n")),
    ),
  };
  for (const [name, payload] of Object.entries(unusual)) {
    assertStrictEquals(write(payload), usual, name);
  }
});

Deno.test("a Struct in unusual encodings is merged as protobuf says", () => {
  const one = entry(key("one"), value(struct.number(1)));
  const two = entry(key("two"), value(struct.number(2)));
  assertStrictEquals(
    writeValue(bytes(struct.struct(one), struct.struct(two))),
    '{"one":1,"two":2}',
  );
  assertStrictEquals(
    writeValue(bytes(
      struct.list(item(struct.bool(true))),
      struct.list(item(struct.nullValue())),
    )),
    "[true,null]",
  );
  assertStrictEquals(
    writeValue(bytes(struct.struct(one), struct.list(), struct.struct(two))),
    '{"two":2}',
  );
});

Deno.test("what is missing has protobuf's defaults", () => {
  assertStrictEquals(write(entry()), '{"":null}');
  assertStrictEquals(write(entry(key("a"))), '{"a":null}');
  assertStrictEquals(write(entry(key("a"), value())), '{"a":null}');
  assertStrictEquals(
    write(entry(value(struct.bool(true)))),
    '{"":true}',
  );
  assertStrictEquals(writeValue(struct.list(item(), item())), "[null,null]");
});

Deno.test("booleans of several bytes are what they say", () => {
  assertStrictEquals(writeValue(struct.bool(varint(0, 4))), "false");
  assertStrictEquals(writeValue(struct.bool(varint(0, 10))), "false");
  assertStrictEquals(writeValue(struct.bool(varint(2))), "true");
  const highBit = Uint8Array.of(...Array(9).fill(0x80), 0x01);
  assertStrictEquals(writeValue(struct.bool(highBit)), "true");
});

Deno.test("the generic way gives the same for thousands of random Structs", () => {
  const seed = randomSeed();
  for (let position = 0; position < 1_000; position++) {
    const object = randomObject(new Random(seed, position), 5);
    assertStrictEquals(
      write(unusually(encodeStruct(object))),
      referenceText(object),
      `seed ${seed}, position ${position}`,
    );
  }
});

Deno.test("the generic way treats odd numbers and invalid UTF-8 alike", () => {
  for (
    const content of [
      struct.number(NaN),
      struct.number(-Infinity),
      struct.number(-0),
      struct.string(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)),
      struct.string(Uint8Array.of(0xef, 0xbb, 0xbf, 0xff, 0x22)),
      struct.list(item(struct.string("\u2028\u0000"))),
    ]
  ) {
    const payload = entry(key("__proto__"), value(content));
    assertStrictEquals(write(unusually(payload)), write(payload));
  }
});

Deno.test("a Struct that ends too early is refused", () => {
  const payload = encodeStruct({
    text: "é".repeat(100),
    list: [1, null, { deep: [true] }],
  });
  const wholeEntries = new Set([
    0,
    encodeStruct({ text: "é".repeat(100) }).length,
  ]);
  for (let length = 0; length < payload.length; length++) {
    if (wholeEntries.has(length)) continue;
    assertRefused(payload.slice(0, length));
  }
});

Deno.test("bytes that are no Struct are refused", () => {
  for (
    const payload of [
      [0x00],
      [0x07],
      [0x0a],
      [0x0a, 0x80],
      [0x0a, 0x01],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [...Array(20).fill(0xff)],
      [...new TextEncoder().encode('{"uid":"not protobuf"}')],
    ]
  ) assertRefused(Uint8Array.from(payload));
});

Deno.test("a length that runs over the end of what holds it is refused", () => {
  const behind = entry(key("b"), value(struct.string("x".repeat(50))));
  const inner = bytes(varint(0x1a), varint(20), "short");
  assertRefused(bytes(entry(key("a"), value(inner)), behind));
  assertRefused(bytes(entry(bytes(varint(0x0a), varint(20), "a")), behind));
  assertRefused(
    bytes(
      entry(key("a"), value(struct.list(bytes(varint(0x0a), varint(30))))),
      behind,
    ),
  );
  assertRefused(
    bytes(entry(key("a"), value(bytes(varint(0x11), "1234"))), behind),
  );
  assertRefused(
    bytes(
      entry(key("a"), value(bytes(varint(0x20), Uint8Array.of(0x80)))),
      behind,
    ),
  );
});

Deno.test("a payload is read from its start to its end, whatever is before and behind it", () => {
  const seed = randomSeed();
  for (let position = 0; position < MUTATIONS; position++) {
    const random = new Random(seed, position);
    const payload = encodeStruct(randomObject(random, 2));
    if (payload.length > 0 && random.below(2) === 0) {
      payload[random.below(payload.length)] = random.next();
    }
    const whole = payload.subarray(0, payload.length - random.below(3));
    const start = random.below(40);
    const message = bytes(
      Uint8Array.from({ length: start }, () => random.below(256)),
      whole,
      Uint8Array.from({ length: 40 }, () => random.below(256)),
    );
    const end = start + whole.length;
    const hint = `seed ${seed}, position ${position}`;
    assertEquals(
      outcomeOf(() => writeAll([{ message, start, end }])),
      outcomeOf(() => write(whole)),
      hint,
    );
  }
});

Deno.test("payloads of one message and of others are written one after the other, usual or not", () => {
  const payloads = [{ a: "x" }, { b: [1, "größer"] }, { c: "\ud800" }, {}]
    .map((object) => encodeStruct(object));
  const invalid = entry(key("a"), value(struct.string(Uint8Array.of(0xff))));
  const all = [...payloads, invalid, unusually(invalid), ...payloads];
  const expected = all.map(write).join("");
  const message = bytes(...all);
  let start = 0;
  const mixed = all.map((payload, i) => {
    const end = start + payload.length;
    const place = { message, start, end };
    start = end;
    return i % 2 === 0 ? place : wholePayload(payload);
  });
  assertStrictEquals(writeAll(mixed), expected);
});

Deno.test("many and large payloads are written whole and in order", () => {
  const seed = randomSeed();
  const sizes = [10, 100_000, 300_000, 2_000_000];
  for (let position = 0; position < 20; position++) {
    const random = new Random(seed, position);
    const objects = Array.from({ length: 40 }, (_, i) => ({
      i,
      text: "x".repeat(random.below(sizes[random.below(4)] ?? 0)),
    }));
    const payloads = objects.map((object, i) =>
      wholePayload(
        i % 7 === 3 ? unusually(encodeStruct(object)) : encodeStruct(object),
      )
    );
    assertStrictEquals(
      writeAll(payloads),
      objects.map((object) => JSON.stringify(object)).join(""),
      `seed ${seed}, position ${position}`,
    );
  }
});

Deno.test("damaged Structs are refused or give valid JSON", () => {
  const seed = randomSeed();
  let refused = 0;
  for (let position = 0; position < MUTATIONS; position++) {
    const random = new Random(seed, position);
    const payload = encodeStruct(randomObject(random, 3));
    if (payload.length === 0) continue;
    for (let i = 1 + random.below(3); i > 0; i--) {
      payload[random.below(payload.length)] = random.next();
    }
    const hint = `seed ${seed}, position ${position}`;
    const text = outcomeOf(() => write(payload));
    if (text === "refused") {
      refused++;
      continue;
    }
    try {
      JSON.parse(text);
    } catch {
      throw new Error(`${hint}: not JSON: ${text}`);
    }
    // Whatever way was taken, the other one agrees.
    assertEquals(JSON.parse(write(unusually(payload))), JSON.parse(text), hint);
  }
  assert(refused > 0 && refused < MUTATIONS);
});

for (const kind of ["struct", "list"] as const) {
  for (const way of ["usual", "unusual"] as const) {
    const make = (depth: number) =>
      way === "usual" ? nested(depth, kind) : unusually(nested(depth, kind));

    Deno.test(`${kind}s are written ${MAX_DEPTH} levels deep, ${way} encoding`, () => {
      const text = write(make(MAX_DEPTH));
      const [open, close] = kind === "struct" ? ['{"a":', "}"] : ["[", "]"];
      const inner = kind === "struct" ? "{}" : "[]";
      const levels = kind === "struct" ? MAX_DEPTH : MAX_DEPTH - 1;
      const expected = open.repeat(levels) + inner + close.repeat(levels);
      assertStrictEquals(
        text,
        kind === "struct" ? expected : `{"a":${expected}}`,
      );
    });

    Deno.test(`${kind}s that are deeper are refused in words, ${way} encoding`, () => {
      for (const depth of [MAX_DEPTH + 1, 2 * MAX_DEPTH, 30_000]) {
        const error = assertRefused(make(depth));
        assertStringIncludes(error.message, `deeper than ${MAX_DEPTH} levels`);
      }
    });
  }
}

function write(payload: Uint8Array): string {
  // What a receiver gets is valid UTF-8 whatever the payload is.
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(structJson(payload));
}

function writeAll(payloads: readonly Payload[]): string {
  const { count, json } = writeStructs(new PayloadBlock().pack(payloads), {
    framing: { open: "", separator: "", close: "" },
    limits: { maxEvents: Infinity, maxBytes: Infinity },
  });
  assertStrictEquals(count, payloads.length);
  return decode(json);
}

/** The text of one value, which is the object's only one. */
function writeValue(content: Uint8Array<ArrayBuffer>): string {
  const text = write(entry(key("a"), value(content)));
  assertStrictEquals(text.slice(0, 5), '{"a":');
  return text.slice(5, -1);
}

/** Behind an unknown field, which no known encoder writes. */
function unusually(payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes(field(9, "new"), payload);
}

function assertRefused(payload: Uint8Array): MalformedStructError {
  return assertThrows(() => structJson(payload), MalformedStructError);
}

/** What was written, or that nothing was. */
function outcomeOf(write: () => string): string {
  try {
    return write();
  } catch (error) {
    assert(error instanceof MalformedStructError, `${error}`);
    return "refused";
  }
}

function referenceText(json: Json): string {
  if (Array.isArray(json)) return `[${json.map(referenceText).join(",")}]`;
  if (typeof json === "object" && json !== null) {
    const entries = Object.entries(json as JsonObject).map(([name, content]) =>
      `${JSON.stringify(name)}:${referenceText(content)}`
    );
    return `{${entries.join(",")}}`;
  }
  return Object.is(json, -0) ? "-0" : JSON.stringify(json);
}

function decode(utf8: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(utf8);
}

function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
}
