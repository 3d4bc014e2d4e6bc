import { timestampMs } from "@bufbuild/protobuf/wkt";
import { formatAddress } from "../../lib/address.ts";
import { type PageRequest, TeleportClient } from "../../lib/teleport/client.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  equal,
} from "../assert.ts";
import { withPayload } from "../fakes/audit_events.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { CLUSTER_NAME, type LogEvent, logEvent } from "../fakes/log_event.ts";
import { never } from "../fakes/never.ts";
import {
  EXPIRED,
  issueClient,
  issueServer,
  strangerPki,
  teleportPki,
} from "../fakes/pki.ts";
import { startTeleport, type TeleportStandIn } from "../fakes/teleport.ts";
import type { Fault } from "../fakes/teleport_faults.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";
import { identityOf } from "./identity_of.ts";
import { reconnectionTimers } from "./reconnection_timers.ts";

const START_MS = Date.parse("2026-03-01T12:00:00Z");
const SESSION = "3f1c1a2b-0000-4000-8000-000000000000";
const DAY_MS = 24 * 60 * 60_000;
const PAGE: PageRequest = {
  startMs: START_MS,
  endMs: START_MS + 60_000,
  types: [],
  limit: 100,
  cursor: "",
};

Deno.test("a cluster says its name and version", async () => {
  await withTeleport(async ({ client }) => {
    const { name, version } = await client.ping(never());
    assertStrictEquals(name, CLUSTER_NAME);
    assert(version !== "");
  });
});

Deno.test("a page brings the log's events, whole and in order", async () => {
  const events = [
    logEvent("user.login", {
      timeMs: START_MS + 1,
      fields: { user: "alice", success: false },
    }),
    logEvent("session.upload", {
      timeMs: START_MS + 1,
      fields: { sid: SESSION },
    }),
    logEvent("brand.new", { timeMs: START_MS + 2, id: "", index: 7 }),
  ];
  await withTeleport(async ({ client }) => {
    const page = await client.getEvents(PAGE, never());
    assertEquals(page.events.map(withPayload), events.map(asAuditEvent));
    assertStrictEquals(page.lastKey, "");
  }, { events });
});

// gRPC itself takes no message of more than 4 MiB unless it is told to.
for (const mib of [2, 6]) {
  Deno.test(`an event of ${mib} MiB comes whole, on a page and in a recording`, async () => {
    const fields = { output: "é".repeat(mib * 2 ** 19) };
    const event = logEvent("exec", { timeMs: START_MS, fields });
    await withTeleport(async ({ client, teleport }) => {
      teleport.log.putRecording(SESSION, [event]);
      const page = await client.getEvents(PAGE, never());
      const stream = client.streamSessionEvents(SESSION, 0, never());
      const [batch] = await Array.fromAsync(stream);
      for (const events of [page.events, batch?.events ?? []]) {
        assertEquals(events.length, 1);
        assert(equal(events.map(withPayload), [asAuditEvent(event)]));
      }
    }, { events: [event] });
  });
}

Deno.test("a page for which a minute is too short is waited for twice as long each time, up to four minutes", async () => {
  await withTeleport(async ({ client, teleport }) => {
    const method = "GetUnstructuredEvents";
    const code = "DEADLINE_EXCEEDED";
    teleport.faults.add({ kind: "status", code, method, times: 4 });
    /** For how many minutes the last page was waited for. */
    const waited = () => Math.round((teleport.waitsMs.at(-1) ?? 0) / 60_000);
    for (const minutes of [1, 2, 4, 4]) {
      await assertRejects(() => client.getEvents(PAGE, never()), TeleportError);
      assertEquals(waited(), minutes);
    }
    {
      using time = new ManualTime();
      teleport.faults.add({ kind: "slow", delayMs: 50, times: 1 });
      const page = client.getEvents(PAGE, never());
      await waitUntil("the page to be asked for", () => teleport.openCalls > 0);
      time.pass(90_000);
      await page;
      assertEquals(waited(), 4);
    }
    // As long as the last one took, and again.
    for (const minutes of [3, 1]) {
      await client.getEvents(PAGE, never());
      assertEquals(waited(), minutes);
    }
  });
});

Deno.test("pages are asked for in the namespace that every cluster has", async () => {
  await withTeleport(async ({ client, teleport }) => {
    await client.getEvents(PAGE, never());
    const [request] = teleport.requests.GetUnstructuredEvents;
    assertStrictEquals(request?.namespace, "default");
  });
});

