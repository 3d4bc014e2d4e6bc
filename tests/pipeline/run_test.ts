import { GaveUpError, RejectedError } from "../../lib/errors.ts";
import type { AuditEvent, Batch, Destination } from "../../lib/event.ts";
import { Accounts } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import type { PendingRecording, Saver } from "../../lib/pipeline/ports.ts";
import { Progress, type Snapshot } from "../../lib/pipeline/progress.ts";
import { run, type RunOptions } from "../../lib/pipeline/run.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import {
  auditEvent,
  auditEvents,
  cursorOf,
  idsOf,
  position,
} from "../fakes/audit_events.ts";
import { FakeClock, turn, turnsUntil } from "../fakes/fake_clock.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { pending, recorded } from "./recordings_setup.ts";

/** Keeps snapshots; fails where a test says so. */
class MemorySaver implements Saver {
  readonly snapshots: Snapshot[] = [];
  progress: Progress | undefined;
  changed = Promise.withResolvers<void>();
  fails: Error | undefined;

  async keepSaved(stop: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    stop.addEventListener("abort", () => stopped.resolve(), { once: true });
    while (true) {
      await Promise.race([this.changed.promise, stopped.promise]);
      if (stop.aborted) return;
      this.changed = Promise.withResolvers();
      await this.save();
    }
  }

  saved(): Promise<void> {
    return Promise.resolve();
  }

  save(): Promise<void> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    if (this.progress !== undefined) {
      this.snapshots.push(this.progress.snapshot());
    }
    return Promise.resolve();
  }

  /** The cursor and the pending recordings that would be found by the next run. */
  get last(): string {
    const { position, recordings } = this.snapshots.at(-1) ?? {};
    const ids = Object.keys(recordings ?? {});
    return [cursorOf(position), ...ids].join(" ");
  }
}

/** What a request does. */
type Send = (
  destination: Destination,
  events: readonly AuditEvent[],
  kill: AbortSignal,
) => Promise<number>;

/** Starts a run of a source that yields these batches, and then waits or ends. */
function start(
  batches: Iterable<Batch>,
  {
    send,
    follow = false,
    setAside,
    timeoutMs,
    pending: left = {},
    locking,
    fails,
    recordings,
  }: {
    send?: Send;
    follow?: boolean;
    setAside?: () => Promise<void>;
    timeoutMs?: number;
    pending?: Record<string, PendingRecording>;
    locking?: Partial<NonNullable<RunOptions["locking"]>>;
    /** Why no save works. */
    fails?: Error;
    recordings?: Partial<RunOptions["recordings"]>;
  } = {},
) {
  const clock = new FakeClock();
  const saver = new MemorySaver();
  saver.fails = fails;
  const progress = new Progress(
    { position: position("start"), recordings: left },
    {
      clock,
      onChange: () => saver.changed.resolve(),
    },
  );
  saver.progress = progress;
  const stop = new AbortController();
  const kill = new AbortController();
  const arrived: string[] = [];
  const options: RunOptions = {
    progress,
    saver,
    accounts: new Accounts(),
    delivery: {
      sink: {
        async send(destination, events, signal) {
          const count = await send?.(destination, events, signal) ??
            events.length;
          arrived.push(...idsOf(events.slice(0, count)));
          return count;
        },
        close: () => {},
      },
      quarantine: { setAside: setAside ?? (() => Promise.resolve()) },
      policy: { initialMs: 500, maxMs: 30_000, timeoutMs },
      clock,
      observer: UNWATCHED.delivery,
    },
    events: {
      source: {
        async *read(_from, signal) {
          yield* batches;
          if (!follow || signal.aborted) return;
          await new Promise((resolve) =>
            signal.addEventListener("abort", resolve, { once: true })
          );
        },
      },
      filter: typeFilter([], []),
      maxEvents: 2,
      maxBytes: Infinity,
      maxRequests: 2,
      observer: UNWATCHED.events,
    },
    ...locking && { locking: { ...LOCKING, clock, ...locking } },
    recordings: {
      source: {
        async *stream(sessionId) {
          if (sessionId !== "missing") yield { events: recorded([0, 1, 2]) };
        },
      },
      filter: typeFilter([], []),
      concurrency: 2,
      maxEvents: 2,
      maxBytes: Infinity,
      follow,
      clock,
      observer: UNWATCHED.recordings,
      ...recordings,
    },
  };
  const ended = run(options, { stop: stop.signal, kill: kill.signal });
  // A test that ends it with a failure looks at it later.
  ended.catch(() => {});
  return { clock, saver, stop, kill, arrived, ended };
}

