import { GaveUpError, RejectedError } from "../../lib/errors.ts";
import { AUDIT, type AuditEvent, type Destination } from "../../lib/event.ts";
import {
  createDeliver,
  type Deliver,
  type DeliveryOptions,
} from "../../lib/pipeline/deliver.ts";
import type { Sink } from "../../lib/pipeline/ports.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "../assert.ts";
import { auditEvents, idsOf } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const RECORDING: Destination = { kind: "recording", sessionId: "s1" };

/** What a request brings: so many events taken, or an error. */
type Answer = (
  events: readonly AuditEvent[],
  kill: AbortSignal,
) => number | Error | Promise<number>;

interface Setup {
  readonly deliver: Deliver;
  readonly clock: FakeClock;
  readonly kill: AbortController;
  readonly giveUp: AbortController;
  /** The ids of each request. */
  readonly requests: string[];
  /** What arrived, in order. */
  readonly arrived: string[];
  readonly setAside: string[];
  /** What the observer was told. */
  readonly told: string[];
}

/** Takes everything, unless `answer` says otherwise. */
function setUp(
  answer: Answer = ({ length }) => length,
  options: Partial<DeliveryOptions> = {},
): Setup {
  const clock = new FakeClock();
  const kill = new AbortController();
  const giveUp = new AbortController();
  const requests: string[] = [];
  const arrived: string[] = [];
  const setAside: string[] = [];
  const told: string[] = [];
  const sink: Sink = {
    async send(_destination, events, signal) {
      requests.push(idsOf(events).join(" "));
      const result = await answer(events, signal);
      if (typeof result !== "number") throw result;
      arrived.push(...idsOf(events.slice(0, result)));
      return result;
    },
    close() {},
  };
  const deliver = createDeliver({
    sink,
    quarantine: {
      setAside(event, destination, reason) {
        setAside.push(`${destination.kind} ${event.id}: ${reason}`);
        return Promise.resolve();
      },
    },
    policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
    clock,
    observer: {
      delivered: ({ kind }, count) => told.push(`${kind} delivered ${count}`),
      setAside: ({ kind }, { id }) => told.push(`${kind} set aside ${id}`),
      failed: ({ kind }, { attempt }) => told.push(`${kind} failed ${attempt}`),
      recovered: ({ kind }) => told.push(`${kind} recovered`),
    },
    random: () => 0.5,
    ...options,
  }, { kill: kill.signal, giveUp: giveUp.signal });
  return { deliver, clock, kill, giveUp, requests, arrived, setAside, told };
}

/** Refuses every request that holds one of these events, as a whole. */
function refusing(...ids: string[]): Answer {
  return (events) =>
    events.some(({ id }) => ids.includes(id))
      ? new RejectedError("bad time", events.length)
      : events.length;
}

Deno.test("events are delivered by one request, and the observer is told where to", async () => {
  const { deliver, requests, told } = setUp();
  await deliver(AUDIT, auditEvents(3));
  await deliver(RECORDING, auditEvents(2));
  assertEquals(requests, ["e0 e1 e2", "e0 e1"]);
  assertEquals(told, ["audit delivered 3", "recording delivered 2"]);
});

Deno.test("no events are no request", async () => {
  const { deliver, requests, told } = setUp();
  await deliver(AUDIT, []);
  assertEquals([requests, told], [[], []]);
});

Deno.test("what fails is sent again until it works", async () => {
  let failures = 50;
  const { deliver, clock, requests, arrived, told } = setUp(({ length }) =>
    failures-- > 0 ? new Error("connection refused") : length
  );
  await clock.runUntil(deliver(AUDIT, auditEvents(2)));
  assertEquals(requests.length, 51);
  assertEquals(arrived, ["e0", "e1"]);
  assertEquals(told.slice(-3), [
    "audit failed 50",
    "audit delivered 2",
    "audit recovered",
  ]);
});

Deno.test("what failed is told to be over once all of it is delivered or set aside, and not before", async () => {
  let failures = 2;
  const { deliver, clock, told } = setUp((events, kill) =>
    failures-- > 0
      ? new Error("connection refused")
      : refusing("e1")(events, kill)
  );
  await clock.runUntil(deliver(AUDIT, auditEvents(2)));
  assertEquals(told, [
    "audit failed 1",
    "audit failed 2",
    "audit delivered 1",
    "audit set aside e1",
    "audit recovered",
  ]);
});