Deno.test("pages follow one another by their cursor, with the types that are asked for", async () => {
  const events = Array.from(
    { length: 10 },
    (_, i) =>
      logEvent(i % 2 === 0 ? "exec" : "user.login", { timeMs: START_MS + i }),
  );
  await withTeleport(async ({ client }) => {
    const ids: string[] = [];
    const request = { ...PAGE, types: ["exec"], limit: 3 };
    const first = await client.getEvents(request, never());
    const second = await client.getEvents(
      { ...request, cursor: first.lastKey },
      never(),
    );
    for (const { events } of [first, second]) ids.push(...events.map(idOf));
    const execs = events.filter(({ type }) => type === "exec");
    assertEquals(ids, execs.map(idOf));
  }, { events });
});

Deno.test("a range ends before its end, and with the last moment before it", async () => {
  // Times are of milliseconds here, and of nanoseconds in the log.
  const events = [-1, 0, 1, 1.5, 2].map((offset) =>
    logEvent("exec", { timeMs: START_MS + offset, id: `event ${offset}` })
  );
  await withTeleport(async ({ client }) => {
    const range = { ...PAGE, startMs: START_MS, endMs: START_MS + 2 };
    const page = await client.getEvents(range, never());
    const ids = ["event 0", "event 1", "event 1.5"];
    assertEquals(page.events.map(idOf), ids);
  }, { events });
});

Deno.test("a recording is streamed from where it is asked for", async () => {
  const events = recordingOf(20);
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, events);
    for (const startIndex of [0, 13]) {
      const stream = client.streamSessionEvents(SESSION, startIndex, never());
      const batches = await Array.fromAsync(stream);
      assertEquals(
        batches.flatMap(({ events }) => events).map(withPayload),
        events.slice(startIndex).map(asAuditEvent),
      );
    }
  });
});

Deno.test("a recording whose indices are past what can be asked for is streamed from before", async () => {
  const last = 2 ** 31 - 1;
  const events = [last - 1, last, 2 ** 31, 2 ** 53].map((index) =>
    logEvent("exec", { timeMs: START_MS, id: `event ${index}`, index })
  );
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, events);
    const stream = client.streamSessionEvents(SESSION, 2 ** 53, never());
    const batches = await Array.fromAsync(stream);
    assertEquals(
      batches.flatMap(({ events }) => events.map(({ index }) => index)),
      [last, 2 ** 31, 2 ** 53],
    );
  });
});

Deno.test("a stream that is left early is cancelled", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(5_000));
    for (let times = 0; times < 3; times++) {
      for await (const _ of client.streamSessionEvents(SESSION, 0, never())) {
        assertEquals(teleport.openCalls, 1);
        break;
      }
      await waitUntil("the stream to end", () => teleport.openCalls === 0);
    }
    await client.ping(never());
  });
});

Deno.test("a stream that is left before its first event is cancelled", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.faults.add({ kind: "hang" });
    const stop = new AbortController();
    const stream = client.streamSessionEvents(SESSION, 0, stop.signal);
    const first = stream.next();
    await waitUntil("the stream to begin", () => teleport.openCalls === 1);
    stop.abort(new Error("stopped"));
    assertStrictEquals(await first.catch((error) => error), stop.signal.reason);
    await waitUntil("the stream to end", () => teleport.openCalls === 0);
  });
});

Deno.test("stop ends a stream between two batches, with its own reason", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(5_000));
    const stop = new AbortController();
    const error = await assertRejects(async () => {
      for await (
        const _ of client.streamSessionEvents(SESSION, 0, stop.signal)
      ) stop.abort(new Error("stopped"));
    });
    assertStrictEquals(error, stop.signal.reason);
    await waitUntil("the stream to end", () => teleport.openCalls === 0);
  });
});

Deno.test("a stream that is cut brings events that came before, and then says so", async () => {
  await withTeleport(async ({ client, teleport }) => {
    const events = recordingOf(20);
    teleport.log.putRecording(SESSION, events);
    teleport.faults.add({ kind: "cut", after: 7 });
    const ids: string[] = [];
    const error = await assertRejects(async () => {
      for await (
        const { events } of client.streamSessionEvents(SESSION, 0, never())
      ) ids.push(...events.map(idOf));
    }, TeleportError);
    // Not all of them: what waits when a call fails is dropped by the library.
    assert(ids.length >= 1 && ids.length <= 7);
    assertEquals(ids, events.slice(0, ids.length).map(idOf));
    assertStrictEquals(error.status, "UNAVAILABLE");
    assertStringIncludes(error.message, "StreamUnstructuredSessionEvents: ");
  });
});