/** Locks who fails once, for ever. */
const LOCKING: Omit<NonNullable<RunOptions["locking"]>, "clock"> = {
  count: 1,
  periodMs: 60_000,
  lockMs: undefined,
  loginOf: ({ id }) => ({ user: id, login: "", success: false }),
  locker: { lock: () => Promise.resolve() },
  isFinal: () => false,
  observer: { locked() {}, failed() {}, gaveUp() {} },
};

/** One batch for each list of events, with its number as position. */
function batchesOf(...lists: (readonly AuditEvent[])[]): Batch[] {
  return lists.map((events, i) => ({
    events,
    position: position(i + 1),
    more: i < lists.length - 1,
  }));
}

function upload(sessionId: string): AuditEvent {
  return auditEvent(`upload ${sessionId}`, { sessionId });
}

/** A request that ends only when it is killed. */
const hang: Send = (_destination, _events, kill) =>
  new Promise((_resolve, reject) =>
    kill.addEventListener("abort", () => reject(kill.reason), { once: true })
  );

Deno.test("a run ends when events and recordings are delivered, and all of it is saved", async () => {
  const { ended, arrived, saver } = start(
    batchesOf(auditEvents(3), [upload("s1"), upload("s2")]),
  );
  await ended;
  assertEquals(
    arrived.toSorted(),
    [
      "e0",
      "e1",
      "e2",
      "r0",
      "r0",
      "r1",
      "r1",
      "r2",
      "r2",
      "upload s1",
      "upload s2",
    ],
  );
  assertEquals(saver.last, "2");
});

Deno.test("a recording is remembered together with the position behind its announcement", async () => {
  const { ended, saver, clock } = start(
    batchesOf([upload("missing")], auditEvents(2)),
  );
  await clock.runUntil(ended);
  for (const { position, recordings } of saver.snapshots) {
    if (cursorOf(position) !== "start") assert("missing" in recordings);
  }
  assertEquals(saver.last, "2 missing");
});

Deno.test("what is delivered is saved while the run goes on", async () => {
  const { ended, saver, stop } = start(batchesOf(auditEvents(2)), {
    follow: true,
  });
  await turnsUntil("the position to be saved", () => saver.last === "1");
  stop.abort();
  await ended;
});

Deno.test("stopped, the run delivers what was read, saves and ends", async () => {
  const answer = Promise.withResolvers<number>();
  const { ended, saver, stop, arrived } = start(
    batchesOf(auditEvents(2), [upload("s1")]),
    { follow: true, send: () => answer.promise },
  );
  await turn();
  stop.abort(new Error("stopped"));
  await turn();
  answer.resolve(1);
  await ended;
  assertEquals(arrived.slice(0, 2).toSorted(), ["e0", "upload s1"]);
  assertEquals(saver.last, "2 s1");
});

Deno.test("killed, the run throws the reason, and saves what was delivered and nothing beyond", async () => {
  const { ended, saver, stop, kill } = start(
    batchesOf(auditEvents(2), auditEvents(2, { first: 2 })),
    {
      send: (destination, events, signal) =>
        events[0]?.id === "e0"
          ? Promise.resolve(events.length)
          : hang(destination, events, signal),
    },
  );
  await turnsUntil("the position to be saved", () => saver.last === "1");
  const reason = new Error("killed");
  stop.abort(new Error("stopped"));
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => ended), reason);
  assertEquals(saver.last, "1");
});

