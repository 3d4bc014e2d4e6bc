import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { auditEvent, auditEvents, idsOf } from "../fakes/audit_events.ts";
import { turn } from "../fakes/fake_clock.ts";
import { type HeldRequest, startForwarding } from "./forward_setup.ts";

/** The ids of the requests under way. */
function underWay(requests: readonly HeldRequest[]): string[] {
  return requests.map(({ ids }) => ids.join(" "));
}

/** Lets every request succeed until there is none. */
async function deliverAll(requests: readonly HeldRequest[]): Promise<void> {
  await turn();
  while (requests[0] !== undefined) {
    requests[0].succeed();
    await turn();
  }
}

Deno.test("everything arrives in order, and the position is that of the last batch", async () => {
  const run = startForwarding();
  const events = auditEvents(20);
  run.source.give(events.slice(0, 7));
  run.source.give(events.slice(7, 8));
  run.source.give(events.slice(8), { more: false });
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(run.delivered, idsOf(events));
  assertEquals(run.positions, ["1", "2", "3"]);
});

Deno.test("the position waits for the batch before, although the one behind it is delivered", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(3));
  run.source.give(auditEvents(3, { first: 3 }));
  await turn();
  const [first, second] = run.requests;
  second?.succeed();
  await turn();
  assertEquals(run.delivered, ["e3", "e4", "e5"]);
  assertEquals(run.positions, []);
  first?.succeed();
  await turn();
  assertEquals(run.positions, ["1", "2"]);
  run.source.end();
  await run.ended;
});

Deno.test("a batch of which every event is filtered away moves the position", async () => {
  const run = startForwarding({ types: ["wanted"] });
  run.source.give(auditEvents(50));
  run.source.give([]);
  await turn();
  assertEquals(run.positions, ["1", "2"]);
  assertEquals(run.requests.length, 0);
  assertEquals(run.told, ["read 50, kept 0", "read 0, kept 0"]);
  run.source.end();
  await run.ended;
});

Deno.test("a filtered batch does not move the position past an undelivered event", async () => {
  const run = startForwarding({ types: ["wanted"] });
  run.source.give([auditEvent("a", { type: "wanted" })]);
  for (let i = 0; i < 5; i++) run.source.give(auditEvents(2));
  await turn();
  assertEquals(run.positions, []);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(run.positions.at(-1), "6");
  run.source.end();
  await run.ended;
});