Deno.test("a stream that says nothing for a minute is given up, whatever the clock is set to meanwhile", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(20));
    for (const setMs of [0, -DAY_MS, DAY_MS]) {
      teleport.faults.add({ kind: "stall", after: 2 });
      let error: unknown;
      {
        using time = new ManualTime();
        const stream = client.streamSessionEvents(SESSION, 0, never());
        for (let events = 0; events < 2;) {
          events += (await stream.next()).value?.events.length ?? 0;
        }
        stream.next().catch((thrown) => error = thrown);
        // Each answer comes after whatever the stream was about to do.
        await client.getEvents(PAGE, never());
        time.pass(10_000);
        time.setMs = setMs;
        time.pass(45_000);
        await client.getEvents(PAGE, never());
        assertStrictEquals(error, undefined, `set by ${setMs} ms`);
        time.pass(10_000);
      }
      await waitUntil("the stream's end", () => error !== undefined);
      assertStringIncludes(
        String(error),
        "the stream said nothing for 60 s",
        `set by ${setMs} ms`,
      );
      teleport.faults.clear();
    }
  });
});

Deno.test("a stream of which nobody asks for more is not given up, however long that takes", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(2_000));
    using time = new ManualTime();
    const stream = client.streamSessionEvents(SESSION, 0, never());
    let events = (await stream.next()).value?.events.length ?? 0;
    assert(events < 2_000);
    for (let minutes = 0; minutes < 60; minutes++) time.pass(60_000);
    // Whatever the stream was about to do is done by then.
    await client.getEvents(PAGE, never());
    for await (const batch of stream) events += batch.events.length;
    assertEquals(events, 2_000);
  });
});

Deno.test("the first event of a recording is waited for as long as is said, and the others for a minute", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(20));
    for (const [after, waitMs] of [[0, 600_000], [1, 60_000]] as const) {
      teleport.faults.add({ kind: "stall", after });
      let error: unknown;
      {
        using time = new ManualTime();
        const stream = client.streamSessionEvents(
          SESSION,
          0,
          never(),
          600_000,
        );
        for (let events = 0; events < after;) {
          events += (await stream.next()).value?.events.length ?? 0;
        }
        stream.next().catch((thrown) => error = thrown);
        // Each answer comes after whatever the stream was about to do.
        await client.getEvents(PAGE, never());
        time.pass(waitMs - 5_000);
        await client.getEvents(PAGE, never());
        assertStrictEquals(error, undefined);
        time.pass(10_000);
      }
      await waitUntil("the stream's end", () => error !== undefined);
      assertStringIncludes(
        String(error),
        `the stream said nothing for ${waitMs / 1_000} s`,
      );
      teleport.faults.clear();
    }
  });
});

Deno.test("stop ends a call under way, with its own reason", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.faults.add({ kind: "hang" });
    const stop = new AbortController();
    const call = client.getEvents(PAGE, stop.signal);
    await waitUntil("the call to begin", () => teleport.openCalls === 1);
    stop.abort(new Error("stopped"));
    assertStrictEquals(await call.catch((error) => error), stop.signal.reason);
    await waitUntil("the call to end", () => teleport.openCalls === 0);
  });
});

Deno.test("what was stopped before is not asked", async () => {
  await withTeleport(async ({ client, teleport }) => {
    const stop = AbortSignal.abort(new Error("stopped"));
    const asked = teleport.requests.Ping.length;
    for (
      const call of [
        () => client.ping(stop),
        () => client.getEvents(PAGE, stop),
        () => client.streamSessionEvents(SESSION, 0, stop).next(),
      ]
    ) {
      const error = await call().catch((error: unknown) => error);
      assertStrictEquals(error, stop.reason);
    }
    assertEquals(teleport.requests.Ping.length, asked);
    assertEquals(teleport.served.pages, 0);
  });
});

Deno.test("calls leave no listener behind on a signal that outlives them", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.log.putRecording(SESSION, recordingOf(3));
    const stop = new CountingSignal();
    await client.ping(stop.signal);
    await client.getEvents(PAGE, stop.signal);
    const stream = () => client.streamSessionEvents(SESSION, 0, stop.signal);
    await Array.fromAsync(stream());
    for await (const _ of stream()) break;
    teleport.faults.add({ kind: "status", code: "UNAVAILABLE" });
    await assertRejects(() => client.ping(stop.signal), TeleportError);
    await assertRejects(() => stream().next(), TeleportError);
    assertEquals(stop.added, 6);
    assertEquals(stop.listeners, 0);
  });
});

