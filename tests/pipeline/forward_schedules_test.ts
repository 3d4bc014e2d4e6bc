import type { AuditEvent, Batch } from "../../lib/event.ts";
import { Account } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import { forward } from "../../lib/pipeline/forward.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import {
  auditEvent,
  cursorOf,
  idsOf,
  position,
} from "../fakes/audit_events.ts";
import { Random } from "../fakes/random.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";

const SCHEDULES = 2_000;

/** How a schedule ends. */
type Ending = "source ends" | "stop" | "kill" | "failure";

/** Lets so many promises settle; short of a turn of the event loop. */
async function pass(ticks: number): Promise<void> {
  for (let i = 0; i < ticks; i++) await Promise.resolve();
}

function randomBatches(random: Random): Batch[] {
  let id = 0;
  return Array.from({ length: 1 + random.below(8) }, (_, i) => ({
    events: Array.from({ length: random.below(9) }, () => {
      const type = random.chance(0.3) ? "unwanted" : "wanted";
      const sessionId = random.chance(0.1) ? `s${id}` : undefined;
      return auditEvent(`e${id++}`, { type, sessionId });
    }),
    position: position(i),
    more: random.chance(0.7),
  }));
}

/** Runs one schedule, and checks what must hold at any time and at its end. */
async function runSchedule(number: number): Promise<Ending> {
  const random = new Random(5, number);
  const batches = randomBatches(random);
  const wanted = ({ type }: AuditEvent) => type === "wanted";
  const where = `schedule ${number}`;
  const maxRequests = 1 + random.below(4);
  const maxEvents = 1 + random.below(6);
  const stop = new AbortController();
  const kill = new AbortController();
  const reason = new Error("killed");
  const failure = new Error("failed");
  const ending = random.pick<Ending>([
    "source ends",
    "stop",
    "kill",
    "failure",
  ]);
  const endsAt = random.below(12);

  const delivered = new Set<string>();
  const sent: string[] = [];
  const passed: number[] = [];
  const announced: string[] = [];
  let inFlight = 0;
  let requests = 0;
  let read = 0;

  const ended = forward({
    source: {
      async *read(_from, signal) {
        for (const batch of batches) {
          await pass(random.below(20));
          if (signal.aborted) return;
          read++;
          yield batch;
        }
      },
    },
    account: new Account(),
    from: position("start"),
    filter: typeFilter(["wanted"], []),
    maxEvents,
    maxBytes: Infinity,
    maxRequests,
    deliver: async (_destination, events) => {
      inFlight++;
      assert(inFlight <= maxRequests, where);
      assert(events.length > 0 && events.length <= maxEvents, where);
      sent.push(...idsOf(events));
      const fails = ending === "failure" && requests++ === endsAt;
      for (let i = random.below(30); i >= 0; i--) {
        await pass(1);
        if (kill.signal.aborted) break;
      }
      inFlight--;
      if (kill.signal.aborted) throw kill.signal.reason;
      if (fails) throw failure;
      for (const { id } of events) delivered.add(id);
    },
    advance: (position, sessionIds) => {
      const last = Number(cursorOf(position));
      passed.push(last);
      announced.push(...sessionIds);
      for (const { events } of batches.slice(0, last + 1)) {
        for (const event of events.filter(wanted)) {
          assert(delivered.has(event.id), `${where}: ${event.id} is not there`);
        }
      }
    },
    roomForRecordings: () => pass(random.below(5)),
    observer: UNWATCHED.events,
  }, { stop: stop.signal, kill: kill.signal });

  let thrown: unknown;
  const settled = ended.catch((error) => {
    thrown = error;
  });
  if (ending === "stop" || ending === "kill") {
    await pass(10 * endsAt);
    stop.abort(new Error("stopped"));
    if (ending === "kill") {
      await pass(random.below(20));
      kill.abort(reason);
    }
  }
  await settled;

  assertEquals(inFlight, 0, where);
  assertEquals(new Set(sent).size, sent.length, `${where}: sent twice`);
  assertEquals(passed, passed.toSorted((a, b) => a - b), where);
  const upTo = batches.slice(0, (passed.at(-1) ?? -1) + 1);
  assertEquals(
    announced,
    upTo.flatMap(({ events }) => events.flatMap((e) => e.sessionId ?? [])),
    where,
  );
  if (thrown === undefined) {
    // Nothing that was read is left over.
    const expected = batches.slice(0, read)
      .flatMap(({ events }) => idsOf(events.filter(wanted)));
    assertEquals(new Set(delivered), new Set(expected), where);
    assertEquals(passed.at(-1), read === 0 ? undefined : read - 1, where);
  } else {
    assertStrictEquals(thrown, ending === "kill" ? reason : failure, where);
  }
  return thrown === undefined && ending !== "stop" ? "source ends" : ending;
}

Deno.test(`in ${SCHEDULES} random schedules the position never passes an undelivered event`, async () => {
  const endings: Record<Ending, number> = {
    "source ends": 0,
    stop: 0,
    kill: 0,
    failure: 0,
  };
  for (let number = 0; number < SCHEDULES; number++) {
    endings[await runSchedule(number)]++;
  }
  // Every way to end was taken often enough to mean something.
  for (const [ending, times] of Object.entries(endings)) {
    assert(times > SCHEDULES / 20, `${ending}: only ${times} times`);
  }
});