Deno.test("a sink that takes fewer than given gets the rest, in order", async () => {
  const { deliver, requests, arrived, told } = setUp(({ length }) =>
    Math.min(2, length)
  );
  await deliver(AUDIT, auditEvents(5));
  assertEquals(requests, ["e0 e1 e2 e3 e4", "e2 e3 e4", "e4"]);
  assertEquals(arrived, ["e0", "e1", "e2", "e3", "e4"]);
  assertEquals(told, [
    "audit delivered 2",
    "audit delivered 2",
    "audit delivered 1",
  ]);
});

Deno.test("an event refused with 400 is set aside and the rest arrives, in order", async () => {
  for (let bad = 0; bad < 9; bad++) {
    const { deliver, arrived, setAside } = setUp(refusing(`e${bad}`));
    await deliver(AUDIT, auditEvents(9));
    assertEquals(setAside, [`audit e${bad}: bad time`]);
    assertEquals(
      arrived,
      idsOf(auditEvents(9)).filter((id) => id !== `e${bad}`),
    );
  }
});

Deno.test("several refused events are set aside, each by itself and in order", async () => {
  const { deliver, arrived, setAside, told } = setUp(
    refusing("e0", "e3", "e4", "e7"),
  );
  await deliver(RECORDING, auditEvents(8));
  assertEquals(setAside, [
    "recording e0: bad time",
    "recording e3: bad time",
    "recording e4: bad time",
    "recording e7: bad time",
  ]);
  assertEquals(arrived, ["e1", "e2", "e5", "e6"]);
  assertEquals(told.filter((line) => line.includes("set aside")), [
    "recording set aside e0",
    "recording set aside e3",
    "recording set aside e4",
    "recording set aside e7",
  ]);
});

Deno.test("finding one bad event takes few requests", async () => {
  const { deliver, requests } = setUp(refusing("e311"));
  await deliver(AUDIT, auditEvents(500));
  // Two for each halving.
  assertEquals(requests.length <= 1 + 2 * Math.ceil(Math.log2(500)), true);
});

Deno.test("when all are refused all are set aside, and nothing is thrown", async () => {
  const events = auditEvents(7);
  const { deliver, arrived, setAside } = setUp(refusing(...idsOf(events)));
  await deliver(AUDIT, events);
  assertEquals(arrived, []);
  assertEquals(setAside, idsOf(events).map((id) => `audit ${id}: bad time`));
});

Deno.test("only the events of the refused request are split", async () => {
  const { deliver, requests, arrived, setAside } = setUp((events) => {
    const request = events.slice(0, 2);
    return request.some(({ id }) => id === "e1")
      ? new RejectedError("bad time", request.length)
      : request.length;
  });
  await deliver(AUDIT, auditEvents(5));
  assertEquals(requests, ["e0 e1 e2 e3 e4", "e0", "e1", "e2 e3 e4", "e4"]);
  assertEquals(arrived, ["e0", "e2", "e3", "e4"]);
  assertEquals(setAside, ["audit e1: bad time"]);
});

Deno.test("an event that cannot be encoded is set aside without its neighbours", async () => {
  const { deliver, requests, arrived, setAside } = setUp((events) => {
    // As encoders do: what stands before it is taken, and then it is the first.
    const bad = events.findIndex(({ id }) => id === "e2");
    if (bad === 0) return new RejectedError("no Struct", 1);
    return bad === -1 ? events.length : bad;
  });
  await deliver(AUDIT, auditEvents(4));
  assertEquals(requests, ["e0 e1 e2 e3", "e2 e3", "e3"]);
  assertEquals(arrived, ["e0", "e1", "e3"]);
  assertEquals(setAside, ["audit e2: no Struct"]);
});

