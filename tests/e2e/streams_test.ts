import { systemClock } from "../../lib/clock.ts";
import { GaveUpError, RejectedError } from "../../lib/errors.ts";
import { Accounts } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import type { Sink } from "../../lib/pipeline/ports.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { run } from "../../lib/pipeline/run.ts";
import { TeleportClient } from "../../lib/teleport/client.ts";
import { PageSource } from "../../lib/teleport/page_source.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { logEvent } from "../fakes/log_event.ts";
import { hang } from "../fakes/never.ts";
import { startTeleport } from "../fakes/teleport.ts";
import type { Fault } from "../fakes/teleport_faults.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { identityOf } from "../teleport/identity_of.ts";

const START_MS = Date.now() - 60 * 60_000;
/** So long that the server cannot be done with them while nobody reads on. */
const RECORDING_EVENTS = 20_000;
const SESSIONS = ["s1", "s2"];

/** What a test may do to a run, and what it is told. */
interface Held {
  readonly stop: AbortController;
  readonly kill: AbortController;
  /** Settles the requests that carry recordings: those under way and those to come. */
  readonly recordings: PromiseWithResolvers<void>;
  /** Settles the saves of the state. */
  readonly saves: PromiseWithResolvers<void>;
  /** Requests with recordings that were begun. */
  sending: number;
  readonly openCalls: () => number;
}

/**
 * A run between a real server and a receiver that takes audit events, and holds
 * recordings until it is told what to do. Resolves with what the run ended with,
 * once every stream of the server has ended too: the connection is still open.
 */
async function runWith(
  faults: readonly Fault[],
  interfere: (held: Held) => Promise<void>,
  { follow = true, timeoutMs, length = RECORDING_EVENTS }: {
    follow?: boolean;
    timeoutMs?: number;
    length?: number;
  } = {},
): Promise<unknown> {
  const log = new AuditLog();
  for (const sid of SESSIONS) {
    log.append(
      logEvent("session.upload", { timeMs: START_MS, fields: { sid } }),
    );
    log.putRecording(
      sid,
      Array.from(
        { length },
        (_, index) => logEvent("exec", { timeMs: START_MS, index }),
      ),
    );
  }
  await using teleport = await startTeleport({ log, exportSupported: false });
  teleport.faults.add(...faults);
  using client = new TeleportClient({
    addresses: [teleport],
    identity: await identityOf(),
  });
  const held: Held = {
    stop: new AbortController(),
    kill: new AbortController(),
    recordings: Promise.withResolvers(),
    saves: Promise.withResolvers(),
    sending: 0,
    openCalls: () => teleport.openCalls,
  };
  // A failure that comes before anybody waits for it is none of the test's own.
  held.recordings.promise.catch(() => {});
  held.saves.promise.catch(() => {});
  await client.ping(held.stop.signal);
  const running = startRun(client, held, { follow, timeoutMs });
  await interfere(held);
  const end = await running.then(() => "done", (error) => error);
  await waitUntil("all streams to end", () => teleport.openCalls === 0);
  // What is under way when the client closes would end with the connection.
  assertEquals(teleport.connections, 1);
  return end;
}

