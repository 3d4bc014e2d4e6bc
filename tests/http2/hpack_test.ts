import { Buffer } from "node:buffer";
import { Http2Error } from "../../lib/http2/errors.ts";
import {
  decodeHeaders,
  encodeHeaders,
  type Header,
} from "../../lib/http2/hpack.ts";
import { assertEquals, assertThrows } from "../assert.ts";

/** RFC 7541, appendix C: those that need no table that grows. */
const OF_THE_STANDARD: readonly {
  readonly place: string;
  readonly hex: string;
  readonly headers: readonly Header[];
}[] = [
  {
    place: "C.2.1, a literal with indexing",
    hex: "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
    headers: [["custom-key", "custom-header"]],
  },
  {
    place: "C.2.2, a literal without indexing",
    hex: "040c2f73616d706c652f70617468",
    headers: [[":path", "/sample/path"]],
  },
  {
    place: "C.2.3, a literal never indexed",
    hex: "100870617373776f726406736563726574",
    headers: [["password", "secret"]],
  },
  {
    place: "C.2.4, an indexed header",
    hex: "82",
    headers: [[":method", "GET"]],
  },
  {
    place: "C.4.1, a request in the Huffman code",
    hex: "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    headers: [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
    ],
  },
  {
    place: "C.6.1, an answer in the Huffman code",
    hex:
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
    headers: [
      [":status", "302"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ],
  },
];

for (const { place, hex, headers } of OF_THE_STANDARD) {
  Deno.test(`headers are decoded as RFC 7541 has it: ${place}`, () => {
    assertEquals(decodeHeaders(Buffer.from(hex, "hex")), [...headers]);
  });
}

Deno.test("headers come back as they were encoded, short and long, of all bytes", () => {
  const allBytes = String.fromCharCode(...Array(256).keys());
  for (const length of [0, 1, 126, 127, 128, 254, 255, 20_000]) {
    const headers: Header[] = [
      [":path", "x".repeat(length)],
      ["k".repeat(Math.max(1, length)), allBytes],
    ];
    assertEquals(decodeHeaders(encodeHeaders(headers)), headers);
  }
});

Deno.test("a table of no bytes is what was agreed on", () => {
  assertEquals(decodeHeaders(Buffer.from("2082", "hex")), [[":method", "GET"]]);
});

Deno.test("headers that are cut are refused, wherever that is", () => {
  const block = Buffer.from(OF_THE_STANDARD.at(-1)?.hex ?? "", "hex");
  const whole = new Set<string>();
  for (let end = 1; end < block.length; end++) {
    try {
      whole.add(String(decodeHeaders(block.subarray(0, end)).length));
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
    }
  }
  // Only between two headers there is nothing to notice.
  assertEquals([...whole], ["1", "2", "3"]);
});

const REFUSED: readonly { readonly what: string; readonly hex: string }[] = [
  { what: "an index of 0", hex: "80" },
  { what: "an index beyond the static table", hex: "be" },
  { what: "a name beyond the static table", hex: "7e0161" },
  { what: "a table of more than no bytes", hex: "3f01" },
  { what: "a number without end", hex: "ffffffffffff" },
  { what: "a length beyond the end", hex: "0005616263" },
  { what: "padding of zeroes", hex: "0081008161" },
  { what: "padding of a whole byte", hex: "008218ff8161" },
  { what: "the end of the string within it", hex: "0084ffffffff8161" },
];

for (const { what, hex } of REFUSED) {
  Deno.test(`headers with ${what} are refused`, () => {
    assertThrows(() => decodeHeaders(Buffer.from(hex, "hex")), Http2Error);
  });
}
