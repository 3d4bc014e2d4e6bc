import { fromBinary } from "@bufbuild/protobuf";
import { issueCertificate } from "../../lib/configure/certificates.ts";
import type { Address } from "../../lib/address.ts";
import { Channel } from "../../lib/teleport/channel.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import type { Identity } from "../../lib/teleport/identity.ts";
import {
  PingRequestSchema,
  PingResponseSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import type { Route } from "../../lib/teleport/route.ts";
import {
  assert,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { startConnectProxy } from "../fakes/connect_proxy.ts";
import { CLUSTER_NAME } from "../fakes/log_event.ts";
import { strangerPki, teleportPki, VALID } from "../fakes/pki.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { identityOf } from "./identity_of.ts";
import { reconnectionTimers } from "./reconnection_timers.ts";

Deno.test("a channel speaks with an auth service", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  const channel = new Channel(routeTo(teleport), await identityOf());
  assert(!channel.connected);
  assertStrictEquals((await ping(channel)).clusterName, CLUSTER_NAME);
  assert(channel.connected);
  channel.close();
});

Deno.test("a channel speaks with nobody else, whatever was there when its route was found", async (test) => {
  const pki = await teleportPki();
  const unnamed = await issueCertificate(pki.authority, {
    commonName: "localhost",
    keyType: "ecdsa-p256",
    validity: VALID,
    usages: ["server"],
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
  });
  const identity = await identityOf();
  for (
    const [name, impostor] of [
      ["another authority's", {
        ...await strangerPki(),
        authority: pki.authority,
      }],
      ["another name's", { ...pki, server: unnamed }],
    ] as const
  ) {
    await test.step({
      name,
      // gRPC's timers for another connection outlive it by a little.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => assertRefused(impostor, identity),
    });
  }
  await reconnectionTimers();
});

Deno.test("a channel leads through an HTTP proxy, by name and by address", async () => {
  await using teleport = await startTeleport({ log: new AuditLog() });
  for (
    const [host, target] of [
      ["auth.example.com", "auth.example.com:3025"],
      ["2001:db8::1", "[2001:db8::1]:3025"],
    ] as const
  ) {
    await using connect = await startConnectProxy({
      hosts: { [target]: teleport.port },
      login: "user:p@ss",
    });
    const httpProxy = { address: connect, credentials: "user:p@ss" };
    const route = { ...routeTo(teleport), httpProxy };
    const channel = new Channel(
      { ...route, address: { host, port: 3025 } },
      await identityOf(),
    );
    assertStrictEquals((await ping(channel)).clusterName, CLUSTER_NAME);
    channel.close();
  }
});

Deno.test("an HTTP proxy that leads nowhere any more is blamed", async (test) => {
  await using connect = await startConnectProxy({ hosts: {} });
  const httpProxy = { address: connect, credentials: undefined };
  const address = { host: "auth.example.com", port: 3025 };
  await test.step({
    name: "while gRPC tries",
    // Its timers for another connection outlive it by a little.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const channel = new Channel(
        { ...routeTo(connect), address, httpProxy },
        await identityOf(),
      );
      const error = await assertRejects(() => ping(channel), TeleportError);
      assertStringIncludes(
        error.message,
        `the HTTP proxy 127.0.0.1:${connect.port}: it does not connect to auth.example.com:3025 (403)`,
      );
      channel.close();
    },
  });
  await reconnectionTimers();
});

async function assertRefused(
  impostor: Parameters<typeof teleportTls>[0],
  identity: Identity,
): Promise<void> {
  await using teleport = await startTeleport({
    log: new AuditLog(),
    tls: teleportTls(impostor),
  });
  const channel = new Channel(routeTo(teleport), identity);
  const error = await assertRejects(() => ping(channel), TeleportError);
  assert(error.permanent, error.message);
  assertStrictEquals(teleport.requests.Ping.length, 0);
  channel.close();
}

function ping(channel: Channel) {
  return channel.unary({
    path: "/proto.AuthService/Ping",
    requestSchema: PingRequestSchema,
    request: {},
    decode: (bytes) => fromBinary(PingResponseSchema, bytes),
  }, { signal: new AbortController().signal });
}

/** As if it had been found to be an auth service. */
function routeTo({ host, port }: Address): Route {
  return {
    kind: "auth service",
    address: { host, port },
    httpProxy: undefined,
    protocols: ["h2"],
    shown: {
      names: ["teleport.cluster.local"],
      issuer: CLUSTER_NAME,
      notBeforeMs: VALID.notBefore.getTime(),
      notAfterMs: VALID.notAfter.getTime(),
      isAuthority: false,
      isForServers: true,
      isVouchedFor: true,
      problem: undefined,
      protocol: "h2",
    },
  };
}
