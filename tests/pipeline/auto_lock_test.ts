import type { AuditEvent, LoginAttempt } from "../../lib/event.ts";
import { AutoLock } from "../../lib/pipeline/auto_lock.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { auditEvent, position } from "../fakes/audit_events.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { HeldSource } from "./forward_setup.ts";

class Refused extends Error {}

/** A locking that locks after two failures, for an hour, as `lock` says. */
function setUp(
  lock: (user: string, kill: AbortSignal) => Promise<void> = () =>
    Promise.resolve(),
  locks: Record<string, number> = {},
) {
  const clock = new FakeClock();
  const logins = new Map<AuditEvent, LoginAttempt>();
  const kill = new AbortController();
  const told: string[] = [];
  const asked: string[] = [];
  const untilMs: (number | undefined)[] = [];
  let saves = 0;
  const progress = new Progress(
    { position: position(0), recordings: {}, locks },
    { clock, onChange: () => saves++ },
  );
  const autoLock = new AutoLock({
    count: 2,
    periodMs: 60_000,
    lockMs: 3_600_000,
    loginOf: (event) => logins.get(event),
    locker: {
      lock({ user, login }, untilMs, signal) {
        const hours = (untilMs ?? Infinity) - clock.now();
        asked.push(`${user}/${login} for ${hours / 3_600_000} h`);
        return lock(user, signal);
      },
    },
    isFinal: (error) => error instanceof Refused,
    checkpoints: progress,
    clock,
    random: () => 1,
    observer: {
      locked({ user }, until) {
        told.push(`locked ${user}`);
        untilMs.push(until);
      },
      failed: ({ error }) => told.push(`failed: ${error}`),
      gaveUp: ({ user }, error) => told.push(`gave up ${user}: ${error}`),
    },
  }, kill.signal);
  const source = new HeldSource();
  const stop = new AbortController();
  const events: string[] = [];
  const reading = (async () => {
    const watched = autoLock.watch(source).read(position(0), stop.signal);
    for await (const batch of watched) {
      events.push(...batch.events.map(({ id }) => id));
    }
  })();
  let id = 0;
  /** The user tries so often, in one batch. */
  const attempt = async (
    user: string,
    times: number,
    { success = false, login = "root" } = {},
  ) => {
    source.give(Array.from({ length: times }, () => {
      const event = auditEvent(`e${id++}`, { timeMs: clock.now() });
      logins.set(event, { user, login, success });
      return event;
    }));
    await turn();
  };
  const end = async () => {
    source.end();
    await reading;
    await autoLock.finish();
  };
  return {
    attempt,
    end,
    clock,
    told,
    untilMs,
    asked,
    kill,
    events,
    progress,
    autoLock,
  };
}

Deno.test("who fails too often is locked once, until then", async () => {
  const { attempt, end, told, asked, events } = setUp();
  await attempt("alice", 1);
  assertEquals(asked, []);
  await attempt("alice", 5);
  await attempt("bob", 1);
  await end();
  assertEquals(asked, ["alice/root for 1 h"]);
  assertEquals(told, ["locked alice"]);
  assertEquals(events.length, 7);
});

Deno.test("logins that work, and those of nobody, do not count", async () => {
  const { attempt, end, asked } = setUp();
  await attempt("alice", 3, { success: true });
  await attempt("", 3);
  await attempt("alice", 1);
  await end();
  assertEquals(asked, []);
});

Deno.test("a lock that fails is tried again, and no event waits for it", async () => {
  let fails = 3;
  const { attempt, end, clock, told, events } = setUp(() =>
    fails-- > 0 ? Promise.reject(new Error("away")) : Promise.resolve()
  );
  await attempt("alice", 2);
  await attempt("bob", 2);
  assertEquals(events.length, 4);
  await clock.advance(500 + 1_000 + 2_000);
  assertEquals(told, [
    ...Array.from({ length: 3 }, () => "failed: Error: away"),
    "locked alice",
    "locked bob",
  ]);
  assertEquals(clock.sleeps, [500, 1_000, 2_000]);
  await end();
});

