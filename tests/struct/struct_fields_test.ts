import { readLogin, readSessionId } from "../../lib/struct/struct_fields.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import type { Json } from "../fakes/json.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";
import { bytes, struct } from "./wire.ts";

Deno.test("a session.upload names its recording", () => {
  const payload = encodeStruct({ event: "session.upload", sid: "3f1c" });
  assertStrictEquals(readSessionId(payload), "3f1c");
});

Deno.test("a session.upload without a usable sid names none", () => {
  for (const fields of [{}, { sid: "" }, { sid: 7 }, { sid: null }]) {
    assertStrictEquals(readSessionId(encodeStruct(fields)), undefined);
  }
});

Deno.test("the sid is found beside deep nesting and invalid UTF-8", () => {
  let deep: Json = {};
  for (let level = 0; level < 400; level++) deep = { deep: [deep] };
  const invalid = struct.entry(
    struct.key("text"),
    struct.value(struct.string(Uint8Array.of(0xff))),
  );
  const payload = bytes(invalid, encodeStruct({ deep, sid: "3f1c" }));
  assertStrictEquals(readSessionId(payload), "3f1c");
});

Deno.test("a user.login says who tried, and whether it worked", () => {
  assertEquals(
    readLogin(encodeStruct({ user: "alice", login: "root", success: false })),
    { user: "alice", login: "root", success: false },
  );
  assertEquals(
    readLogin(encodeStruct({ user: "alice", success: true })),
    { user: "alice", login: "", success: true },
  );
});

Deno.test("a user.login without a user or an outcome says nothing", () => {
  for (
    const fields of [
      { user: "alice" },
      { success: false },
      { user: 1, success: false },
      { user: "alice", success: "false" },
    ]
  ) assertStrictEquals(readLogin(encodeStruct(fields)), undefined);
});

Deno.test("a payload that is no Struct has no fields", () => {
  const payload = Uint8Array.of(0x0a, 0xff);
  assertStrictEquals(readSessionId(payload), undefined);
  assertStrictEquals(readLogin(payload), undefined);
});