Deno.test("what a batch is held in is freed once all in it is delivered, and not sooner", async () => {
  const run = startForwarding();
  const freed: string[] = [];
  const give = (name: string, first: number, count: number) =>
    run.source.give(auditEvents(count, { first }), {
      release: () => freed.push(name),
    });
  give("a", 0, 2);
  give("b", 2, 5);
  await turn();
  assertEquals(underWay(run.requests), ["e0 e1", "e2 e3 e4"]);
  run.requests[1]?.succeed();
  await turn();
  assertEquals(freed, []);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(freed, ["a"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(freed, ["a", "b"]);
});

Deno.test("what a batch is held in is freed although a request before it is late, and its position waits", async () => {
  const run = startForwarding();
  const freed: string[] = [];
  run.source.give(auditEvents(2), { release: () => freed.push("a") });
  run.source.give(auditEvents(3, { first: 2 }), {
    release: () => freed.push("b"),
  });
  await turn();
  assertEquals(underWay(run.requests), ["e0 e1", "e2 e3 e4"]);
  run.requests[1]?.succeed();
  await turn();
  assertEquals(freed, ["b"]);
  assertEquals(run.positions, []);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(freed, ["b", "a"]);
  assertEquals(run.positions.length, 2);
  run.source.end();
  await run.ended;
});

Deno.test("a batch that nobody wants an event of is freed at once, and once", async () => {
  const run = startForwarding({ types: ["wanted"] });
  const freed: string[] = [];
  run.source.give([auditEvent("a", { type: "wanted" })]);
  run.source.give(auditEvents(2), { release: () => freed.push("b") });
  await turn();
  assertEquals(freed, ["b"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(freed, ["b"]);
});

Deno.test("what could not be delivered is not freed", async () => {
  const run = startForwarding();
  const freed: string[] = [];
  run.source.give(auditEvents(2), { release: () => freed.push("a") });
  await turn();
  run.requests[0]?.fail(new Error("gave up"));
  await assertRejects(() => run.ended, Error, "gave up");
  assertEquals(freed, []);
});

Deno.test("only what passes the filter is sent, but recordings are announced all the same", async () => {
  const run = startForwarding({ types: ["wanted"] });
  run.source.give([
    auditEvent("a", { type: "session.upload", sessionId: "s1" }),
    auditEvent("b", { type: "wanted" }),
    auditEvent("c", { type: "session.upload", sessionId: "s2" }),
  ]);
  await turn();
  assertEquals(underWay(run.requests), ["b"]);
  assertEquals(run.announced, []);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(run.announced, ["s1", "s2"]);
  run.source.end();
  await run.ended;
});

Deno.test("no recording is forgotten when filtered batches are passed together", async () => {
  const run = startForwarding({ types: ["wanted"] });
  run.source.give([auditEvent("a", { type: "wanted" })]);
  for (const sessionId of ["s1", "s2", "s3"]) {
    run.source.give([auditEvent(sessionId, { sessionId })]);
  }
  await deliverAll(run.requests);
  assertEquals(run.announced, ["s1", "s2", "s3"]);
  run.source.end();
  await run.ended;
});

Deno.test("the first event is sent at once, and those behind it fill the next request", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(1));
  await turn();
  assertEquals(underWay(run.requests), ["e0"]);
  run.source.give(auditEvents(1, { first: 1 }));
  run.source.give(auditEvents(1, { first: 2 }));
  await turn();
  assertEquals(underWay(run.requests), ["e0"]);
  run.source.give(auditEvents(1, { first: 3 }));
  await turn();
  assertEquals(underWay(run.requests), ["e0", "e1 e2 e3"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
});

Deno.test("a partial request goes out once nothing is in flight", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(4));
  await turn();
  assertEquals(underWay(run.requests), ["e0 e1 e2"]);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(underWay(run.requests), ["e3"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
});

Deno.test("a partial request goes out once the source is idle, whatever is in flight", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(4), { more: false });
  await turn();
  assertEquals(underWay(run.requests), ["e0 e1 e2", "e3"]);
  assertEquals(run.told, ["read 4, kept 4", "caught up"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
});

Deno.test("that all is delivered is told for what was read by then, whatever is read next", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(1), { more: false });
  await turn();
  run.source.give(auditEvents(1, { first: 1 }), { more: false });
  await turn();
  const allDelivered = () => run.told.filter((it) => it === "all delivered");
  assertEquals(allDelivered().length, 0);
  run.requests[0]?.succeed();
  await turn();
  assertEquals(underWay(run.requests), ["e1"]);
  assertEquals(allDelivered().length, 1);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(allDelivered().length, 2);
});

Deno.test("a request that finds room is not sent half full while others fill it", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(12));
  await turn();
  // Both finish in the same moment, with one and a half requests to go.
  for (const request of [...run.requests]) request.succeed();
  await turn();
  assertEquals(underWay(run.requests), ["e6 e7 e8", "e9 e10 e11"]);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
});

Deno.test("large events make requests of fewer", async () => {
  const large = (id: string, bytes: number) =>
    auditEvent(id, { payload: new Uint8Array(bytes) });
  const run = startForwarding({ maxBytes: 100, maxRequests: 4 });
  run.source.give([
    large("a", 60),
    large("b", 60),
    large("c", 500),
    large("d", 40),
    large("e", 60),
    large("f", 1),
  ], { more: false });
  await turn();
  assertEquals(underWay(run.requests), ["a", "b", "c", "d e"]);
  await deliverAll(run.requests);
  assertEquals(run.delivered.join(" "), "a b c d e f");
  run.source.end();
  await run.ended;
});

