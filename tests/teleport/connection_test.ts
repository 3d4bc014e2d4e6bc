import { X509Certificate } from "node:crypto";
import { ConfigError, isUnreachable } from "../../lib/errors.ts";
import { TeleportClient } from "../../lib/teleport/client.ts";
import {
  type Cluster,
  Connection,
  type ConnectionOptions,
} from "../../lib/teleport/connection.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import type { Identity } from "../../lib/teleport/identity.ts";
import { PingRequestSchema } from "../../lib/teleport/proto/teleport_pb.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { CLUSTER_NAME, logEvent } from "../fakes/log_event.ts";
import { never } from "../fakes/never.ts";
import {
  EXPIRED,
  issueClient,
  strangerPki,
  teleportPki,
  webPki,
} from "../fakes/pki.ts";
import { TcpRelay } from "../fakes/tcp_relay.ts";
import { startTeleport, type TeleportStandIn } from "../fakes/teleport.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { identityOf } from "./identity_of.ts";
import { reconnectionTimers } from "./reconnection_timers.ts";

const START_MS = Date.parse("2026-03-01T12:00:00Z");
const SESSION = "3f1c1a2b-0000-4000-8000-000000000000";
const EVENTS = Array.from(
  { length: 2_000 },
  (_, index) => logEvent("print", { timeMs: START_MS, index }),
);

const PAGE = {
  startMs: START_MS,
  endMs: START_MS + 1,
  types: [],
  limit: 100,
  cursor: "",
};

Deno.test("pages and recordings come through a proxy with TLS routing", async () => {
  await using teleport = await startLogged();
  await using proxy = await startTeleportProxy(teleport);
  using client = await clientOf([proxy]);
  const page = await client.getEvents(PAGE, never());
  assertEquals(page.events.length, 100);
  const recording = await Array.fromAsync(
    client.streamSessionEvents(SESSION, 0, never()),
  );
  assertEquals(
    recording.flatMap(({ events }) => events).length,
    EVENTS.length,
  );
});

Deno.test("one connection does for all calls", async () => {
  await using teleport = await startLogged();
  const routes: string[] = [];
  using client = await clientOf([teleport], {
    observer: { connected: ({ kind }) => routes.push(kind) },
  });
  await Promise.all(Array.from({ length: 20 }, () => client.ping(never())));
  assertEquals(routes, ["auth service"]);
  await waitUntil("the probe to be gone", () => teleport.connections === 1);
});

Deno.test("a call that waits for a connection is made, whenever credentials are renewed", async () => {
  await using teleport = await startLogged();
  const identity = await identityOf();
  const greetings: PromiseWithResolvers<Cluster>[] = [];
  const connection = new Connection({ addresses: [teleport], identity }, () => {
    const greeting = Promise.withResolvers<Cluster>();
    greetings.push(greeting);
    return greeting.promise;
  });
  const called = connection.acquire(never()).then((channel) =>
    channel.unary({
      path: "/proto.AuthService/Ping",
      requestSchema: PingRequestSchema,
      request: {},
      decode: () => "answered",
    }, { signal: never() })
  );
  called.catch(() => {});
  await waitUntil("the first greeting", () => greetings.length === 1);
  const renewed = connection.renew(identity, never());
  await waitUntil("the other greeting", () => greetings.length === 2);
  for (const { resolve } of greetings) {
    resolve({ name: CLUSTER_NAME, version: "18.2.1" });
  }
  await renewed;
  assertEquals(await called, "answered");
  connection.close();
});

Deno.test("renewed credentials that connect before the old ones stay in use", async () => {
  await using teleport = await startLogged();
  const renewed = await renewedIdentity();
  const old = Promise.withResolvers<Cluster>();
  const cluster = { name: CLUSTER_NAME, version: "18.2.1" };
  let greetings = 0;
  const connection = new Connection(
    { addresses: [teleport], identity: await identityOf() },
    ({ identity }) => {
      greetings++;
      return identity === renewed ? Promise.resolve(cluster) : old.promise;
    },
  );
  const called = connection.acquire(never());
  await waitUntil("the first greeting", () => greetings === 1);
  await connection.renew(renewed, never());
  old.resolve(cluster);
  assertStrictEquals((await called).identity, renewed);
  assertStrictEquals((await connection.acquire(never())).identity, renewed);
  connection.close();
});

