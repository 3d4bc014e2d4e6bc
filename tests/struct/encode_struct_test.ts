import { assertEquals } from "../assert.ts";
import { encodeStruct, type Json } from "../../lib/struct/encode_struct.ts";
import { structJson } from "../../lib/struct/struct_json.ts";

Deno.test("an event that was set aside as JSON is sent again as it was", () => {
  const text = '{"a":null,"b":[true,{"ü":"\\u0001"}],"c":-0,"d":1e+21,"e":{}}';
  const event: Json = JSON.parse(text);
  const json = structJson(encodeStruct(event));
  assertEquals(new TextDecoder().decode(json), text);
});