Deno.test("never more than maxRequests are in flight, and reading waits for them", async () => {
  const run = startForwarding({ maxRequests: 3 });
  for (let i = 0; i < 40; i++) {
    run.source.give(auditEvents(2, { first: 2 * i }));
  }
  let most = 0;
  while (run.delivered.length < 78) {
    await turn();
    most = Math.max(most, run.requests.length);
    const held = run.source.asked * 2 - run.delivered.length;
    // Three requests of three, less than one of three waiting, one batch of two.
    assert(held <= 3 * 3 + 2 + 2 + 2, `${held} events are held`);
    run.requests.at(-1)?.succeed();
  }
  assertEquals(most, 3);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(new Set(run.delivered).size, 80);
});

Deno.test("events that are large fill a request by their bytes, and reading waits for room for it", async () => {
  const run = startForwarding({
    maxEvents: 1_000,
    maxBytes: 100,
    maxRequests: 2,
  });
  const large = (id: string) => auditEvent(id, { payload: new Uint8Array(60) });
  for (let i = 0; i < 20; i++) run.source.give([large(`e${i}`)]);
  await turn();
  // Two are under way, and two wait, which are more than one request may have.
  assertEquals(underWay(run.requests), ["e0", "e1"]);
  assertEquals(run.source.asked, 4);
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(run.delivered.length, 20);
});

Deno.test("a request that hangs lets only so much overtake it", async () => {
  const run = startForwarding({ maxEvents: 1 });
  run.source.give(auditEvents(1_000));
  await turn();
  const [hanging] = run.requests;
  for (let last = -1; last !== run.delivered.length;) {
    last = run.delivered.length;
    run.requests.find((request) => request !== hanging)?.succeed();
    await turn();
  }
  assertEquals(run.delivered.length, 2 * 10 - 1);
  assertEquals(run.positions, []);
  hanging?.succeed();
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(run.delivered.length, 1_000);
  assertEquals(run.positions, ["1"]);
});

Deno.test("a batch of 300,000 events is no trouble", async () => {
  const events = auditEvents(1).flatMap((event) =>
    new Array<typeof event>(300_000).fill(event)
  );
  let delivered = 0;
  const run = startForwarding({
    maxEvents: 500,
    maxRequests: 4,
    deliver: (_destination, { length }) => {
      delivered += length;
      return Promise.resolve();
    },
  });
  run.source.give(events);
  run.source.end();
  await run.ended;
  assertEquals(delivered, 300_000);
});

Deno.test("while recordings have no room nothing more is read, and then it goes on", async () => {
  let room = Promise.withResolvers<void>();
  const run = startForwarding({ roomForRecordings: () => room.promise });
  for (let i = 0; i < 3; i++) run.source.give(auditEvents(1, { first: i }));
  await deliverAll(run.requests);
  assertEquals(run.delivered, ["e0"]);
  room.resolve();
  room = Promise.withResolvers();
  await deliverAll(run.requests);
  assertEquals(run.delivered, ["e0", "e1"]);
  room.resolve();
  run.source.end();
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(run.delivered, ["e0", "e1", "e2"]);
});

Deno.test("a failing delivery is thrown even while the source waits for its next poll", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(1), { more: false });
  await turn();
  const error = new Error("the disk is full");
  run.requests[0]?.fail(error);
  assertStrictEquals(await assertRejects(() => run.ended), error);
  assertEquals(run.positions, []);
});

Deno.test("a failing delivery is thrown while reading waits for room", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(30));
  await turn();
  const error = new Error("the disk is full");
  const [first, second] = run.requests;
  second?.fail(error);
  await turn();
  first?.succeed();
  assertStrictEquals(await assertRejects(() => run.ended), error);
  // What was in flight is waited for, and nothing else is sent.
  assertEquals(run.delivered, ["e0", "e1", "e2"]);
  assertEquals(run.requests.length, 0);
});

