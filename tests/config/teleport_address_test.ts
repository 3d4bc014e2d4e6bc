import {
  parseTeleportAddress,
  TELEPORT_ADDRESSES,
} from "../../lib/config/teleport_address.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

const GOOD: [text: string, host: string, port: number][] = [
  ["localhost:3025", "localhost", 3025],
  ["teleport.example.com:443", "teleport.example.com", 443],
  ["127.0.0.1:0", "127.0.0.1", 0],
  ["[::1]:65535", "::1", 65_535],
  ["[2001:db8::7]:443", "2001:db8::7", 443],
  ["https://teleport.example.com", "teleport.example.com", 443],
  ["https://teleport.example.com/", "teleport.example.com", 443],
  ["https://teleport.example.com:3080/web/login", "teleport.example.com", 3080],
  ["HTTPS://tenant.teleport.sh/web", "tenant.teleport.sh", 443],
  ["https://[::1]", "::1", 443],
];

for (const [text, host, port] of GOOD) {
  Deno.test(`the Teleport address ${text} is understood`, () => {
    assertEquals(parseTeleportAddress(text), [{ host, port }]);
  });
}

Deno.test("a host alone is a proxy, or else an auth service", () => {
  for (
    const [text, host] of [
      ["example.com", "example.com"],
      ["tenant.teleport.sh", "tenant.teleport.sh"],
      ["[2001:db8::7]", "2001:db8::7"],
    ] as const
  ) {
    assertEquals(parseTeleportAddress(text), [
      { host, port: 443 },
      { host, port: 3025, alternative: true },
    ]);
  }
});

const WEB =
  "is not a proxy's web address: write https://host, https://host:port, or host:port";
const BAD: [text: string, problem: string][] = [
  ["localhost:", "has no port: write host:port"],
  [":3025", "has no host: write host:port"],
  [
    "::1:3025",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
  [
    "example.com/web",
    "is not an address: write host:port, an IPv6 address in brackets",
  ],
  ["localhost:65536", "has a port that is too large: 65535 is the last"],
  ["http://example.com", WEB],
  ["https://", WEB],
  ["https://user@example.com", WEB],
  ["https://example.com/teleport", WEB],
  ["https://example.com/?next=/web", WEB],
];

for (const [text, problem] of BAD) {
  Deno.test(`the Teleport address ${text} is refused in words`, () => {
    const error = assertThrows(() => parseTeleportAddress(text), ConfigError);
    assertEquals(error.problems, [`${JSON.stringify(text)} ${problem}`]);
  });
}

Deno.test("several addresses keep their order, and none is refused", () => {
  assertEquals(TELEPORT_ADDRESSES.parse(["b:2, a:1,c", "[::1]:3"], NO_FILES), [
    { host: "b", port: 2 },
    { host: "a", port: 1 },
    { host: "c", port: 443 },
    { host: "c", port: 3025, alternative: true },
    { host: "::1", port: 3 },
  ]);
  assertThrows(
    () => TELEPORT_ADDRESSES.parse([""], NO_FILES),
    ConfigError,
    "needs a value",
  );
});
