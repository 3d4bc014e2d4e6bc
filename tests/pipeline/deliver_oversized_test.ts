import { RejectedError } from "../../lib/errors.ts";
import {
  AUDIT,
  type AuditEvent,
  type Destination,
  sizeOf,
} from "../../lib/event.ts";
import { createDeliver } from "../../lib/pipeline/deliver.ts";
import { assert, assertEquals } from "../assert.ts";
import { auditEvent, idsOf } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";

const RECORDING: Destination = { kind: "recording", sessionId: "s1" };

/**
 * A receiver that keeps what fits one of its chunks, and refuses the whole
 * request where something does not, as Fluentd does.
 */
function setUp(
  isTooLarge: (event: AuditEvent) => boolean,
  { named = Infinity }: { named?: number } = {},
) {
  const requests: string[] = [];
  /** How often each event was kept. */
  const copies = new Map<string, number>();
  const setAside: string[] = [];
  let acknowledged = 0;
  const deliver = createDeliver({
    sink: {
      send(_destination, events) {
        requests.push(idsOf(events).join(" "));
        const causes = events.filter(isTooLarge);
        for (const event of events) {
          if (causes.includes(event)) continue;
          copies.set(event.id, (copies.get(event.id) ?? 0) + 1);
        }
        if (causes.length === 0) {
          acknowledged += events.length;
          return Promise.resolve(events.length);
        }
        const oversized = Math.min(named, causes.length);
        return Promise.reject(
          new RejectedError("too large", events.length, { oversized }),
        );
      },
      close() {},
    },
    quarantine: {
      setAside(event) {
        setAside.push(event.id);
        return Promise.resolve();
      },
    },
    policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
    clock: new FakeClock(),
    observer: UNWATCHED.delivery,
  }, {
    kill: never(),
    giveUp: never(),
  });
  return {
    deliver,
    requests,
    copies,
    setAside,
    acknowledged: () => acknowledged,
  };
}

/** Events of these sizes, named after their place. */
function sized(...sizes: readonly number[]): AuditEvent[] {
  return sizes.map((size, i) =>
    auditEvent(`e${i}`, { fields: { text: "x".repeat(size) } })
  );
}

const OVER_1000 = (event: AuditEvent) => sizeOf(event) > 1_000;

Deno.test("the event that is too large is found by its size, and the others are sent once more, in order", async () => {
  const { deliver, requests, copies, setAside } = setUp(OVER_1000);
  await deliver(AUDIT, sized(10, 900, 20, 2_000, 30, 800));
  assertEquals(requests, ["e0 e1 e2 e3 e4 e5", "e3", "e0 e1 e2 e4 e5"]);
  assertEquals(setAside, ["e3"]);
  assertEquals([...copies.values()], [2, 2, 2, 2, 2]);
});

Deno.test("several that are too large are found in one round", async () => {
  const { deliver, requests, copies, setAside } = setUp(OVER_1000);
  await deliver(RECORDING, sized(1_500, 10, 2_000, 20, 3_000));
  assertEquals(requests, ["e0 e1 e2 e3 e4", "e4", "e2", "e0", "e1 e3"]);
  assertEquals(setAside.toSorted(), ["e0", "e2", "e4"]);
  assertEquals([...copies.values()], [2, 2]);
});

Deno.test("an event that was too large once goes by itself from then on, and nothing is sent twice for it", async () => {
  const { deliver, requests, copies, setAside } = setUp(OVER_1000);
  await deliver(AUDIT, sized(10, 2_000));
  requests.length = 0;
  copies.clear();
  await deliver(AUDIT, sized(10, 20, 2_000, 30, 5_000, 5_000));
  assertEquals(requests, ["e0 e1", "e2", "e3", "e4", "e5"]);
  assertEquals([...copies.values()], [1, 1, 1]);
  assertEquals(setAside, ["e1", "e2", "e4", "e5"]);
  // It is the smallest that tells, and not the last.
  requests.length = 0;
  await deliver(AUDIT, sized(10, 2_000));
  assertEquals(requests, ["e0", "e1"]);
});

Deno.test("what is too large for recordings may go with others to the audit log", async () => {
  const { deliver, requests } = setUp(OVER_1000);
  await deliver(RECORDING, sized(2_000, 10));
  requests.length = 0;
  await deliver(AUDIT, sized(2_000, 10));
  assertEquals(requests, ["e0 e1", "e0", "e1"]);
});

Deno.test("a cause that is not the largest is found all the same, and nothing is lost", async () => {
  for (let bad = 0; bad < 6; bad++) {
    const test = setUp(({ id }) => id === `e${bad}`);
    await test.deliver(AUDIT, sized(10, 20, 30, 40, 50, 60));
    assertEquals(test.setAside, [`e${bad}`]);
    assertEquals(test.acknowledged(), 5);
    assert([...test.copies.values()].every((count) => count === 2));
  }
});

Deno.test("a receiver that names fewer causes than there are loses nothing either", async () => {
  const { deliver, copies, setAside, acknowledged } = setUp(OVER_1000, {
    named: 1,
  });
  await deliver(AUDIT, sized(1_500, 10, 2_000, 20, 3_000));
  assertEquals(setAside.toSorted(), ["e0", "e2", "e4"]);
  assertEquals(acknowledged(), 2);
  // Once for each round, of which there are as many as causes, and in the end.
  assertEquals([...copies.values()], [4, 4]);
});

Deno.test("whatever is too large, each other event is acknowledged once and kept twice at most", async () => {
  const random = new Random(5, 0);
  for (let round = 0; round < 50; round++) {
    const bad = new Set<string>();
    const events = sized(...Array.from({ length: 40 }, () => random.below(99)));
    for (let i = random.below(6); i >= 0; i--) bad.add(`e${random.below(40)}`);
    const test = setUp(({ id }) => bad.has(id));
    await test.deliver(AUDIT, events);
    assertEquals(new Set(test.setAside), bad);
    assertEquals(test.setAside.length, bad.size);
    assertEquals(test.acknowledged(), 40 - bad.size);
    assert([...test.copies.values()].every((count) => count <= 2));
  }
});