Deno.test("every address is tried with renewed credentials, whichever one a call finds meanwhile", async () => {
  await using first = await startLogged();
  await using second = await startLogged();
  const identity = await identityOf();
  const inVain: PromiseWithResolvers<Cluster>[] = [];
  const error = new TeleportError("no answer in time", "DEADLINE_EXCEEDED");
  const connection = new Connection(
    { addresses: [first, second], identity },
    ({ route }) => {
      if (route.address.port === second.port) {
        return Promise.resolve({ name: CLUSTER_NAME, version: "18.2.1" });
      }
      const greeting = Promise.withResolvers<Cluster>();
      if (inVain.push(greeting) > 2) greeting.reject(error);
      return greeting.promise;
    },
  );
  const called = connection.acquire(never());
  await waitUntil("the call's greeting", () => inVain.length === 1);
  const renewed = connection.renew(identity, never());
  await waitUntil("the other greeting", () => inVain.length === 2);
  inVain[0]?.reject(error);
  await called;
  inVain[1]?.reject(error);
  await renewed;
  connection.close();
});

Deno.test("the first address that works is used", async () => {
  await using teleport = await startLogged();
  const routes: number[] = [];
  using client = await clientOf([nobody(), teleport], {
    observer: { connected: ({ address }) => routes.push(address.port) },
  });
  await client.ping(never());
  assertEquals(routes, [teleport.port]);
});

Deno.test("another address is used when the one in use goes away", async () => {
  const first = await startLogged();
  await using second = await startLogged();
  using client = await clientOf([first, second]);
  await client.ping(never());
  await first.stop();
  await waitUntil("the other address", () => works(client));
  assert(second.requests.Ping.length > 0);
  await reconnectionTimers();
});

Deno.test("that nobody is there is told from what a server says, whatever it says", async () => {
  await using teleport = await startLogged();
  using client = await clientOf([teleport]);
  const failure = async () => {
    const error = await assertRejects(
      () => Array.fromAsync(client.streamSessionEvents(SESSION, 0, never())),
      TeleportError,
    );
    return { status: error.status, unreachable: isUnreachable(error) };
  };
  const status = "UNAVAILABLE";
  const method = "StreamUnstructuredSessionEvents";
  teleport.faults.add({ kind: "status", code: status, method, times: 1 });
  assertEquals(await failure(), { status, unreachable: false });
  teleport.faults.add({ kind: "hang", method });
  const cut = failure();
  await waitUntil("the call", () => teleport.openCalls === 1);
  await teleport.stop();
  assertEquals(await cut, { status, unreachable: true });
  // No way to it is found either.
  assertEquals(await failure(), { status, unreachable: true });
  await reconnectionTimers();
});

Deno.test("another way is found when the one in use is gone", async () => {
  const teleport = await startLogged();
  await using behind = await startLogged();
  const kinds: string[] = [];
  using client = await clientOf([{ host: "localhost", port: teleport.port }], {
    observer: { connected: ({ kind }) => kinds.push(kind) },
  });
  await client.ping(never());
  await teleport.stop();
  await using _proxy = await startTeleportProxy(behind, {
    port: teleport.port,
  });
  await waitUntil("the proxy to be found", () => works(client));
  assertEquals(kinds, ["auth service", "TLS routing"]);
  await reconnectionTimers();
});

for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED"] as const) {
  Deno.test(`a server that answers ${code} again and again is left for another address`, async () => {
    await using first = await startLogged();
    await using second = await startLogged();
    using client = await clientOf([first, second]);
    await client.ping(never());
    first.faults.add({
      kind: "status",
      code,
      method: "GetUnstructuredEvents",
    });
    await assertLeftFor(second, client);
  });
}

