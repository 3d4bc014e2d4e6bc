import { noTeleport } from "../../lib/teleport/route_error.ts";
import { NoProxyError } from "../../lib/teleport/web_ping.ts";
import { assertEquals } from "../assert.ts";

const ADDRESS = { host: "tele.example.com", port: 3025 };
const BROKEN = {
  error: "Client network socket disconnected before secure TLS connection",
};
const OTHER = {
  shown: {
    names: ["example.com"],
    issuer: "a public CA",
    notBeforeMs: 0,
    notAfterMs: Infinity,
    isAuthority: false,
    isForServers: true,
    isVouchedFor: false,
    problem: "not for the name",
    protocol: "h2",
  },
};

Deno.test("what answers and is no Teleport is no reason to wait", () => {
  const cause = new NoProxyError("status 404", false);
  const { permanent } = noTeleport(ADDRESS, OTHER, cause);
  assertEquals(permanent, true);
});

Deno.test("a server that drops the connection may be restarting, whatever it says next", () => {
  for (const passing of [true, false]) {
    const cause = new NoProxyError("status 404", passing);
    const { permanent } = noTeleport(ADDRESS, BROKEN, cause);
    assertEquals(permanent, false);
  }
});
