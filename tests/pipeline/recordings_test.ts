import { AUDIT, wholePayload } from "../../lib/event.ts";
import { Account } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import {
  cutting,
  pending,
  recorded,
  Requests,
  type Script,
  startRecordings,
  streaming,
} from "./recordings_setup.ts";

const NEVER = never();
const ELEVEN = recorded([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

/** Streams one event, and then waits until it is stopped or allowed to go on. */
function waiting(goOn: Promise<void>): Script {
  return async function* (_startIndex, signal) {
    yield* recorded([0]);
    signal.throwIfAborted();
    await Promise.race([
      goOn,
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      ),
    ]);
  };
}

Deno.test("a recording is delivered in order and then forgotten", async () => {
  const run = startRecordings({ s1: streaming(ELEVEN) });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(run.text("s1"), idsOf(ELEVEN).join(" "));
  assertEquals(run.progress.recordings().size, 0);
  assertEquals(run.told, [
    ...Array(3).fill("read 3, kept 3"),
    "read 2, kept 2",
    "s1 finished",
  ]);
});

Deno.test("the requests of a recording follow one another, and the stream waits for them", async () => {
  const requests: string[] = [];
  let release = Promise.withResolvers<void>();
  let streamed = 0;
  const run = startRecordings({
    async *s1() {
      for (const event of ELEVEN) {
        streamed++;
        yield event;
      }
    },
  }, {
    deliver: (_destination, events) => {
      requests.push(idsOf(events).join(" "));
      return release.promise;
    },
  });
  run.announce("s1");
  await turn();
  assertEquals(requests, ["r0 r1 r2"]);
  // The next request fills meanwhile, and that is all.
  assertEquals(streamed, 6);
  const { resolve } = release;
  release = Promise.withResolvers();
  resolve();
  await turn();
  assertEquals(requests, ["r0 r1 r2", "r3 r4 r5"]);
  release.resolve();
  await run.recordings.drain();
  assertEquals(requests, ["r0 r1 r2", "r3 r4 r5", "r6 r7 r8", "r9 r10"]);
});

Deno.test("what a batch of a recording is held in is freed once its last event is delivered", async () => {
  const log: string[] = [];
  const batches = [ELEVEN.slice(0, 4), ELEVEN.slice(4, 5), ELEVEN.slice(5)];
  const run = startRecordings({}, {
    source: {
      async *stream() {
        for (const [i, events] of batches.entries()) {
          yield { events, release: () => log.push(`batch ${i} freed`) };
        }
      },
    },
    deliver: (_destination, events) => {
      log.push(idsOf(events).join(" "));
      return Promise.resolve();
    },
  });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(log, [
    "r0 r1 r2",
    "r3 r4 r5",
    "batch 0 freed",
    "batch 1 freed",
    "r6 r7 r8",
    "r9 r10",
    "batch 2 freed",
  ]);
});

Deno.test("once an attempt at a recording is over, nothing of it is kept for the accounts", async () => {
  let held = 0;
  class Watched extends Account {
    override hold(count: () => number): () => void {
      held++;
      const release = super.hold(count);
      return () => {
        held--;
        release();
      };
    }
  }
  const run = startRecordings({
    whole: streaming(ELEVEN),
    cut: cutting(ELEVEN, [4]),
  }, { account: new Watched() });
  run.announce("whole", "cut", "missing");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.text("cut"), run.text("whole"));
  assertEquals(held, 0);
});

