import { fitting } from "../../lib/pipeline/fitting.ts";
import { wholePayload } from "../../lib/event.ts";
import { assertEquals } from "../assert.ts";

const TEN = [30, 30, 30, 200, 10, 10, 10, 10, 10, 10]
  .map((size) => wholePayload(new Uint8Array(size)));

Deno.test("a request takes the leading events up to either limit", () => {
  assertEquals(fitting(TEN, { maxEvents: 2, maxBytes: 1_000 }), {
    count: 2,
    bytes: 60,
  });
  assertEquals(fitting(TEN, { maxEvents: 9, maxBytes: 90 }), {
    count: 3,
    bytes: 90,
  });
  assertEquals(fitting(TEN, { maxEvents: 99, maxBytes: Infinity }), {
    count: 10,
    bytes: 350,
  });
});

Deno.test("an event that exceeds the limit goes by itself, and of none there is none", () => {
  assertEquals(fitting(TEN.slice(3), { maxEvents: 9, maxBytes: 50 }), {
    count: 1,
    bytes: 200,
  });
  assertEquals(fitting([], { maxEvents: 9, maxBytes: 50 }), {
    count: 0,
    bytes: 0,
  });
});