Deno.test("a server that restarts is reached again, with the same client", async () => {
  await withTeleport(async ({ client, teleport }) => {
    await client.ping(never());
    await teleport.stop();
    const error = await assertRejects(
      () => client.ping(never()),
      TeleportError,
    );
    assertStrictEquals(error.status, "UNAVAILABLE");
    await teleport.start();
    await waitUntil(
      "the server to be reached",
      () => client.ping(never()).then(() => true, () => false),
    );
  });
  await reconnectionTimers();
});

Deno.test("a call under way is answered although the client is closed", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.faults.add({ kind: "slow", delayMs: 50 });
    const call = client.ping(never());
    await waitUntil("the call to begin", () => teleport.openCalls === 1);
    client.close();
    assertStrictEquals((await call).name, CLUSTER_NAME);
    await assertRejects(() => client.ping(never()));
  });
});

const FAILURES: readonly { fault: Fault; says: string }[] = [
  {
    fault: { kind: "status", code: "PERMISSION_DENIED", details: "no access" },
    says:
      'access denied: the role needs the rule "event: list, read" (no access)',
  },
  {
    fault: { kind: "status", code: "UNAUTHENTICATED", details: "who?" },
    says:
      "the credentials in /etc/identity were not accepted: issue new ones (who?)",
  },
  {
    fault: { kind: "status", code: "UNIMPLEMENTED", details: "unknown method" },
    says: "this server is too old for it: upgrade Teleport (unknown method)",
  },
  {
    fault: { kind: "status", code: "RESOURCE_EXHAUSTED", details: "slow down" },
    says: "RESOURCE_EXHAUSTED: slow down",
  },
];
for (const { fault, says } of FAILURES) {
  Deno.test(`a failed call says: ${says}`, async () => {
    await withTeleport(async ({ client, teleport }) => {
      teleport.faults.add(fault);
      const error = await assertRejects(
        () => client.getEvents(PAGE, never()),
        TeleportError,
      );
      assertStrictEquals(
        error.message,
        `Teleport at ${teleport.address}: GetUnstructuredEvents: ${says}`,
      );
    });
  });
}

Deno.test("a page that is too large is told as such", async () => {
  await withTeleport(async ({ client, teleport }) => {
    teleport.faults.add({ kind: "page too large", limit: 10 });
    const error = await assertRejects(
      () => client.getEvents(PAGE, never()),
      TeleportError,
    );
    assert(error.pageTooLarge);
    await client.getEvents({ ...PAGE, limit: 10 }, never());
  });
});

Deno.test("connections that fail say why, and whether to try again", async (test) => {
  const [pki, stranger] = [await teleportPki(), await strangerPki()];
  const unnamed = await issueServer(pki, "proxy.example.com", {
    dnsNames: ["proxy.example.com", "localhost"],
    ipAddresses: ["127.0.0.1"],
  });
  const expired = await issueClient(pki, { validity: EXPIRED });
  const log = new AuditLog();
  await using teleport = await startTeleport({ log });
  await using other = await startTeleport({
    log,
    tls: teleportTls({ ...pki, server: unnamed }),
  });
  for (
    const { name, at, identity, says, permanent } of [
      {
        name: "nobody listens",
        at: { host: "127.0.0.1", port: findFreePort() },
        identity: pki,
        says: "connection refused: is it running, and is the port right? (",
        permanent: false,
      },
      {
        name: "a server of a cluster that we do not trust",
        at: teleport,
        identity: { ...pki, authority: stranger.authority },
        says: "its certificate is not signed by a CA of our credentials: are " +
          "those in /etc/identity of this cluster, and newer than its last CA " +
          "rotation? (it shows a certificate for teleport.cluster.local, " +
          "*.teleport.cluster.local, signed by tele.example.com: ",
        permanent: true,
      },
      {
        name: "a server of another name",
        at: other,
        identity: pki,
        says: "it is no auth service of our cluster (it shows a certificate " +
          "for proxy.example.com, localhost, 127.0.0.1, signed by " +
          "tele.example.com: ERR_TLS_CERT_ALTNAME_INVALID; protocol h2), and no proxy: ",
        permanent: true,
      },
      {
        name: "a client certificate of another cluster",
        at: teleport,
        identity: { ...stranger, authority: pki.authority },
        says:
          "Ping: it closed the connection at once, as when it does not accept " +
          "our client certificate: is it of this cluster, and still valid? (",
        permanent: false,
      },
      {
        name: "a certificate that expired while it was in use",
        at: teleport,
        identity: { ...pki, client: expired },
        says: "Ping: the certificate in /etc/identity expired on " +
          "2021-01-01T00:00:00.000Z: renew it (",
        permanent: false,
      },
    ]
  ) {
    await test.step({
      name,
      // gRPC's timers for another connection outlive it by a little.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const client = new TeleportClient({
          addresses: [at],
          identity: await identityOf(identity),
        });
        const ping = () => client.ping(never());
        const error = await assertRejects(ping, TeleportError);
        assertStringIncludes(
          error.message,
          `Teleport at ${formatAddress(at)}: ${says}`,
        );
        assertStrictEquals(error.permanent, permanent, error.message);
        // The same again, or else every attempt would be news.
        const again = await assertRejects(ping, TeleportError);
        assertStrictEquals(again.message, error.message);
        client.close();
      },
    });
  }
  await reconnectionTimers();
});