function startRun(
  client: TeleportClient,
  held: Held,
  { follow, timeoutMs }: { follow: boolean; timeoutMs: number | undefined },
): Promise<void> {
  const { stop, kill, recordings, saves } = held;
  const clock = systemClock;
  const policy = { initialMs: 10, maxMs: 20, timeoutMs };
  const sink: Sink = {
    async send({ kind }, { length }, killed) {
      if (kind === "recording") {
        held.sending++;
        await Promise.race([recordings.promise, hang(killed)]);
      }
      return length;
    },
    close: () => {},
  };
  return run({
    progress: new Progress({
      position: {
        kind: "page",
        start: new Date(START_MS).toISOString().slice(0, 19) + "Z",
        cursor: "",
        seen: [],
        newest: null,
      },
      recordings: {},
    }, { clock, onChange: () => {} }),
    saver: {
      keepSaved: () => saves.promise,
      saved: () => Promise.resolve(),
      save: () => Promise.resolve(),
    },
    accounts: new Accounts(),
    delivery: {
      sink,
      quarantine: {
        setAside: () => Promise.reject(new Error("the disk is full")),
      },
      policy,
      clock,
      observer: UNWATCHED.delivery,
    },
    events: {
      source: new PageSource({
        getEvents: (request, signal) => client.getEvents(request, signal),
        types: [],
        pageSize: undefined,
        startTime: "2026-01-01T00:00:00Z",
        windowMs: 24 * 60 * 60_000,
        pollMs: 20,
        follow,
        policy,
        clock,
        observer: UNWATCHED.pages,
      }),
      filter: typeFilter([], []),
      maxEvents: 50,
      maxBytes: 1024 * 1024,
      maxRequests: 2,
      observer: UNWATCHED.events,
    },
    recordings: {
      source: {
        stream: (sessionId, startIndex, signal) =>
          client.streamSessionEvents(sessionId, startIndex, signal),
      },
      filter: typeFilter([], []),
      concurrency: SESSIONS.length,
      maxEvents: 50,
      maxBytes: 1024 * 1024,
      follow,
      clock,
      observer: UNWATCHED.recordings,
    },
  }, { stop: stop.signal, kill: kill.signal });
}

/** Both recordings are being read, and some of each is under way. */
async function streamsToBegin(held: Held): Promise<void> {
  const { length } = SESSIONS;
  await waitUntil(
    "both streams",
    () => held.sending >= length && held.openCalls() >= length,
  );
}

Deno.test("stopped in the middle of recordings, a run leaves no stream open", async () => {
  const end = await runWith([], async (held) => {
    await streamsToBegin(held);
    held.saves.resolve();
    held.stop.abort(new Error("stopped"));
    held.recordings.resolve();
  });
  assertEquals(end, "done");
});

Deno.test("killed in the middle of recordings, a run leaves no stream open", async () => {
  const reason = new Error("killed");
  const end = await runWith([], async (held) => {
    await streamsToBegin(held);
    held.saves.resolve();
    held.stop.abort(new Error("stopped"));
    held.kill.abort(reason);
  });
  assertStrictEquals(end, reason);
});

Deno.test("where a refused event cannot be set aside, a run leaves no stream open", async () => {
  const end = await runWith([], async (held) => {
    await streamsToBegin(held);
    held.saves.resolve();
    held.recordings.reject(new RejectedError("bad", 1));
  });
  assert(end instanceof Error && end.message === "the disk is full", `${end}`);
});

Deno.test("where delivery gives up, a run leaves no stream open", async () => {
  const end = await runWith([], async (held) => {
    await streamsToBegin(held);
    held.saves.resolve();
    held.recordings.reject(new Error("connection refused"));
  }, { timeoutMs: 50 });
  assert(end instanceof GaveUpError, `${end}`);
});

Deno.test("where the state cannot be saved, a run leaves no stream open", async () => {
  const full = new Error("the disk is full");
  const end = await runWith([], async (held) => {
    await streamsToBegin(held);
    held.saves.reject(full);
    held.recordings.resolve();
  });
  assertStrictEquals(end, full);
});

Deno.test("recordings that fail half-way, each time, leave no stream open", async () => {
  const end = await runWith([{ kind: "cut", after: 120 }], (held) => {
    held.saves.resolve();
    held.recordings.resolve();
    return Promise.resolve();
  }, { follow: false, length: 400 });
  assertEquals(end, "done");
});

Deno.test("stopped before a page or a recording has answered, a run leaves no call open", async () => {
  const end = await runWith([
    { kind: "hang", method: "StreamUnstructuredSessionEvents" },
  ], async (held) => {
    await waitUntil("both streams", () => held.openCalls() >= SESSIONS.length);
    held.saves.resolve();
    held.stop.abort(new Error("stopped"));
  });
  assertEquals(end, "done");
  const early = await runWith([
    { kind: "hang", method: "GetUnstructuredEvents" },
  ], async (held) => {
    await waitUntil("the page", () => held.openCalls() === 1);
    held.saves.resolve();
    held.stop.abort(new Error("stopped"));
  });
  assertEquals(early, "done");
});