Deno.test("killed with the very reason it was stopped with, a recording under way is no success", async () => {
  const { ended, saver, stop, kill } = start(batchesOf([upload("s1")]), {
    send: (destination, events, signal) =>
      destination.kind === "audit"
        ? Promise.resolve(events.length)
        : hang(destination, events, signal),
  });
  await turnsUntil("the position to be saved", () => saver.last === "1 s1");
  const reason = new Error("stopped by SIGTERM");
  stop.abort(reason);
  await turn();
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => ended), reason);
  assertEquals(saver.snapshots.at(-1)?.recordings["s1"]?.count, 0);
});

Deno.test("the position moves past a refused event only once that is safe, and stays before it otherwise", async () => {
  const safe = Promise.withResolvers<void>();
  const { ended, saver, stop } = start(
    batchesOf(auditEvents(1), auditEvents(1, { first: 1 })),
    {
      follow: true,
      setAside: () => safe.promise,
      send: (_destination, [event]) =>
        event?.id === "e1"
          ? Promise.reject(new RejectedError("bad time", 1))
          : Promise.resolve(1),
    },
  );
  const last = () => saver.last;
  await turnsUntil("the position to be saved", () => last() === "1");
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(last(), "1");
  safe.resolve();
  await turnsUntil("the position to be saved", () => last() === "2");
  stop.abort();
  await ended;

  const full = new Error("there is no room left");
  const stopped = start(batchesOf(auditEvents(1)), {
    follow: true,
    setAside: () => Promise.reject(full),
    send: () => Promise.reject(new RejectedError("bad time", 1)),
  });
  assertStrictEquals(await assertRejects(() => stopped.ended), full);
  assertEquals(stopped.saver.last, "start");
});

Deno.test("a state that cannot be saved stops the run and is thrown", async () => {
  const { ended, saver } = start(batchesOf(auditEvents(2)), { follow: true });
  saver.fails = new Error("the disk is full");
  assertStrictEquals(await assertRejects(() => ended), saver.fails);
});

Deno.test("where the state cannot be saved from the beginning, nothing is sent", async () => {
  const fails = new Error("the disk is full");
  const { ended, arrived } = start(batchesOf(auditEvents(2)), {
    pending: { a: pending() },
    fails,
  });
  assertStrictEquals(await assertRejects(() => ended), fails);
  assertEquals(arrived, []);
});

Deno.test("a state that cannot be saved at the end is thrown", async () => {
  const { ended, saver, stop } = start(batchesOf(auditEvents(2)), {
    follow: true,
  });
  await turnsUntil("the position to be saved", () => saver.last === "1");
  saver.fails = new Error("the disk is full");
  stop.abort();
  assertStrictEquals(await assertRejects(() => ended), saver.fails);
});

Deno.test("when the source fails the run ends with that, and what was read before is delivered and saved", async () => {
  const refused = new Error("access denied");
  function* batches() {
    yield* batchesOf(auditEvents(2));
    throw refused;
  }
  const { ended, saver, arrived } = start(batches(), {
    follow: true,
    pending: { missing: pending({ attempts: 3, notBeforeMs: Infinity }) },
  });
  assertStrictEquals(await assertRejects(() => ended), refused);
  assertEquals(arrived, ["e0", "e1"]);
  assertEquals(saver.last, "1 missing");
});

Deno.test("when delivery gives up the run ends with that, and what was delivered is saved", async () => {
  const { ended, saver, clock } = start(
    batchesOf(auditEvents(2), auditEvents(2, { first: 2 })),
    {
      follow: true,
      timeoutMs: 60_000,
      send: (_destination, events) =>
        events[0]?.id === "e0"
          ? Promise.resolve(events.length)
          : Promise.reject(new Error("connection refused")),
    },
  );
  const error = await assertRejects(() => clock.runUntil(ended), GaveUpError);
  assertEquals(error.message.includes("connection refused"), true);
  assertEquals(saver.last, "1");
});

Deno.test("when delivery gives up the run ends, although recordings wait for what is not there yet", async () => {
  const { ended, saver, clock } = start(batchesOf(auditEvents(1)), {
    follow: true,
    timeoutMs: 60_000,
    send: () => Promise.reject(new Error("connection refused")),
    pending: { missing: pending({ attempts: 3, notBeforeMs: Infinity }) },
  });
  let error: unknown;
  ended.catch((it) => error = it);
  for (let i = 0; i < 100 && error === undefined; i++) {
    await clock.advance(30_000);
  }
  assert(error instanceof GaveUpError);
  assertEquals(saver.last, "start missing");
});