Deno.test("halves of a refused request are retried like any other", async () => {
  let failures = 3;
  const refuse = refusing("e0");
  const { deliver, clock, arrived, setAside } = setUp((events, kill) =>
    events.length < 4 && failures-- > 0
      ? new Error("connection refused")
      : refuse(events, kill)
  );
  await clock.runUntil(deliver(AUDIT, auditEvents(4)));
  assertEquals(setAside, ["audit e0: bad time"]);
  assertEquals(arrived, ["e1", "e2", "e3"]);
});

Deno.test("when an event cannot be set aside delivery stops and nothing behind it is sent", async () => {
  const full = new Error("the disk is full");
  const { deliver, arrived, told } = setUp(refusing("e2"), {
    quarantine: { setAside: () => Promise.reject(full) },
  });
  const error = await assertRejects(() => deliver(AUDIT, auditEvents(8)));
  assertStrictEquals(error, full);
  assertEquals(arrived, ["e0", "e1"]);
  assertEquals(told, ["audit delivered 2"]);
});

Deno.test("an event counts as set aside only once it is safe", async () => {
  const safe = Promise.withResolvers<void>();
  const { deliver, told } = setUp(refusing("e0"), {
    quarantine: { setAside: () => safe.promise },
  });
  const delivery = deliver(AUDIT, auditEvents(1));
  await Promise.resolve();
  assertEquals(told, []);
  safe.resolve();
  await delivery;
  assertEquals(told, ["audit set aside e0"]);
});

Deno.test("it gives up when the policy says so, with the cause in words", async () => {
  const { deliver, clock, arrived } = setUp(
    () => new Error("connection refused"),
    { policy: { initialMs: 500, maxMs: 30_000, timeoutMs: 60_000 } },
  );
  await assertRejects(
    () => clock.runUntil(deliver(AUDIT, auditEvents(1))),
    GaveUpError,
    "connection refused",
  );
  assertEquals(arrived, []);
});

Deno.test("each request has the whole time of the policy", async () => {
  let sent = 0;
  const { deliver, clock, arrived } = setUp(
    () => ++sent % 5 === 0 ? 1 : new Error("connection refused"),
    { policy: { initialMs: 1_000, maxMs: 30_000, timeoutMs: 10_000 } },
  );
  await clock.runUntil(deliver(AUDIT, auditEvents(3)));
  assertEquals(arrived, ["e0", "e1", "e2"]);
});

Deno.test("a sink that gives up is not asked again", async () => {
  const closed = new GaveUpError("standard output is closed");
  const { deliver, requests } = setUp(() => closed);
  assertStrictEquals(
    await assertRejects(() => deliver(AUDIT, auditEvents(1))),
    closed,
  );
  assertEquals(requests.length, 1);
});

Deno.test("killed while it waits for the next attempt, it throws the reason", async () => {
  const { deliver, clock, kill, requests } = setUp(() => new Error("no"));
  const delivery = deliver(AUDIT, auditEvents(1));
  await clock.untilSleeping();
  const reason = new Error("killed");
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => delivery), reason);
  assertEquals(requests.length, 1);
  assertEquals(clock.sleeping, 0);
});

Deno.test("killed in the middle of a request, it throws the reason and tells nobody of a delivery", async () => {
  const { deliver, kill, told } = setUp((_events, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    })
  );
  const delivery = deliver(AUDIT, auditEvents(1));
  const reason = new Error("killed");
  kill.abort(reason);
  assertStrictEquals(await assertRejects(() => delivery), reason);
  assertEquals(told, []);
});

Deno.test("told to give up, it finishes its request and makes no other attempt", async () => {
  const answer = Promise.withResolvers<number>();
  const { deliver, giveUp, arrived } = setUp(() => answer.promise);
  const delivery = deliver(AUDIT, auditEvents(1));
  giveUp.abort(new Error("something else failed"));
  answer.resolve(1);
  await delivery;
  assertEquals(arrived, ["e0"]);
});

Deno.test("told to give up while it waits for the next attempt, it throws the reason", async () => {
  const { deliver, clock, giveUp } = setUp(() => new Error("no"));
  const delivery = deliver(AUDIT, auditEvents(1));
  await clock.untilSleeping();
  const reason = new Error("something else failed");
  giveUp.abort(reason);
  assertStrictEquals(await assertRejects(() => delivery), reason);
});
