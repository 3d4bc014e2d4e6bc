import { DNS_NAMES, IP_ADDRESSES } from "../../lib/config/subject_names.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

Deno.test("host names may have a star as their first label, digits and dashes", () => {
  const names = [
    "localhost",
    "*.example.com",
    "a-1.b_2.example",
    "1.example",
    "A.example",
  ];
  assertEquals(DNS_NAMES.parse([names.join(",")], NO_FILES), names);
});

for (
  const name of [
    "*",
    "a.*",
    "-a",
    "a-",
    "a..b",
    "a b",
    "ä.example",
    "a:1",
    "a".repeat(64),
    "a.-b",
    "a-.b",
    "10.0.0.256",
    "999.1.1.1",
    "1.2.3",
    "0x7f000001",
    "*.1",
    "a.".repeat(127) + "a",
  ]
) {
  Deno.test(`"${name}" is not a host name`, () => {
    assertThrows(
      () => DNS_NAMES.parse([name], NO_FILES),
      ConfigError,
      `"${name}" is not a host name`,
    );
  });
}

Deno.test("a host name has up to 63 characters in a label, and 253 in all", () => {
  const label = "a".repeat(63);
  const names = [label, [label, label, label, "a".repeat(61)].join(".")];
  assertEquals(names[1]?.length, 253);
  assertEquals(DNS_NAMES.parse(names, NO_FILES), names);
});

Deno.test("a host name that is an address belongs elsewhere", () => {
  assertThrows(
    () => DNS_NAMES.parse(["::1"], NO_FILES),
    ConfigError,
    '"::1" is an IP address: give it with ip',
  );
});

Deno.test("IP addresses are of either version, and nothing else", () => {
  const addresses = ["10.0.0.7", "::1", "2001:db8::7"];
  assertEquals(IP_ADDRESSES.parse([addresses.join(",")], NO_FILES), addresses);
  for (
    const text of ["10.0.0", "10.0.0.256", "localhost", "[::1]", "10.0.0.0/8"]
  ) {
    assertThrows(
      () => IP_ADDRESSES.parse([text], NO_FILES),
      ConfigError,
      "is not an IP address",
    );
  }
});

Deno.test("an IPv6 address is written without IPv4 in it", () => {
  assertEquals(
    IP_ADDRESSES.parse(["::ffff:1.2.3.4,::1.2.3.4,2001:DB8:0:0::7"], NO_FILES),
    ["::ffff:102:304", "::102:304", "2001:db8::7"],
  );
});
