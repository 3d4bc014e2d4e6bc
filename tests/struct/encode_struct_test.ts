import { assertEquals } from "../assert.ts";
import { encodeStruct, type Json } from "../../lib/struct/encode_struct.ts";
import { MAX_DEPTH } from "../../lib/struct/malformed_struct.ts";
import { structJson } from "../../lib/struct/struct_json.ts";
import { nested } from "./wire.ts";

Deno.test("an event that was set aside as JSON is sent again as it was", () => {
  const text = '{"a":null,"b":[true,{"ü":"\\u0001"}],"c":-0,"d":1e+21,"e":{}}';
  const event: Json = JSON.parse(text);
  const json = structJson(encodeStruct(event));
  assertEquals(new TextDecoder().decode(json), text);
});

Deno.test("an event that is nested as deeply as events may be is sent again as it was", () => {
  for (const kind of ["struct", "list"] as const) {
    const text = new TextDecoder().decode(structJson(nested(MAX_DEPTH, kind)))
      .replace("{}", '{"a":1}').replace("[]", "[1]");
    const json = structJson(encodeStruct(JSON.parse(text)));
    assertEquals(new TextDecoder().decode(json), text);
  }
});
