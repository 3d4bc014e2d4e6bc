import { isIP } from "node:net";
import { isIpAddress } from "../../lib/config/ip_address.ts";
import { assertEquals } from "../assert.ts";

const TEXTS = [
  ...["10.0.0.7", "0.0.0.0", "255.255.255.255", "127.1", "1", "1.2.3.4.5"],
  ...["256.0.0.1", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4.", "1.2.3", " 1.2.3.4"],
  ...["::", "::1", "2001:db8::7", "2001:DB8:0:0:0:0:0:7", "::ffff:10.0.0.7"],
  ...["1::2::3", ":::", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9"],
  ...["::ffff:256.0.0.1", "::1.2.3", "[::1]", "::1]:80/[", "::g", "::1 "],
  ...["", ".", ":", "fluentd", "a.b.c.d", "fluentd.example.com", "cafe"],
];

for (const text of TEXTS) {
  Deno.test(`${JSON.stringify(text)} is an IP address where Node says so`, () => {
    assertEquals(isIpAddress(text), isIP(text) !== 0);
  });
}