Deno.test("what is skipped of a recording is not held until something of it is sent", async () => {
  const BATCHES = 200;
  const skipped = (first: number, count: number) =>
    recorded(
      Array.from({ length: count }, (_, i) => first + i),
      { types: Array.from({ length: count }, () => "print") },
    ).map((event) => ({ ...event, ...wholePayload(new Uint8Array(50)) }));
  for (const kept of [0, 1]) {
    let held = 0;
    let mostHeld = 0;
    let mark: number | undefined;
    const run = startRecordings({}, {
      maxEvents: 500,
      maxBytes: 1_000,
      source: {
        async *stream() {
          for (let batch = 0; batch < BATCHES; batch++) {
            mostHeld = Math.max(mostHeld, ++held);
            mark = run.progress.recordings().get("s1")?.index;
            yield {
              events: [
                ...skipped(10 * batch, 10 - kept),
                ...recorded([10 * batch + 9]).slice(0, kept),
              ],
              release: () => held--,
            };
            await turn();
          }
        },
      },
    });
    run.announce("s1");
    await run.recordings.drain();
    assertStrictEquals(held, 0);
    // Of one request in flight, and of the one that fills.
    assertLessOrEqual(mostHeld, 10, `${kept} of 10 kept`);
    // Nor is what is known of it further behind.
    assert(mark !== undefined && mark >= 10 * (BATCHES - 10));
    assertStrictEquals(
      run.arrived.get("s1")?.length ?? 0,
      kept * BATCHES,
    );
  }
});

Deno.test("what of a recording could not be delivered is not freed", async () => {
  const freed: number[] = [];
  const run = startRecordings({}, {
    source: {
      async *stream() {
        yield { events: ELEVEN, release: () => freed.push(0) };
      },
    },
    deliver: () => Promise.reject(new Error("gave up")),
  });
  run.announce("s1");
  await assertRejects(() => run.recordings.drain(), Error, "gave up");
  assertEquals(freed, []);
});

Deno.test("large events make requests of fewer", async () => {
  const requests: number[] = [];
  const large = ELEVEN.map((event) => ({
    ...event,
    ...wholePayload(new Uint8Array(60)),
  }));
  const run = startRecordings({ s1: streaming(large) }, {
    maxBytes: 100,
    deliver: (_destination, { length }) => {
      requests.push(length);
      return Promise.resolve();
    },
  });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(requests, [2, 2, 2, 2, 2, 1]);
});

Deno.test("never more than `concurrency` recordings are streamed at once", async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `s${i}`);
  const slow: Script = async function* () {
    for (const event of ELEVEN) {
      await turn();
      yield event;
    }
  };
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, slow])),
    { concurrency: 3 },
  );
  run.announce(...ids);
  await run.recordings.drain();
  assertEquals(run.open, { now: 0, most: 3 });
  assertEquals(run.arrived.size, 20);
  for (const id of ids) assertEquals(run.text(id), idsOf(ELEVEN).join(" "));
});

Deno.test("many small recordings pass a huge one, of which little is held meanwhile", async () => {
  const SMALL = 200;
  const MAX_EVENTS = 3;
  const small = Array.from({ length: SMALL }, (_, i) => `s${i}`);
  let streamed = 0;
  let delivered = 0;
  let mostHeld = 0;
  let smallDone = false;
  const arrived = new Map<string, number>();
  const run = startRecordings({
    ...Object.fromEntries(small.map((id) => [id, streaming(ELEVEN)])),
    async *huge() {
      // As long as there is anything else to do, and a bit longer.
      for (let rest = 100; rest > 0; smallDone && rest--) {
        streamed++;
        yield* recorded([streamed]);
      }
    },
  }, {
    concurrency: 2,
    maxEvents: MAX_EVENTS,
    async deliver(destination, events) {
      const key = destination.kind === "recording" ? destination.sessionId : "";
      if (key === "huge") mostHeld = Math.max(mostHeld, streamed - delivered);
      await turn();
      arrived.set(key, (arrived.get(key) ?? 0) + events.length);
      if (key === "huge") delivered += events.length;
      smallDone = small.every((id) => arrived.get(id) === ELEVEN.length);
    },
  });
  run.announce("huge", ...small);
  await run.recordings.drain();
  assertStrictEquals(arrived.size, SMALL + 1);
  assertStrictEquals(arrived.get("huge"), streamed);
  assertLessOrEqual(mostHeld, 2 * MAX_EVENTS);
  assertStrictEquals(run.open.most, 2);
});

/** That there is no room before `goOn` is called, and is some after that. */
async function assertNoRoomUntil(
  { recordings }: ReturnType<typeof startRecordings>,
  goOn: () => void,
): Promise<void> {
  let room = false;
  const waited = recordings.room(NEVER).then(() => {
    room = true;
  });
  await turn();
  assertEquals(room, false);
  goOn();
  await waited;
}

