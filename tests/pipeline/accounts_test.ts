import { RejectedError } from "../../lib/errors.ts";
import type { Batch } from "../../lib/event.ts";
import { Account, Accounts } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import type { Saver, Sink } from "../../lib/pipeline/ports.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { run } from "../../lib/pipeline/run.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { auditEvent, auditEvents, position } from "../fakes/audit_events.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { recorded } from "./recordings_setup.ts";

/** What the accounts say at one moment. */
interface Entry {
  readonly audit: number;
  readonly recording: number;
  readonly inFlight: number;
}

/**
 * Forwards batches with recordings by this sink, and looks at the accounts at each
 * turn of the event loop and at each save.
 */
async function forwardAll(
  send: Sink["send"],
  { kill = new AbortController(), entries = [] }: {
    kill?: AbortController;
    entries?: Entry[];
  } = {},
) {
  const clock = new FakeClock();
  const accounts = new Accounts();
  const look = () =>
    entries.push({
      audit: accounts.audit.missing,
      recording: accounts.recording.missing,
      inFlight: accounts.audit.inFlight + accounts.recording.inFlight,
    });
  const saver: Saver = {
    keepSaved: () => Promise.resolve(),
    saved: () => Promise.resolve(),
    save: () => Promise.resolve(void look()),
  };
  const batches: Batch[] = Array.from({ length: 30 }, (_, i) => ({
    events: [
      ...auditEvents(i % 7, { first: 100 * i }),
      auditEvent(`skipped ${i}`, { type: "print" }),
      ...i % 5 === 0 ? [auditEvent(`u${i}`, { sessionId: `s${i}` })] : [],
    ],
    position: position(i),
    more: i % 4 !== 0,
  }));
  const random = new Random(3, 1);
  let streams = 0;
  const ended = run({
    progress: new Progress({ position: position("start"), recordings: {} }, {
      clock,
      onChange: look,
    }),
    saver,
    accounts,
    delivery: {
      sink: { send, close() {} },
      quarantine: { setAside: () => turn() },
      policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
      clock,
      observer: {
        delivered: look,
        setAside: look,
        failed: look,
        recovered: look,
      },
      random: () => 0.5,
    },
    events: {
      source: {
        async *read(_from, stop) {
          for (const batch of batches) {
            await turn();
            if (stop.aborted) return;
            yield batch;
          }
        },
      },
      filter: typeFilter([], ["print"]),
      maxEvents: 4,
      maxBytes: Infinity,
      maxRequests: 3,
      // Told in the middle of a step, as it were.
      observer: {
        read() {},
        advanced: look,
        caughtUp() {
          look();
          return look;
        },
      },
    },
    recordings: {
      source: {
        async *stream(_sessionId, startIndex) {
          const events = recorded([0, 1, 2, 2, 3, 4, 5, 6], {
            types: ["exec", "print"],
          });
          for (const event of events) {
            if (event.index < startIndex) continue;
            await turn();
            yield { events: [event] };
            if (streams < 20 && random.below(6) === 0) {
              streams++;
              throw new Error("cut off");
            }
          }
        },
      },
      filter: typeFilter([], ["print"]),
      concurrency: 2,
      maxEvents: 3,
      maxBytes: Infinity,
      follow: false,
      clock,
      observer: {
        read() {},
        finished: look,
        full: look,
        retried: look,
        missing: look,
        failed: look,
      },
    },
  }, { stop: never(), kill: kill.signal });
  const outcome = clock.runUntil(ended);
  let over = false;
  const watching = (async () => {
    while (!over) {
      look();
      await turn();
    }
  })();
  try {
    await outcome;
  } finally {
    over = true;
    await watching;
    look();
  }
  return { accounts, entries };
}

/** Takes, refuses, splits and fails at random. */
function fickle(seed: number): Sink["send"] {
  const random = new Random(seed, 0);
  return async (_destination, events) => {
    for (let i = random.below(4); i >= 0; i--) await turn();
    const count = 1 + random.below(events.length);
    switch (random.below(5)) {
      case 0:
        throw new Error("connection refused");
      case 1:
        throw new RejectedError("bad time", count);
      case 2:
        throw new RejectedError("too large", count, { oversized: 1 });
    }
    return count;
  };
}

Deno.test("the accounts balance at every moment, whatever goes wrong", async () => {
  for (let seed = 0; seed < 15; seed++) {
    const { accounts, entries } = await forwardAll(fickle(seed));
    for (const { audit, recording } of entries) {
      assertEquals([audit, recording], [0, 0], `seed ${seed}`);
    }
    assert(entries.some(({ inFlight }) => inFlight > 5));
    assertEquals(entries.at(-1)?.inFlight, 0);
    const { read, filtered, delivered, setAside } = accounts.audit;
    assertEquals(filtered, 30);
    assertEquals(read, 30 + delivered + setAside);
    assert(setAside > 0 && delivered > 0);
    assert(accounts.recording.filtered > 0);
    assert(accounts.recording.delivered > 0);
  }
});

Deno.test("the accounts of a run that is killed balance too: what is lost to it is in flight", async () => {
  const kill = new AbortController();
  let sent = 0;
  const reason = new Error("killed");
  const entries: Entry[] = [];
  const ended = forwardAll(async (_destination, { length }) => {
    await turn();
    if (++sent === 10) kill.abort(reason);
    kill.signal.throwIfAborted();
    return length;
  }, { kill, entries });
  assertEquals(await assertRejects(() => ended), reason);
  assert(entries.length > 10);
  assert((entries.at(-1)?.inFlight ?? 0) > 0);
  for (const { audit, recording } of entries) {
    assertEquals([audit, recording], [0, 0]);
  }
});

Deno.test("a sink that says it took more than it was given is noticed", async () => {
  let sent = 0;
  const { entries } = await forwardAll((_destination, { length }) =>
    Promise.resolve(++sent === 5 ? length + 1 : length)
  );
  assert(entries.at(-1)?.audit !== 0 || entries.at(-1)?.recording !== 0);
});

Deno.test("an event that a stage loses is missing, and one in two places is below zero", () => {
  const account = new Account();
  const buffer = [1, 2, 3];
  const release = account.hold(() => buffer.length);
  account.read = 6;
  account.filtered = 1;
  account.sending = 2;
  assertEquals([account.missing, account.inFlight], [0, 5]);
  buffer.pop();
  assertEquals(account.missing, 1);
  account.delivered = 3;
  assertEquals(account.missing, -2);
  release();
  assertEquals(account.inFlight, 2);
});
