import { createServer } from "node:net";
import type { CertificateOptions } from "../../lib/configure/certificates.ts";
import type { Address } from "../../lib/address.ts";
import { describe } from "../../lib/errors.ts";
import type { HttpProxy } from "../../lib/http_proxy.ts";
import type { Identity } from "../../lib/teleport/identity.ts";
import { resolveRoute, type Route } from "../../lib/teleport/route.ts";
import {
  RouteError,
  type RouteProblem,
} from "../../lib/teleport/route_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { startConnectProxy } from "../fakes/connect_proxy.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { listening } from "../fakes/listening.ts";
import { CLUSTER_NAME } from "../fakes/log_event.ts";
import { never } from "../fakes/never.ts";
import {
  EXPIRED,
  issueClient,
  issueServer,
  NOT_YET_VALID,
  strangerPki,
  teleportPki,
  VALID,
  webPki,
} from "../fakes/pki.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { identityOf } from "./identity_of.ts";

const AUTH_PROTOCOL = `teleport-auth@${
  new TextEncoder().encode(CLUSTER_NAME).toHex()
}.teleport.cluster.local`;

Deno.test("an auth service is reached directly, and nobody else asked", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  const route = await resolve(teleport);
  assertEquals(route, {
    kind: "auth service",
    address: { host: teleport.host, port: teleport.port },
    httpProxy: undefined,
    protocols: ["h2"],
    shown: {
      names: ["teleport.cluster.local", "*.teleport.cluster.local"],
      issuer: CLUSTER_NAME,
      notBeforeMs: VALID.notBefore.getTime(),
      notAfterMs: VALID.notAfter.getTime(),
      hasDnsNames: true,
      isVersion3: true,
      isAuthority: false,
      isForServers: true,
      isVouchedFor: true,
      problem: undefined,
      protocol: "h2",
    },
  });
});

Deno.test("a proxy with TLS routing is asked for its cluster, and passes TLS on by that name", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport);
  const route = await resolve(proxy);
  assertStrictEquals(route.kind, "TLS routing");
  assertEquals(route.protocols, [AUTH_PROTOCOL, "h2"]);
  assertEquals(route.shown.names[0], "teleport.cluster.local");
  const [direct, ping, routed] = proxy.hellos;
  assertEquals(direct, {
    serverName: "teleport.cluster.local",
    protocols: ["h2"],
  });
  assertStrictEquals(ping?.serverName, "localhost");
  assertEquals(routed, {
    serverName: "teleport.cluster.local",
    protocols: [AUTH_PROTOCOL, "h2"],
  });
});

Deno.test("a proxy without TLS routing is told as such, with what to do", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport, {
    mode: "separate ports",
  });
  const error = await assertFails(proxy, "no TLS routing");
  assertStrictEquals(
    error.message,
    `Teleport at ${proxy.address}: this proxy does no TLS routing, so that only an SSH tunnel leads ` +
      "through it, which is not supported: turn on proxy_listener_mode: multiplex in the cluster's " +
      "auth_service, or name the auth service itself in teleport-addr (port 3025 by default)",
  );
});

Deno.test("a load balancer that ends TLS is told as such, with what to do", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport, {
    mode: "behind a load balancer",
  });
  const error = await assertFails(proxy, "load balancer");
  assertStrictEquals(
    error.message,
    `Teleport at ${proxy.address}: something before this proxy ends TLS, such as an application load balancer ` +
      "(it shows a certificate for proxy.example.com, localhost, signed by Web CA: " +
      "ERR_TLS_CERT_ALTNAME_INVALID; protocol h2), and Teleport's connection upgrade through those is not " +
      "supported: let it pass TLS through (a network load balancer), or name the auth service itself in " +
      "teleport-addr (port 3025 by default)",
  );
});

Deno.test("a proxy that is away for a while is waited for", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport, { mode: "away" });
  const error = await assertFails(proxy, "unreachable");
  assertStringIncludes(error.message, "/webapi/ping answers with status 503");
  assert(!error.permanent);
  proxy.mode = "TLS routing";
  assertStrictEquals((await resolve(proxy)).kind, "TLS routing");
});

for (const status of [408, 425, 429, 500, 504]) {
  Deno.test(`a proxy that answers ${status} is asked again later`, async () => {
    const { certificatePem: cert, privateKeyPem: key } =
      (await webPki()).server;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
      () => new Response("not now", { status }),
    );
    const address = { host: "localhost", port: server.addr.port };
    const error = await assertFails(address, "unreachable");
    assertStringIncludes(error.message, `answers with status ${status}`);
  });
}

Deno.test("a proxy whose web certificate nobody trusts is told with the ways to trust it", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport);
  const error = await assertFails(proxy, "no Teleport", {
    identity: await identityOf(),
  });
  assertStringIncludes(
    error.message,
    `the certificate of https://${proxy.address}/webapi/ping is not signed by a CA that we trust: ` +
      "have the system trust it, or name the CA's file in the environment variable DENO_CERT",
  );
});