Deno.test("a lock that comes late holds as long as any other, and its end is told", async () => {
  let fails = 3;
  const { attempt, end, clock, asked, untilMs } = setUp(() =>
    fails-- > 0 ? Promise.reject(new Error("away")) : Promise.resolve()
  );
  await attempt("alice", 2);
  await clock.advance(500 + 1_000 + 2_000);
  assertEquals(asked, Array(4).fill("alice/root for 1 h"));
  assertEquals(untilMs, [clock.now() + 3_600_000]);
  await end();
});

Deno.test("a lock that is refused is not tried again, and the next one is", async () => {
  const { attempt, end, told, asked, clock } = setUp((user) =>
    user === "alice" ? Promise.reject(new Refused("no")) : Promise.resolve()
  );
  await attempt("alice", 2);
  await attempt("bob", 2);
  await end();
  assertEquals(asked.length, 2);
  assertEquals(told, ["gave up alice: Error: no", "locked bob"]);
  assertEquals(clock.sleeps, []);
});

Deno.test("once the failures are old, a lock that still fails is given up", async () => {
  const { attempt, end, clock, told } = setUp(() =>
    Promise.reject(new Error("away"))
  );
  await attempt("alice", 2);
  await clock.advance(10 * 60_000);
  assertMatch(told.at(-1) ?? "", /^gave up alice: GaveUpError: .*away/);
  assertEquals(clock.sleeping, 0);
  await end();
});

Deno.test("at the end each lock that waits has one more chance", async () => {
  const { attempt, end, told, clock } = setUp((user) =>
    user === "alice" ? Promise.reject(new Error("away")) : Promise.resolve()
  );
  await attempt("alice", 2);
  await attempt("bob", 2);
  await clock.untilSleeping();
  await end();
  assertEquals(told, [
    "failed: Error: away",
    "gave up alice: Error: away",
    "locked bob",
  ]);
  assertEquals(clock.sleeping, 0);
});

Deno.test("kill aborts a lock under way", async () => {
  const { attempt, end, told, kill } = setUp((_, signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    )
  );
  await attempt("alice", 2);
  kill.abort(new Error("killed"));
  await end();
  assertEquals(told, ["gave up alice: Error: killed"]);
});

Deno.test("who is locked is kept, and another run locks nobody again for it", async () => {
  const first = setUp();
  await first.attempt("alice", 2);
  await first.end();
  const { locks } = first.progress.snapshot();
  assert(locks !== undefined);
  const second = setUp(undefined, locks);
  await second.attempt("alice", 2);
  assertEquals(second.asked, []);
  await second.clock.advance(60_001);
  await second.attempt("alice", 2);
  assertEquals(second.asked.length, 1);
  await second.end();
});

Deno.test("who is locked late is locked again by no other run", async () => {
  let fails = 3;
  const first = setUp(() =>
    fails-- > 0 ? Promise.reject(new Error("away")) : Promise.resolve()
  );
  await first.attempt("alice", 2);
  await first.clock.advance(500 + 1_000 + 2_000);
  await first.end();
  assertEquals(first.told.at(-1), "locked alice");
  const { locks } = first.progress.snapshot();
  assert(locks !== undefined);
  const second = setUp(undefined, locks);
  await second.attempt("alice", 2);
  await second.end();
  assertEquals(second.asked, []);
});

Deno.test("who is not locked is not kept", async () => {
  const { attempt, end, progress } = setUp(() => Promise.reject(new Refused()));
  await attempt("alice", 2);
  await end();
  assertEquals(progress.snapshot().locks, undefined);
});

Deno.test("of too many locks that wait, the oldest are left", async () => {
  const held = Promise.withResolvers<void>();
  const { attempt, end, told, asked } = setUp(() => held.promise);
  for (let i = 0; i < 1_002; i++) await attempt(`u${i}`, 2);
  assertEquals(told.length, 1);
  assertMatch(told[0] ?? "", /^gave up u1: Error: too many locks/);
  held.resolve();
  await end();
  assertEquals(asked.length, 1_001);
});