Deno.test("a lock names its user and login, as the Go handler's does", async () => {
  await withTeleport(async ({ client, teleport }) => {
    const untilMs = START_MS + 1;
    await client.upsertLock(
      { user: "alice", login: "root", untilMs },
      never(),
    );
    await client.upsertLock(
      { user: "bob", login: "", untilMs: undefined },
      never(),
    );
    const [alice, bob] = teleport.locks;
    assert(alice?.spec?.expires !== undefined);
    assertStrictEquals(timestampMs(alice.spec.expires), untilMs);
    assertEquals([alice.kind, alice.version], ["lock", "v2"]);
    assertStrictEquals(
      alice.metadata?.name,
      "event-handler-auto-lock-alice-root",
    );
    assertStrictEquals(
      alice.spec.message,
      "User is locked due to too many failed login attempts",
    );
    const { user, login } = alice.spec.target ?? {};
    assertEquals([user, login], ["alice", "root"]);
    assertStrictEquals(bob?.metadata?.name, "event-handler-auto-lock-bob-");
    assertStrictEquals(bob.spec?.expires, undefined);
  });
});

/** An abort signal that counts who listens. */
class CountingSignal {
  readonly signal: AbortSignal = never();
  added = 0;
  listeners = 0;

  constructor() {
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.added++;
      this.listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listeners--;
      remove(...args);
    };
  }
}

/** Passes only when it is told to; the clock can be set, too. */
class ManualTime {
  /** By so much the clock was set. */
  setMs = 0;
  #passedMs = 0;
  readonly #intervals = new Map<number, () => void>();
  readonly #real = {
    clock: Date.now,
    now: performance.now,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };

  constructor() {
    const clockMs = Date.now();
    const ms = performance.now();
    Date.now = () => clockMs + this.#passedMs + this.setMs;
    performance.now = () => ms + this.#passedMs;
    let id = 0;
    globalThis.setInterval = ((fire: () => void) => {
      this.#intervals.set(++id, fire);
      return id;
    }) as unknown as typeof setInterval;
    globalThis.clearInterval = ((id: number) => {
      this.#intervals.delete(id);
    }) as unknown as typeof clearInterval;
  }

  /** Lets so much of it pass. */
  pass(ms: number): void {
    this.#passedMs += ms;
    for (const fire of this.#intervals.values()) fire();
  }

  [Symbol.dispose](): void {
    Date.now = this.#real.clock;
    performance.now = this.#real.now;
    globalThis.setInterval = this.#real.setInterval;
    globalThis.clearInterval = this.#real.clearInterval;
  }
}

interface Connected {
  readonly teleport: TeleportStandIn;
  readonly client: TeleportClient;
}

async function withTeleport(
  use: (connected: Connected) => Promise<void>,
  { events = [] }: { events?: readonly LogEvent[] } = {},
): Promise<void> {
  const log = new AuditLog();
  log.append(...events);
  await using teleport = await startTeleport({ log });
  const identity = await identityOf(await teleportPki());
  using client = new TeleportClient({ addresses: [teleport], identity });
  await client.ping(never());
  await use({ teleport, client });
}

function recordingOf(length: number): LogEvent[] {
  return Array.from(
    { length },
    (_, index) => logEvent("print", { timeMs: START_MS, index }),
  );
}

function asAuditEvent(
  { type, id, timeUs, index, json }: LogEvent,
): ReturnType<typeof withPayload> {
  return {
    type,
    id,
    timeMs: timeUs / 1_000,
    index,
    payload: encodeStruct(json),
    sessionId: type === "session.upload" ? SESSION : undefined,
  };
}

function idOf({ id }: Pick<LogEvent, "id">): string {
  return id;
}