Deno.test("a proxy whose web certificate is for another name is told as such", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport);
  const error = await assertFails(
    { host: "127.0.0.1", port: proxy.port },
    "no Teleport",
  );
  assertStringIncludes(
    error.message,
    "is for another name: use that name in teleport-addr",
  );
});

Deno.test("a proxy whose web certificate is no good is told what is wrong with it, once and in the same words each time", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  const pki = await webPki();
  for (
    const [server, says] of [
      [
        await issueServer(pki, "localhost", { validity: EXPIRED }),
        "has expired: renew it (invalid peer certificate: certificate expired: not valid after 2021-01-01T00:00:00.000Z)",
      ],
      [
        await issueServer(pki, "localhost", { validity: NOT_YET_VALID }),
        "is not valid yet: are the clocks right? (invalid peer certificate: certificate not valid yet: not valid before 2049-01-01T00:00:00.000Z)",
      ],
      [pki.authority, "is that of a CA: give the proxy one of its own"],
    ] as const
  ) {
    await using proxy = await startTeleportProxy(teleport, {
      pki: { ...pki, server },
    });
    const error = await assertFails(proxy, "no Teleport");
    assertStringIncludes(
      describe(error),
      `the certificate of https://${proxy.address}/webapi/ping ${says}`,
    );
    assertEquals(describe(error).split("invalid peer certificate").length, 2);
  }
});

Deno.test("a web server whose answer never ends is no proxy, and is not read on and on", async () => {
  const { certificatePem: cert, privateKeyPem: key } = (await webPki()).server;
  const kilobyte = new TextEncoder().encode(" ".repeat(1_024));
  const gone = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(kilobyte),
          cancel: () => gone.resolve(),
        }),
      ),
  );
  const { port } = server.addr;
  const error = await assertFails({ host: "localhost", port }, "no Teleport");
  assertStringIncludes(error.message, "/webapi/ping answers with something");
  await gone.promise;
});

Deno.test("an auth service that the credentials do not vouch for is told by who signed what", async (test) => {
  const pki = await teleportPki();
  const stranger = await strangerPki();
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport);
  const identity = await identityOf(
    { ...pki, authority: stranger.authority },
    [await webPki()],
  );
  for (
    const [name, address] of [["directly", teleport], [
      "routed",
      proxy,
    ]] as const
  ) {
    await test.step(name, async () => {
      const error = await assertFails(address, "untrusted", { identity });
      assertStringIncludes(
        error.message,
        "its certificate is not signed by a CA of our credentials: are those in /etc/identity of this cluster, " +
          "and newer than its last CA rotation? (it shows a certificate for teleport.cluster.local, " +
          "*.teleport.cluster.local, signed by tele.example.com: ",
      );
    });
  }
});

const BAD_CERTIFICATES: [
  what: string,
  changes: Partial<CertificateOptions>,
  says: string,
][] = [
  [
    "expired",
    { validity: EXPIRED },
    "its certificate expired on 2021-01-01T00:00:00.000Z: renew it",
  ],
  [
    "is not valid yet",
    { validity: NOT_YET_VALID },
    "its certificate is not valid before 2049-01-01T00:00:00.000Z: are the clocks right?",
  ],
  [
    "is for clients",
    { usages: ["client"] },
    "its certificate is not meant for servers: issue one for server authentication",
  ],
];

for (const [what, changes, says] of BAD_CERTIFICATES) {
  Deno.test(`an auth service whose certificate ${what} is told by that, and not by who signed it`, async () => {
    const pki = await teleportPki();
    const server = await issueServer(pki, "teleport.cluster.local", changes);
    await using teleport = await startTeleport({
      log: new AuditLog(),
      tls: teleportTls({ ...pki, server }),
    });
    const error = await assertFails(teleport, "bad certificate");
    assertStringIncludes(error.message, `: ${says} (it shows a certificate`);
  });
}

Deno.test("a port on which nobody listens is told as such", async () => {
  const error = await assertFails(
    { host: "127.0.0.1", port: findFreePort() },
    "unreachable",
  );
  assertStringIncludes(
    error.message,
    "connection refused: is it running, and is the port right?",
  );
});

Deno.test("a name that nobody knows is told as such", async () => {
  const error = await assertFails(
    { host: "auth.invalid", port: 3025 },
    "unreachable",
  );
  assertStringIncludes(error.message, "the host name cannot be resolved");
});

Deno.test("a port on which something else listens is told as such", async () => {
  await using server = await listening(createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end("SSH-2.0-Teleport\r\n");
  }));
  const error = await assertFails(server, "no Teleport");
  assertStringIncludes(error.message, "it does not speak TLS");
});

const EXPIRED_TEXT =
  "the certificate in /etc/identity expired on 2021-01-01T00:00:00.000Z: renew it (";

/** Drops each connection with the first that is said on it. */
function startDropping() {
  return listening(createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.destroy());
  }));
}