Deno.test("at most 16 x `concurrency` recordings wait for their first attempt: then there is no room", async () => {
  const goOn = Promise.withResolvers<void>();
  const ids = Array.from({ length: 32 }, (_, i) => `s${i}`);
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, waiting(goOn.promise)])),
  );
  run.announce(...ids.slice(0, 31));
  await run.recordings.room(NEVER);
  run.announce("s31");
  await assertNoRoomUntil(run, () => goOn.resolve());
  await run.recordings.drain();
  assertEquals(run.arrived.size, 32);
});

Deno.test("that reading events waits for recordings is told each time, and only then", async () => {
  const goOn = Promise.withResolvers<void>();
  const ids = Array.from({ length: 32 }, (_, i) => `s${i}`);
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, waiting(goOn.promise)])),
  );
  const told = () => run.told.filter((line) => line === "no room").length;
  run.announce(...ids.slice(0, 31));
  await run.recordings.room(NEVER);
  assertEquals(told(), 0);
  run.announce("s31");
  await assertNoRoomUntil(run, () => goOn.resolve());
  assertEquals(told(), 1);
  await run.recordings.drain();
  await run.recordings.room(NEVER);
  assertEquals(told(), 1);
});

Deno.test("more recordings than there is room for, announced by one batch, are all delivered", async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `s${i}`);
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, streaming(ELEVEN)])),
  );
  run.announce(...ids);
  await run.recordings.room(NEVER);
  // Two are under way and 29 wait at the most.
  assertLessOrEqual(run.progress.recordings().size, 31);
  await run.recordings.drain();
  assertEquals(run.arrived.size, 200);
});

Deno.test("recordings that fail take no room while they wait for their next attempt", async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `s${i}`);
  const run = startRecordings({}, { follow: true });
  run.announce(...ids);
  await run.recordings.room(NEVER);
  await turn();
  assertEquals(
    run.told.filter((line) => line.includes("failed 1")).length,
    100,
  );
  await run.recordings.room(NEVER);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("recordings that an earlier run could not read take no room", async () => {
  const left = Array.from({ length: 100 }, (_, i) => [
    `s${i}`,
    pending({ attempts: 1, notBeforeMs: Infinity }),
  ]);
  const run = startRecordings({}, {
    follow: true,
    pending: Object.fromEntries(left),
  });
  await run.recordings.room(NEVER);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("recordings that fail again and again make no more room than there is", async () => {
  const goOn = Promise.withResolvers<void>();
  const ids = Array.from({ length: 32 }, (_, i) => `s${i}`);
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, waiting(goOn.promise)])),
    { follow: true },
  );
  run.announce("missing");
  for (let i = 0; i < 5; i++) {
    await run.clock.untilSleeping();
    await run.clock.advance(60 * 60_000);
  }
  assertGreaterOrEqual(run.streams.length, 5);
  run.announce(...ids);
  await assertNoRoomUntil(run, () => goOn.resolve());
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("neither asking for room nor announcing a recording again takes any", async () => {
  const run = startRecordings({
    s1: streaming(ELEVEN),
    s2: streaming(ELEVEN),
  }, { concurrency: 1, requests: new Requests() });
  run.announce("s1", ...Array.from({ length: 20 }, () => "s2"));
  await run.recordings.drain();
  for (let i = 0; i < 20; i++) await run.recordings.room(NEVER);
});

