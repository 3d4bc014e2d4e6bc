import { eventKey } from "../../lib/teleport/event_key.ts";
import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStrictEquals,
} from "../assert.ts";
import type { Json, JsonObject } from "../fakes/json.ts";
import { sampleEvent } from "./sample_event.ts";

Deno.test("an event's key is its id, whatever it says", () => {
  const event = sampleEvent({ id: "3f1c", payload: { a: 1 } });
  assertStrictEquals(eventKey(event), "3f1c");
});

Deno.test("an event without an id is told by what it says", () => {
  const key = keyOf({ event: "exec", pid: 1 });
  assertMatch(key, /^sha256:[0-9a-f]{64}$/);
  assertStrictEquals(keyOf({ event: "exec", pid: 1 }), key);
});

Deno.test("the order of keys does not matter, at any depth", () => {
  assertStrictEquals(
    keyOf({ a: 1, b: { c: [{ d: 1, e: null }], f: "x" } }),
    keyOf({ b: { f: "x", c: [{ e: null, d: 1 }] }, a: 1 }),
  );
  let one: Json = { a: 1, b: 2 };
  let other: Json = { b: 2, a: 1 };
  for (let level = 0; level < 900; level++) {
    one = { one };
    other = { one: other };
  }
  assertStrictEquals(keyOf({ one }), keyOf({ one: other }));
});

Deno.test("payloads that differ in anything but the order of keys have different keys", () => {
  const objects: JsonObject[] = [
    {},
    { a: null },
    { a: false },
    { a: 0 },
    { a: "" },
    { a: "0" },
    { a: [] },
    { a: {} },
    { b: null },
    { a: [1, 2] },
    { a: [2, 1] },
    { a: [[1], 2] },
    { a: { b: 1 } },
    { "a.b": 1 },
    Object.fromEntries([["__proto__", 1]]),
    Object.fromEntries([["__proto__", 2]]),
  ];
  const keys = new Set(objects.map(keyOf));
  assertEquals(keys.size, objects.length);
});

Deno.test("a payload that is no Struct is told by its bytes", () => {
  const key = (...bytes: number[]) =>
    eventKey(sampleEvent({ payload: Uint8Array.from(bytes) }));
  assertStrictEquals(key(0xff, 1), key(0xff, 1));
  assertNotEquals(key(0xff, 1), key(0xff, 2));
});

function keyOf(payload: JsonObject): string {
  return eventKey(sampleEvent({ payload }));
}
