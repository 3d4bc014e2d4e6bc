import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { fromBinary } from "@bufbuild/protobuf";
import type { Address } from "../../lib/address.ts";
import {
  Flag,
  frame,
  FrameType,
  settingsFrame,
} from "../../lib/http2/frames.ts";
import { encodeHeaders } from "../../lib/http2/hpack.ts";
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
import { issueServer, strangerPki, teleportPki, VALID } from "../fakes/pki.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { ScriptedPeer } from "../http2/peers.ts";
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
  const unnamed = await issueServer(pki, "localhost", {
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

Deno.test("an HTTP proxy that leads nowhere any more, or is gone, is blamed", async (test) => {
  await using connect = await startConnectProxy({ hosts: {} });
  const gone = { host: "127.0.0.1", port: findFreePort() };
  for (
    const { proxy, says } of [
      {
        proxy: connect,
        says:
          `the HTTP proxy 127.0.0.1:${connect.port}: it does not connect to auth.example.com:3025 (403)`,
      },
      {
        proxy: gone,
        says:
          `Ping: not reachable (the HTTP proxy 127.0.0.1:${gone.port}: No connection established`,
      },
    ]
  ) {
    await test.step({
      name: says,
      // gRPC's timers for another connection outlive it by a little.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const httpProxy = { address: proxy, credentials: undefined };
        const address = { host: "auth.example.com", port: 3025 };
        const channel = new Channel(
          { ...routeTo(connect), address, httpProxy },
          await identityOf(),
        );
        const error = await assertRejects(() => ping(channel), TeleportError);
        assertStringIncludes(error.message, says);
        channel.close();
      },
    });
  }
  await reconnectionTimers();
});

Deno.test("a server that says nothing is connected for ten seconds at most", async (test) => {
  const tls = await tlsServer();
  for (
    const { what, server, event } of [
      { what: "from the first", server: createServer(), event: "connection" },
      { what: "once TLS is spoken", server: tls, event: "secureConnection" },
    ]
  ) {
    await test.step({
      name: what,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        using _ = skipTenSeconds();
        let open = 0;
        server.on(event, (socket: Socket) => {
          open++;
          socket.on("error", () => {}).on("close", () => open--).resume();
        });
        const channel = new Channel(await listen(server), await identityOf());
        const error = await assertRejects(() => ping(channel), TeleportError);
        assertStringIncludes(error.message, "within 10 s");
        channel.close();
        await waitUntil("the connection to end", () => open === 0);
        server.close();
      },
    });
  }
  await reconnectionTimers();
});

Deno.test("a channel that is closed after its connection failed connects no more", async () => {
  const port = findFreePort();
  const route = routeTo({ host: "127.0.0.1", port });
  const channel = new Channel(route, await identityOf());
  await assertRejects(() => ping(channel), TeleportError);
  channel.close();
  await using teleport = await startTeleport({ log: new AuditLog(), port });
  await reconnectionTimers();
  assertEquals(teleport.connections, 0);
});

Deno.test("gRPC writes nothing beside the log, whatever a server says", async () => {
  const server = await tlsServer();
  server.on("secureConnection", async (socket: TLSSocket) => {
    const peer = new ScriptedPeer(socket);
    peer.send(settingsFrame(new Map()));
    const { streamId } = await peer.received(FrameType.HEADERS);
    const answer = encodeHeaders([
      [":status", "200"],
      ["grpc-status", "5"],
      ["grpc-message", "\x1b[2J"],
    ]);
    const flags = Flag.END_HEADERS | Flag.END_STREAM;
    peer.send(frame({ type: FrameType.HEADERS, flags, streamId }, answer));
  });
  const channel = new Channel(await listen(server), await identityOf());
  using written = spyOnConsole();
  const error = await assertRejects(() => ping(channel), TeleportError);
  assertStrictEquals(error.status, "NOT_FOUND");
  assertEquals(written.lines, []);
  channel.close();
  server.close();
  await once(server, "close");
});

/** One that speaks HTTP/2 if the test does. */
async function tlsServer() {
  const { server: { certificatePem, privateKeyPem } } = await teleportPki();
  return createTlsServer({
    cert: certificatePem,
    key: privateKeyPem,
    ALPNProtocols: ["h2"],
  });
}

/** Has it listen, and leads there. */
async function listen(server: Server): Promise<Route> {
  return routeTo(await listening(server));
}

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
  }, { signal: never() });
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
      hasDnsNames: true,
      isVersion3: true,
      isAuthority: false,
      isForServers: true,
      isVouchedFor: true,
      problem: undefined,
      protocol: "h2",
    },
  };
}

/** Keeps what is written to the console. */
function spyOnConsole(): Disposable & { readonly lines: unknown[][] } {
  const { error } = console;
  const lines: unknown[][] = [];
  // deno-lint-ignore no-console
  const put = (write: typeof error) => console.error = write;
  put((...line) => lines.push(line));
  return { lines, [Symbol.dispose]: () => put(error) };
}

/** As if ten seconds were over as soon as they begin, for everything but gRPC itself. */
function skipTenSeconds(): Disposable {
  const { setTimeout } = globalThis;
  globalThis.setTimeout =
    ((fire: () => void, ms: number) =>
      setTimeout(fire, ms === 10_000 ? 200 : ms)) as typeof setTimeout;
  return { [Symbol.dispose]: () => globalThis.setTimeout = setTimeout };
}