Deno.test("waiting for room ends with the reason of its signal", async () => {
  const run = startRecordings(
    Object.fromEntries(
      Array.from(
        { length: 40 },
        (_, i) => [`s${i}`, waiting(new Promise(() => {}))],
      ),
    ),
  );
  run.announce(...Array.from({ length: 40 }, (_, i) => `s${i}`));
  const controller = new AbortController();
  const room = run.recordings.room(controller.signal);
  const reason = new Error("stopped");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => room), reason);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("skipped types are not sent, but the mark moves past them", async () => {
  const events = recorded([0, 1, 2, 3, 4], {
    types: ["print", "exec", "print", "print", "print"],
  });
  const run = startRecordings({ s1: cutting(events, [4]) }, { follow: true });
  run.announce("s1");
  await run.clock.untilSleeping();
  assertEquals(run.text("s1"), "r1");
  const { index, count } = run.progress.recordings().get("s1") ?? {};
  assertEquals({ index, count }, { index: 3, count: 1 });
  await run.clock.advance(10_000);
  assertEquals(run.streams, ["s1 0", "s1 3"]);
  assertEquals(run.text("s1"), "r1");
  assertEquals(run.told.at(-1), "s1 finished");
  run.stop.abort();
});

Deno.test("however much of a recording is skipped, its requests follow one another", async () => {
  let underWay = 0;
  let most = 0;
  const run = startRecordings({
    s1: streaming(recorded([0, 1, 2, 3], { types: Array(4).fill("print") })),
  }, {
    maxBytes: 1,
    deliver: async () => {
      most = Math.max(most, ++underWay);
      for (let i = 0; i < 5; i++) await turn();
      underWay--;
    },
  });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(most, 1);
});

Deno.test("a recording of which nothing is forwarded is finished all the same", async () => {
  const events = recorded([0, 1, 2], { types: ["print", "print", "print"] });
  const run = startRecordings({ s1: streaming(events) });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(run.text("s1"), "");
  assertEquals(run.told, ["read 3, kept 0", "s1 finished"]);
  assertEquals(run.progress.recordings().size, 0);
});

Deno.test("a recording that is announced twice is delivered once", async () => {
  const run = startRecordings({
    s1: streaming(ELEVEN),
    s2: streaming(ELEVEN),
  }, { concurrency: 1 });
  run.announce("s1", "s1", "s2", "s2");
  run.announce("s2");
  await run.recordings.drain();
  assertEquals(run.streams, ["s1 0", "s2 0"]);
  assertEquals(run.text("s1"), idsOf(ELEVEN).join(" "));
  assertEquals(run.text("s2"), idsOf(ELEVEN).join(" "));
});

Deno.test("a recording that is uploaded again while it is read is read on, and nothing of it twice", async () => {
  for (const follow of [true, false]) {
    const goOn = Promise.withResolvers<void>();
    let uploaded = 5;
    const kept: boolean[] = [];
    const run = startRecordings({
      async *s1(startIndex, signal) {
        // A reader sees what there was when it began.
        const events = ELEVEN.slice(0, uploaded);
        yield* streaming(events)(startIndex, signal);
        await goOn.promise;
        kept.push(run.progress.recordings().has("s1"));
      },
    }, { follow });
    run.announce("s1");
    await turn();
    uploaded = 11;
    run.announce("s1");
    goOn.resolve();
    await turn();
    run.stop.abort();
    await run.recordings.drain();
    assertEquals(run.text("s1"), idsOf(ELEVEN).join(" "));
    assertEquals(run.streams, ["s1 0", "s1 4"]);
    assertEquals(kept, [true, true]);
    assertEquals(run.progress.recordings().size, 0);
  }
});

Deno.test("a recording that is announced the moment it is finished is not forgotten", async () => {
  let again = true;
  const run = startRecordings({ s1: streaming(ELEVEN) }, {
    observer: {
      ...UNWATCHED.recordings,
      finished(sessionId) {
        if (again) queueMicrotask(() => run.announce(sessionId));
        again = false;
      },
    },
  });
  run.announce("s1");
  await run.recordings.drain();
  await turn();
  await run.recordings.drain();
  assertEquals(run.streams, ["s1 0", "s1 0"]);
  assertEquals(run.progress.recordings().size, 0);
});