Deno.test("a server behind a load balancer that fails again and again is left for another one", async () => {
  await using sick = await startLogged();
  await using well = await startLogged();
  let { port } = sick;
  await using balancer = await TcpRelay.start((rest) => ({ port, rest }));
  using client = await clientOf([balancer]);
  await client.ping(never());
  port = well.port;
  sick.faults.add({ kind: "status", code: "UNAVAILABLE" });
  await assertLeftFor(well, client);
});

Deno.test("the failures of one server do not count against the next one", async () => {
  await using first = await startLogged();
  await using second = await startLogged();
  using client = await clientOf([first, second]);
  await client.ping(never());
  const fault = {
    kind: "status",
    code: "UNAVAILABLE",
    method: "GetUnstructuredEvents",
  } as const;
  first.faults.add(fault);
  second.faults.add({ ...fault, times: 2 });
  for (let times = 0; times < 3 + 2; times++) {
    await assertRejects(() => client.getEvents(PAGE, never()), TeleportError);
  }
  await client.getEvents(PAGE, never());
  assertEquals(second.served.pages, 1);
});

Deno.test("a server that fails now and then is kept", async () => {
  await using first = await startLogged();
  await using second = await startLogged();
  using client = await clientOf([first, second]);
  for (let times = 0; times < 5; times++) {
    await client.ping(never());
    first.faults.add({ kind: "status", code: "UNAVAILABLE", times: 2 });
    await assertRejects(() => client.ping(never()), TeleportError);
    await assertRejects(() => client.ping(never()), TeleportError);
  }
  assertEquals(second.requests.Ping.length, 0);
});

Deno.test("a server that refuses calls for what they ask is kept, however often", async () => {
  await using first = await startLogged();
  await using second = await startLogged();
  using client = await clientOf([first, second]);
  await client.ping(never());
  first.faults.add({ kind: "status", code: "NOT_FOUND", times: 5 });
  for (let times = 0; times < 5; times++) {
    await assertRejects(() => client.ping(never()), TeleportError);
  }
  await client.ping(never());
  assertEquals(second.requests.Ping.length, 0);
});

Deno.test("another cluster at another address is told, and nothing read of it", async () => {
  const first = await startLogged();
  await using second = await startTeleport({
    log: new AuditLog(),
    cluster: "other.example.com",
  });
  using client = await clientOf([first, second]);
  await client.ping(never());
  await first.stop();
  // That the first one is gone may take more than one call to notice.
  let told = "";
  await waitUntil("the other address to be tried", async () => {
    const error = await assertRejects(
      () => client.ping(never()),
      TeleportError,
    );
    told = error.message;
    return second.requests.Ping.length > 0;
  });
  assertStringIncludes(
    told,
    `Teleport at ${second.address}: it is the cluster other.example.com, and not ${CLUSTER_NAME} as before: ` +
      "name addresses of one cluster in teleport-addr",
  );
  assertEquals(second.requests.Ping.length, 1);
  await reconnectionTimers();
});

Deno.test("where no address works, each is told with its reason", async () => {
  await using teleport = await startLogged();
  await using proxy = await startTeleportProxy(teleport, {
    mode: "separate ports",
  });
  const away = nobody();
  using client = await clientOf([proxy, away]);
  const error = await assertRejects(() => client.ping(never()), TeleportError);
  assertStringIncludes(error.message, `${proxy.address}: this proxy does no`);
  assertStringIncludes(
    error.message,
    `; Teleport at 127.0.0.1:${away.port}: connection refused`,
  );
  assert(!error.permanent);
  assert(isUnreachable(error));
});

