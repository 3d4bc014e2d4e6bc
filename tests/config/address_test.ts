import { parseAddress } from "../../lib/config/address.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const GOOD: [text: string, host: string, port: number][] = [
  ["localhost:3025", "localhost", 3025],
  ["teleport.example.com:443", "teleport.example.com", 443],
  ["127.0.0.1:0", "127.0.0.1", 0],
  ["[::1]:65535", "::1", 65_535],
  ["[2001:db8::7]:443", "2001:db8::7", 443],
];

for (const [text, host, port] of GOOD) {
  Deno.test(`the address ${text} is understood`, () => {
    assertEquals(parseAddress(text), { host, port });
  });
}

const BAD: [text: string, problem: string][] = [
  ["localhost", "has no port: write host:port"],
  ["localhost:", "has no port: write host:port"],
  [":3025", "has no host: write host:port"],
  ["https://example.com", "is a URL: write host:port, without scheme and path"],
  [
    "::1:3025",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
  [
    "a:b",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
  [
    "a b:1",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
  ["localhost:65536", "has a port that is too large: 65535 is the last"],
  [
    "localhost:-1",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
];

for (const [text, problem] of BAD) {
  Deno.test(`the address ${text} is refused in words`, () => {
    const error = assertThrows(() => parseAddress(text), ConfigError);
    assertEquals(error.problems, [`${JSON.stringify(text)} ${problem}`]);
  });
}