Deno.test("a failing delivery is thrown while recordings have no room", async () => {
  const run = startForwarding({
    roomForRecordings: (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  run.source.give(auditEvents(1));
  await turn();
  const error = new Error("the disk is full");
  run.requests[0]?.fail(error);
  assertStrictEquals(await assertRejects(() => run.ended), error);
});

Deno.test("the first of several failures is the one that is thrown", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(6));
  await turn();
  const [first, second] = run.requests;
  const error = new Error("first to fail");
  second?.fail(error);
  first?.fail(new Error("second to fail"));
  assertStrictEquals(await assertRejects(() => run.ended), error);
});

Deno.test("a source that fails is thrown once what is in flight is delivered", async () => {
  const error = new Error("start-id: there is no such event");
  const run = startForwarding({
    source: {
      async *read() {
        yield {
          events: auditEvents(4),
          position: {
            kind: "page",
            start: "",
            cursor: "1",
            seen: [],
            newest: null,
          },
          more: true,
        };
        await turn();
        throw error;
      },
    },
  });
  await turn();
  await deliverAll(run.requests);
  assertStrictEquals(await assertRejects(() => run.ended), error);
  assertEquals(run.delivered.length, 3);
});

Deno.test("a position that cannot be taken is thrown", async () => {
  const error = new Error("cannot advance");
  const run = startForwarding({
    advance: () => {
      throw error;
    },
  });
  run.source.give(auditEvents(1));
  await deliverAll(run.requests);
  assertStrictEquals(await assertRejects(() => run.ended), error);
});

Deno.test("stopped, it delivers what was read, and the position is that of the last batch read", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(7));
  run.source.give(auditEvents(4, { first: 7 }));
  run.source.give(auditEvents(4, { first: 11 }));
  await turn();
  run.stop.abort();
  await deliverAll(run.requests);
  await run.ended;
  // It was waiting for room with the second batch.
  assertEquals(run.delivered, idsOf(auditEvents(11)));
  assertEquals(run.positions, ["1", "2"]);
});

Deno.test("a source that fails once it is stopped is thrown all the same", async () => {
  const error = new Error("what was left out cannot be noted");
  const run = startForwarding({
    source: {
      // deno-lint-ignore require-yield
      async *read(_from, stop) {
        await new Promise((resolve) =>
          stop.addEventListener("abort", resolve, { once: true })
        );
        throw error;
      },
    },
  });
  run.stop.abort(new Error("stopped"));
  assertStrictEquals(await assertRejects(() => run.ended), error);
});

Deno.test("stopped while it waits for its source, it ends at once", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(2), { more: false });
  await deliverAll(run.requests);
  run.stop.abort();
  await run.ended;
  assertEquals(run.positions, ["1"]);
});

Deno.test("stopped while recordings have no room, it ends and the events are delivered", async () => {
  const run = startForwarding({
    roomForRecordings: (signal) =>
      new Promise((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  run.source.give(auditEvents(4));
  await turn();
  run.stop.abort(new Error("stopped"));
  await deliverAll(run.requests);
  await run.ended;
  assertEquals(run.delivered.length, 4);
  assertEquals(run.positions, ["1"]);
});

Deno.test("stopped before it began, it does nothing", async () => {
  const run = startForwarding();
  run.stop.abort();
  run.source.give(auditEvents(2));
  await run.ended;
  assertEquals(run.delivered, []);
});

Deno.test("killed, it throws the reason and the position is not moved", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(3));
  run.source.give(auditEvents(9, { first: 3 }));
  await turn();
  run.requests[0]?.succeed();
  await turn();
  const reason = new Error("killed");
  run.stop.abort(new Error("stopped"));
  run.kill.abort(reason);
  assertStrictEquals(await assertRejects(() => run.ended), reason);
  assertEquals(run.positions, ["1"]);
  assertEquals(run.delivered, ["e0", "e1", "e2"]);
});

Deno.test("killed with nothing in flight, nothing is undelivered and nothing is thrown", async () => {
  const run = startForwarding();
  run.source.give(auditEvents(3));
  await deliverAll(run.requests);
  run.kill.abort(new Error("killed"));
  await run.ended;
  assertEquals(run.positions, ["1"]);
});