Deno.test("an expired certificate of ours is told where a server drops the handshake", async () => {
  await using server = await startDropping();
  const error = await assertFails(server, "unreachable", {
    identity: await expiredIdentity(),
  });
  assertStringIncludes(
    error.message,
    `:${server.port}: ${EXPIRED_TEXT}it is no auth service of our cluster (`,
  );
});

Deno.test("a load balancer with no server behind it, which drops connections, is thought of", async () => {
  // As HAProxy does in TCP mode, and others that pass connections on.
  await using server = await startDropping();
  const error = await assertFails(server, "unreachable");
  assertStringIncludes(
    error.message,
    "; if a load balancer listens there: is a server behind it running?",
  );
});

Deno.test("an expired certificate of ours is told where a proxy's connection to the auth service is dropped", async () => {
  const teleport = await startTeleport({ log: new AuditLog() });
  await using proxy = await startTeleportProxy(teleport);
  await teleport.stop();
  const error = await assertFails(proxy, "unreachable", {
    identity: await expiredIdentity(),
  });
  assertStringIncludes(
    error.message,
    `${proxy.address}: ${EXPIRED_TEXT}this proxy passes TLS on to nobody`,
  );
});

Deno.test("stop ends the search at once, with its own reason", async () => {
  let connections = 0;
  await using silent = await listening(createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.resume();
  }));
  const stop = new AbortController();
  const search = resolveRoute(silent, {
    identity: await identityOf(),
    httpProxy: undefined,
    signal: stop.signal,
  });
  await waitUntil("the connection", () => connections === 1);
  stop.abort(new Error("stopped"));
  assertStrictEquals(await search.catch((error) => error), stop.signal.reason);
});

Deno.test("an HTTP proxy connects us to hosts that only it knows", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  await using connect = await startConnectProxy({
    hosts: { "auth.example.com:3025": teleport.port },
    login: "user:p@ss",
  });
  const httpProxy = { address: connect, credentials: "user:p@ss" };
  const address = { host: "auth.example.com", port: 3025 };
  const route = await resolve(address, { httpProxy });
  assertStrictEquals(route.kind, "auth service");
  assertEquals(connect.asked, ["auth.example.com:3025"]);
});

Deno.test("an HTTP proxy that does not connect us is told as the one to blame", async (test) => {
  await using connect = await startConnectProxy({ hosts: {}, login: "a:b" });
  const unused = findFreePort();
  for (
    const { name, httpProxy, says } of [
      {
        name: "wrong password",
        httpProxy: { address: connect, credentials: "a:c" },
        says:
          `the HTTP proxy 127.0.0.1:${connect.port}: it wants a user and a password: ` +
          "https_proxy=http://user:password@host:port (407)",
      },
      {
        name: "unknown host",
        httpProxy: { address: connect, credentials: "a:b" },
        says:
          `the HTTP proxy 127.0.0.1:${connect.port}: it does not connect to auth.example.com:3025 (403)`,
      },
      {
        name: "nobody listens",
        httpProxy: {
          address: { host: "127.0.0.1", port: unused },
          credentials: undefined,
        },
        says: `: not reachable (the HTTP proxy 127.0.0.1:${unused}: ` +
          "connection refused: is it running, and is its port right in HTTPS_PROXY or ALL_PROXY?",
      },
    ]
  ) {
    await test.step(name, async () => {
      const address = { host: "auth.example.com", port: 3025 };
      const error = await assertFails(address, "unreachable", { httpProxy });
      assertStringIncludes(error.message, says);
    });
  }
});

Deno.test("an HTTP proxy that answers a wrong password as a web server would is told to want another one", async () => {
  await using connect = await startConnectProxy({
    hosts: {},
    login: "a:b",
    loginStatus: 401,
  });
  const error = await assertFails(
    { host: "auth.example.com", port: 3025 },
    "unreachable",
    { httpProxy: { address: connect, credentials: "a:c" } },
  );
  assertStringIncludes(error.message, "it wants a user and a password: ");
  assertStringIncludes(error.message, "(401)");
});

interface Options {
  readonly identity?: Identity;
  readonly httpProxy?: HttpProxy;
}

/** The identity of the cluster's client, who was not renewed in time. */
async function expiredIdentity(): Promise<Identity> {
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  return await identityOf({ ...pki, client }, [await webPki()]);
}

/** With the identity of the cluster's client, who trusts the web certificate. */
async function resolve(
  { host, port }: Address,
  { identity, httpProxy }: Options = {},
): Promise<Route> {
  return await resolveRoute({ host, port }, {
    identity: identity ?? await identityOf(undefined, [await webPki()]),
    httpProxy,
    signal: never(),
  });
}

async function assertFails(
  address: Address,
  problem: RouteProblem,
  options: Options = {},
): Promise<RouteError> {
  const error = await assertRejects(
    () => resolve(address, options),
    RouteError,
  );
  assertStrictEquals(error.problem, problem, error.message);
  assertStrictEquals(error.permanent, problem !== "unreachable");
  return error;
}