Deno.test("a delivery that fails for good stops all recordings and is thrown", async () => {
  const failure = new Error("the disk is full");
  const run = startRecordings({
    s1: streaming(ELEVEN),
    s2: waiting(new Promise(() => {})),
  }, {
    deliver: (destination) =>
      destination !== AUDIT && destination.kind === "recording" &&
        destination.sessionId === "s1"
        ? Promise.reject(failure)
        : Promise.resolve(),
  });
  run.announce("s1", "s2");
  assertStrictEquals(
    await assertRejects(() => run.recordings.drain()),
    failure,
  );
  assertStrictEquals(run.recordings.failure.reason, failure);
  assertEquals(run.open.now, 0);
  // What was not delivered is still there for the next run.
  assertEquals(run.progress.recordings().get("s1")?.count, 0);
  assert(run.progress.recordings().has("s2"));
});

Deno.test("stopped in the middle, it delivers what was read and keeps the mark", async () => {
  const goOn = new Promise<void>(() => {});
  const run = startRecordings({
    async *s1(startIndex, signal) {
      yield* ELEVEN.slice(0, 5);
      yield* waiting(goOn)(startIndex, signal);
    },
  });
  run.announce("s1");
  await turn();
  run.stop.abort(new Error("stopped"));
  await run.recordings.drain();
  assertEquals(run.text("s1"), "r0 r1 r2 r3 r4 r0");
  assertEquals(run.open.now, 0);
  assertEquals(run.progress.recordings().get("s1"), {
    ...pending({ sinceMs: run.clock.now() }),
    index: 0,
    count: 1,
  });
});

Deno.test("stopped while the last events are delivered, it is not finished before they are", async () => {
  const delivery = Promise.withResolvers<void>();
  const run = startRecordings({ s1: streaming(recorded([0, 1])) }, {
    deliver: () => delivery.promise,
  });
  run.announce("s1");
  await turn();
  run.stop.abort();
  let drained = false;
  const drain = run.recordings.drain().then(() => {
    drained = true;
  });
  await turn();
  assertEquals(drained, false);
  delivery.resolve();
  await drain;
  assertEquals(run.progress.recordings().get("s1")?.index, 1);
});

Deno.test("stopped, it starts none of those that wait", async () => {
  const ids = ["s1", "s2", "s3", "s4"];
  const run = startRecordings(
    Object.fromEntries(ids.map((id) => [id, waiting(new Promise(() => {}))])),
  );
  run.announce(...ids);
  await turn();
  run.stop.abort();
  await run.recordings.drain();
  assertEquals(run.streams, ["s1 0", "s2 0"]);
  assertEquals([...run.progress.recordings().keys()], ids);
  assertEquals(run.clock.sleeping, 0);
});

Deno.test("stopped while it waits for the next attempt, it ends at once", async () => {
  for (const follow of [true, false]) {
    const run = startRecordings({}, { follow });
    run.announce("s1");
    await run.clock.untilSleeping();
    run.stop.abort();
    await run.recordings.drain();
    assertEquals(run.clock.sleeping, 0);
    assertEquals(run.progress.recordings().get("s1")?.attempts, 1);
  }
});

Deno.test("stopped while nothing but the next attempt is waited for, it ends at once", async () => {
  const run = startRecordings({});
  run.announce("s1");
  const drained = run.recordings.drain();
  await run.clock.untilSleeping();
  run.stop.abort();
  await drained;
  assert(run.progress.recordings().has("s1"));
});

Deno.test("nothing skipped, everything is forwarded, `print` too", async () => {
  const events = recorded([0, 1], { types: ["print", "exec"] });
  const run = startRecordings({ s1: streaming(events) }, {
    filter: typeFilter([], []),
  });
  run.announce("s1");
  await run.recordings.drain();
  assertEquals(run.text("s1"), "r0 r1");
});

Deno.test("a failing observer is a failure of the run, not a silent one, and the recording is kept", async () => {
  const bug = new Error("a bug");
  let isFirst = true;
  const run = startRecordings({ s1: streaming(ELEVEN) }, {
    observer: {
      ...UNWATCHED.recordings,
      read() {
        const fails = isFirst;
        isFirst = false;
        if (fails) throw bug;
      },
    },
  });
  run.announce("s1");
  assertStrictEquals(await assertRejects(() => run.recordings.drain()), bug);
  assert(run.progress.recordings().has("s1"));
});