Deno.test("what is delivered of a recording is saved while nothing but recordings is left", async () => {
  const goOn = Promise.withResolvers<void>();
  const { ended, saver } = start(batchesOf([upload("s1")]), {
    send: async (destination, events) => {
      if (destination.kind === "recording" && events[0]?.id === "r2") {
        await goOn.promise;
      }
      return events.length;
    },
  });
  const mark = () => saver.snapshots.at(-1)?.recordings["s1"]?.index;
  await turnsUntil("the recording's mark to be saved", () => mark() === 1);
  goOn.resolve();
  await ended;
  assertEquals(saver.last, "1");
});

Deno.test("when a recording cannot be delivered the run ends with that", async () => {
  const { ended, saver, clock } = start(batchesOf([upload("s1")]), {
    follow: true,
    timeoutMs: 60_000,
    send: (destination, { length }) =>
      destination.kind === "audit"
        ? Promise.resolve(length)
        : Promise.reject(new Error("connection refused")),
  });
  await assertRejects(() => clock.runUntil(ended), GaveUpError);
  assertEquals(saver.last, "1 s1");
});

Deno.test("a fault of ours with recordings ends the run, whatever events are still to come", async () => {
  const bug = new Error("a bug");
  const { ended, saver } = start(batchesOf([upload("s1")]), {
    follow: true,
    recordings: {
      observer: {
        ...UNWATCHED.recordings,
        finished: () => {
          throw bug;
        },
      },
    },
  });
  assertStrictEquals(await assertRejects(() => ended), bug);
  assertEquals(saver.last, "1");
});

Deno.test("a failure is not held up by those who would go on retrying for ever", async () => {
  const full = new Error("the disk is full");
  const { ended, clock } = start(batchesOf([upload("s1")], auditEvents(2)), {
    follow: true,
    setAside: () => Promise.reject(full),
    send: async (destination, events) => {
      if (destination.kind === "recording") throw new Error("refused");
      if (events[0]?.id === "upload s1") return 1;
      await clock.untilSleeping();
      throw new RejectedError("bad time", events.length);
    },
  });
  assertStrictEquals(await assertRejects(() => ended), full);
});

Deno.test("a state that cannot be saved is not held up by a receiver that is away", async () => {
  const { ended, saver } = start(batchesOf(auditEvents(2), [upload("s1")]), {
    follow: true,
    send: (_destination, events) =>
      events[0]?.id === "e0"
        ? Promise.resolve(events.length)
        : Promise.reject(new Error("connection refused")),
  });
  saver.fails = new Error("the disk is full");
  assertStrictEquals(await assertRejects(() => ended), saver.fails);
});

Deno.test("the recordings of an earlier run are taken up at once", async () => {
  const { ended, saver, stop, arrived } = start([], {
    follow: true,
    pending: { s1: pending({ index: 1, count: 1 }) },
  });
  await turnsUntil("the position to be saved", () => saver.last === "start");
  assertEquals(arrived, ["r2"]);
  stop.abort();
  await ended;
});

Deno.test("a run ends only when who is to be locked is, and that is saved", async () => {
  const asked = Promise.withResolvers<void>();
  const made = Promise.withResolvers<void>();
  const { ended, saver, clock } = start(
    batchesOf([auditEvent("mallory", { timeMs: new FakeClock().now() })]),
    {
      locking: {
        locker: {
          lock(_account, untilMs) {
            assertStrictEquals(untilMs, undefined);
            asked.resolve();
            return made.promise;
          },
        },
      },
    },
  );
  let over = false;
  ended.then(() => over = true);
  await asked.promise;
  for (let i = 0; i < 20; i++) await turn();
  assert(!over);
  made.resolve();
  await ended;
  assertEquals(saver.snapshots.at(-1)?.locks, {
    '["mallory",""]': clock.now() + 60_000,
  });
});