Deno.test("where no address can ever work, waiting is in vain", async () => {
  await using teleport = await startLogged();
  await using proxy = await startTeleportProxy(teleport, {
    mode: "separate ports",
  });
  using client = await clientOf([proxy, proxy]);
  const error = await assertRejects(() => client.ping(never()), TeleportError);
  assert(error.permanent);
  assert(!isUnreachable(error));
});

Deno.test("where a guess finds a Teleport that can never work, waiting for another guess is in vain", async () => {
  await using teleport = await startLogged();
  await using proxy = await startTeleportProxy(teleport, {
    mode: "separate ports",
  });
  const guess = { ...nobody(), alternative: true };
  using client = await clientOf([proxy, guess]);
  const error = await assertRejects(() => client.ping(never()), TeleportError);
  assertStringIncludes(error.message, `${proxy.address}: this proxy does no`);
  assert(error.permanent, error.message);
});

Deno.test("where a guess finds a Teleport that refuses us, waiting for another guess is in vain", async () => {
  await using teleport = await startLogged();
  teleport.faults.add({
    kind: "status",
    code: "PERMISSION_DENIED",
    method: "Ping",
  });
  using client = await clientOf([
    teleport,
    { ...nobody(), alternative: true },
  ]);
  const error = await assertRejects(() => client.ping(never()), TeleportError);
  assert(error.permanent, error.message);
});

Deno.test("where a guess finds no Teleport, another guess is waited for", async () => {
  await using website = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: (await webPki()).server.certificatePem,
    key: (await webPki()).server.privateKeyPem,
    onListen() {},
  }, () => new Response("", { status: 404 }));
  const address = { host: "localhost", port: website.addr.port };
  using client = await clientOf([
    address,
    { ...nobody(), alternative: true },
  ]);
  const error = await assertRejects(() => client.ping(never()), TeleportError);
  assertStringIncludes(error.message, "and no proxy");
  assert(!error.permanent, error.message);
});

Deno.test("a guess that has worked is waited for, whatever the other one finds", async () => {
  await using behind = await startLogged();
  await using proxy = await startTeleportProxy(behind, {
    mode: "separate ports",
  });
  const teleport = await startLogged();
  const { host, port } = teleport;
  using client = await clientOf([proxy, { host, port, alternative: true }]);
  await client.ping(never());
  await teleport.stop();
  let told: TeleportError | undefined;
  await waitUntil("both to be tried", async () => {
    told = await assertRejects(() => client.ping(never()), TeleportError);
    return told.message.includes("this proxy does no TLS routing");
  });
  assert(told?.permanent === false, told?.message);
  await reconnectionTimers();
});

Deno.test("a caller who stops does not stop the others who wait for the connection", async () => {
  await using teleport = await startLogged();
  teleport.faults.add({ kind: "slow", delayMs: 100, method: "Ping", times: 1 });
  using client = await clientOf([teleport]);
  const stop = new AbortController();
  const stopped = client.ping(stop.signal).catch((error) => error);
  const other = client.ping(never());
  await waitUntil("the greeting", () => teleport.openCalls === 1);
  stop.abort(new Error("stopped"));
  assertStrictEquals(await stopped, stop.signal.reason);
  assertStrictEquals((await other).name, CLUSTER_NAME);
});

Deno.test("a caller who stops waits for no connection", async () => {
  await using teleport = await startLogged();
  teleport.faults.add({ kind: "hang", method: "Ping" });
  using client = await clientOf([teleport]);
  const stop = new AbortController();
  const call = client.ping(stop.signal).catch((error) => error);
  await waitUntil("the greeting", () => teleport.openCalls === 1);
  stop.abort(new Error("stopped"));
  assertStrictEquals(await call, stop.signal.reason);
  assertStrictEquals(teleport.openCalls, 1);
});

