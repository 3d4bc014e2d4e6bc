import {
  explainLook,
  noTeleport,
  silent,
} from "../../lib/teleport/route_error.ts";
import { NoProxyError } from "../../lib/teleport/web_ping.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { EXPIRED, issueClient, teleportPki } from "../fakes/pki.ts";
import { identityOf } from "./identity_of.ts";

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
    hasDnsNames: true,
    isVersion3: true,
    isAuthority: false,
    isForServers: true,
    isVouchedFor: false,
    problem: "not for the name",
    protocol: "h2",
  },
};

Deno.test("what answers and is no Teleport is no reason to wait", async () => {
  const cause = new NoProxyError("status 404", false);
  const identity = await identityOf();
  const { permanent } = noTeleport(ADDRESS, OTHER, { cause, identity });
  assertEquals(permanent, true);
});

Deno.test("a server that drops the connection may be restarting, whatever it says next", async () => {
  const identity = await identityOf();
  for (const passing of [true, false]) {
    const cause = new NoProxyError("status 404", passing);
    const { permanent } = noTeleport(ADDRESS, BROKEN, { cause, identity });
    assertEquals(permanent, false);
  }
});

for (
  const alert of ["UnknownCA", "BadCertificate", "UnsupportedCertificate"]
) {
  Deno.test(`a server that breaks off the handshake with ${alert} is not asked whether it is a proxy`, async () => {
    const error = `received fatal alert: ${alert}`;
    const explained = explainLook(ADDRESS, { error }, await identityOf());
    assertStringIncludes(
      explained?.message ?? "",
      `it does not accept our client certificate: is it of this cluster, and still valid? (${error})`,
    );
  });
}

Deno.test("an expired certificate of ours is blamed for a server that says nothing, and a good one is not", async () => {
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const expired = silent(ADDRESS, 10_000, {
    identity: await identityOf({ ...pki, client }),
    httpProxy: undefined,
  });
  assertStringIncludes(
    expired.message,
    "the certificate in /etc/identity expired on 2021-01-01T00:00:00.000Z: renew it (no answer within 10 s",
  );
  assertEquals(expired.permanent, false);
  const good = silent(ADDRESS, 10_000, {
    identity: await identityOf(),
    httpProxy: undefined,
  });
  assertStringIncludes(good.message, "3025: no answer within 10 s");
});

Deno.test("where an HTTP proxy is in between, silence may be its own", async () => {
  const httpProxy = {
    address: { host: "proxy.corp", port: 3128 },
    credentials: "user:password",
  };
  const identity = await identityOf();
  const { message } = silent(ADDRESS, 10_000, { identity, httpProxy });
  assertStringIncludes(
    message,
    "Teleport at tele.example.com:3025: no answer through the HTTP proxy proxy.corp:3128 within 10 s",
  );
});

Deno.test("another server's answer is not blamed on an expired certificate of ours", async () => {
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const identity = await identityOf({ ...pki, client });
  const cause = new NoProxyError("status 404", false);
  const { message } = noTeleport(ADDRESS, OTHER, { cause, identity });
  assertEquals(message.includes("expired"), false, message);
});