Deno.test("renewed credentials are shown from the next call on, and what is under way ends with the old ones", async () => {
  await using teleport = await startLogged();
  const old = await identityOf();
  const renewed = await renewedIdentity();
  using client = await clientOf([teleport], { identity: old });
  const stream = client.streamSessionEvents(SESSION, 0, never());
  let events = (await stream.next()).value?.events.length ?? 0;
  assertStrictEquals(client.identity, old);

  await client.renew(renewed, never());
  assertStrictEquals(client.identity, renewed);
  await client.ping(never());
  assertEquals(teleport.callers.at(-1), serialOf(renewed));
  // All that is left of it, over the connection of the old ones.
  for await (const batch of stream) events += batch.events.length;
  assertEquals(events, EVENTS.length);
  assert(teleport.callers.includes(serialOf(old)));
  await waitUntil(
    "the old connection to end",
    () => teleport.connections === 1,
  );
});

Deno.test("renewed credentials that do not work leave those that do", async () => {
  await using teleport = await startLogged();
  const old = await identityOf();
  const foreign = await identityOf(await strangerPki());
  using client = await clientOf([teleport], { identity: old });
  await client.ping(never());
  await assertRejects(() => client.renew(foreign, never()), TeleportError);
  assertStrictEquals(client.identity, old);
  await client.ping(never());
  assertEquals(new Set(teleport.callers), new Set([serialOf(old)]));
});

Deno.test("renewed credentials replace expired ones although nobody is there to try them with", async () => {
  const pki = await teleportPki();
  const teleport = await startLogged();
  await teleport.stop();
  const client = await issueClient(pki, { validity: EXPIRED });
  const expired = await identityOf({ ...pki, client });
  const renewed = await renewedIdentity();
  using handler = await clientOf([teleport], { identity: expired });
  await assertRejects(() => handler.renew(renewed, never()), TeleportError);
  assertStrictEquals(handler.identity, renewed);
  await using _running = teleport;
  await teleport.start();
  await handler.ping(never());
  assertEquals(new Set(teleport.callers), new Set([serialOf(renewed)]));
});

Deno.test("a closed client takes no more calls, and waits for none to begin", async () => {
  await using teleport = await startLogged();
  teleport.faults.add({ kind: "hang", method: "Ping" });
  const client = await clientOf([teleport]);
  const call = client.ping(never());
  await waitUntil("the greeting", () => teleport.openCalls === 1);
  client.close();
  const error = await assertRejects(() => call, TeleportError);
  assertStrictEquals(error.message, "the connection to Teleport is closed");
  await assertRejects(() => client.ping(never()), TeleportError);
  await waitUntil("the greeting to end", () => teleport.openCalls === 0);
});

Deno.test("no address at all is a mistake of the configuration", async () => {
  const identity = await identityOf();
  assertThrows(
    () => new TeleportClient({ addresses: [], identity }),
    ConfigError,
    "teleport-addr is empty",
  );
});

/** That a server which fails is left for the other one after its third failure. */
async function assertLeftFor(
  other: TeleportStandIn,
  client: TeleportClient,
): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await assertRejects(() => client.getEvents(PAGE, never()), TeleportError);
  }
  await client.getEvents(PAGE, never());
  assertEquals(other.served.pages, 1);
}

async function startLogged(): Promise<TeleportStandIn> {
  const log = new AuditLog();
  log.append(...EVENTS);
  log.putRecording(SESSION, EVENTS);
  return await startTeleport({ log });
}

async function clientOf(
  addresses: ConnectionOptions["addresses"],
  options: Partial<ConnectionOptions> = {},
): Promise<TeleportClient> {
  const identity = await identityOf(undefined, [await webPki()]);
  return new TeleportClient({ addresses, identity, ...options });
}

/** Another certificate of the same user. */
async function renewedIdentity(): Promise<Identity> {
  const pki = await teleportPki();
  return await identityOf({ ...pki, client: await issueClient(pki) });
}

function serialOf({ certificate }: Identity): string {
  return new X509Certificate(certificate.pem).serialNumber;
}

function nobody() {
  return { host: "127.0.0.1", port: findFreePort() };
}

function works(client: TeleportClient): Promise<boolean> {
  return client.ping(never()).then(() => true, () => false);
}
