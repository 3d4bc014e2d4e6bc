import {
  FailedLogins,
  type FailedLoginsOptions,
} from "../../lib/pipeline/failed_logins.ts";
import { assert, assertEquals } from "../assert.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const ALICE = { user: "alice", login: "root" };
const MINUTE_MS = 60_000;

function setUp(
  options: Partial<FailedLoginsOptions> = {},
  locks: Record<string, number> = {},
) {
  const failed = new FailedLogins({
    count: 3,
    periodMs: MINUTE_MS,
    lockMs: undefined,
    ...options,
  }, locks);
  let id = 0;
  /** Fails so many seconds from now; the clock stands still unless told. */
  const fail = (
    seconds: number,
    { account = ALICE, nowMs = NOW_MS, ...event }: {
      account?: typeof ALICE;
      nowMs?: number;
      id?: string;
    } = {},
  ) =>
    failed.add({
      ...account,
      id: `e${id++}`,
      timeMs: NOW_MS + seconds * 1_000,
      ...event,
    }, nowMs);
  return { failed, fail };
}

Deno.test("so many failures within the period are a breach, its ends included", () => {
  const { fail } = setUp();
  assertEquals([-60, -30, 0].map((at) => fail(at)), [false, false, true]);
});

Deno.test("failures that are spread over more than the period are none", () => {
  const { fail } = setUp();
  const seconds = [-120.001, -60, 0, 60.001];
  assertEquals(seconds.map((at) => fail(at)), [false, false, false, false]);
});

Deno.test("one failure is enough where the count says so", () => {
  const { fail } = setUp({ count: 1 });
  assert(fail(0));
});

Deno.test("each user and login has a count of its own", () => {
  const { fail } = setUp({ count: 2 });
  const accounts = [
    { user: "alice", login: "root" },
    { user: "alice", login: "" },
    { user: "bob", login: "root" },
    // The same when written one behind the other.
    { user: "a-b", login: "c" },
    { user: "a", login: "b-c" },
  ];
  for (const account of accounts) assert(!fail(-1, { account }));
  for (const account of accounts) assert(fail(0, { account }));
});

Deno.test("it does not matter in which order failures come", () => {
  for (const [a, b, c] of [[0, -50, -30], [-30, 0, -50], [-50, 0, -30]]) {
    const { fail } = setUp();
    assertEquals([a, b, c].map((at) => fail(at ?? 0)), [false, false, true]);
  }
});

Deno.test("a late failure makes a breach of those around it, and not of others", () => {
  const { fail } = setUp();
  for (const at of [-200, -100, 0]) assert(!fail(at));
  assert(!fail(-50));
  assert(fail(-140) === false);
  assert(fail(-150));
});

Deno.test("an event that is read again does not count again", () => {
  const { fail } = setUp();
  for (let i = 0; i < 5; i++) assert(!fail(-1, { id: "same" }));
  assert(!fail(0));
  assert(!fail(-1, { id: "same" }));
  assert(fail(0), "nor are the others forgotten for it");
});

Deno.test("events without an id are all different", () => {
  const { fail } = setUp();
  assertEquals([1, 2, 3].map(() => fail(0, { id: "" })), [
    false,
    false,
    true,
  ]);
});

Deno.test("what fails within the period after a breach belongs to it", () => {
  const { fail } = setUp();
  for (const at of [-2, -1, 0]) fail(at);
  for (let at = 0; at <= 60; at++) assert(!fail(at), `${at}`);
  assertEquals([61, 62, 63].map((at) => fail(at)), [false, false, true]);
});

Deno.test("what failed later than that counts, also where it was read before", () => {
  const { fail } = setUp({ count: 2 });
  assert(!fail(0));
  assert(!fail(-300));
  assert(fail(-290));
  assert(fail(10));
});

Deno.test("a lock that ends before the period is over is renewed while it goes on", () => {
  const { fail } = setUp({ lockMs: 10_000 });
  for (const at of [-2, -1, 0]) fail(at);
  for (let at = 1; at <= 10; at++) assert(!fail(at), `${at}`);
  assertEquals([11, 12, 13].map((at) => fail(at)), [false, false, true]);
});

Deno.test("what is old locks nobody", () => {
  const hour = 3_600;
  const { fail, failed } = setUp();
  for (let i = 0; i < 10; i++) assert(!fail(-hour + i));
  const oldest = -failed.maxAgeMs / 1_000;
  for (let i = 0; i < 10; i++) assert(!fail(oldest - 0.001));
  assertEquals([0, 1, 2].map((at) => fail(oldest + at)), [false, false, true]);
});

Deno.test("an old failure is none, also where one is enough", () => {
  const { fail, failed } = setUp({ count: 1 });
  const oldest = -failed.maxAgeMs / 1_000;
  assert(!fail(oldest - 0.001));
  assert(fail(oldest));
});

Deno.test("failures that have become old do not count with new ones", () => {
  const { fail, failed } = setUp();
  fail(0);
  fail(1);
  // Both are in one period with the third one, which comes that late.
  assert(!fail(2, { nowMs: NOW_MS + failed.maxAgeMs + 1_001 }));
});

Deno.test("another run does not tell a breach again that led to a lock", () => {
  const first = setUp();
  for (const at of [-2, -1, 0]) first.fail(at);
  const locks = first.failed.locked(ALICE, NOW_MS);
  const second = setUp({}, JSON.parse(JSON.stringify(locks)));
  for (const at of [-2, -1, 0, 60]) assert(!second.fail(at));
  assertEquals([61, 62, 63].map((at) => second.fail(at)), [
    false,
    false,
    true,
  ]);
});

Deno.test("another run tells a breach again that did not", () => {
  const first = setUp({ count: 1 });
  const bob = { user: "bob", login: "" };
  first.fail(0);
  first.fail(0, { account: bob });
  const locks = first.failed.locked(ALICE, NOW_MS);
  const second = setUp({ count: 1 }, locks);
  assert(!second.fail(0));
  assert(second.fail(0, { account: bob }));
});

Deno.test("what earlier runs locked is passed on to later ones", () => {
  const first = setUp({ count: 1 });
  first.fail(0);
  const second = setUp({ count: 1 }, first.failed.locked(ALICE, NOW_MS));
  const bob = { user: "bob", login: "" };
  second.fail(0, { account: bob });
  const third = setUp({ count: 1 }, second.failed.locked(bob, NOW_MS));
  assert(!third.fail(0));
  assert(!third.fail(0, { account: bob }));
});

Deno.test("locks of long ago are forgotten", () => {
  const { fail, failed } = setUp({ count: 1 });
  fail(0);
  assertEquals(Object.keys(failed.locked(ALICE, NOW_MS)).length, 1);
  const bob = { user: "bob", login: "" };
  const laterMs = NOW_MS + MINUTE_MS + failed.maxAgeMs + 1;
  fail((laterMs - NOW_MS) / 1_000, { account: bob, nowMs: laterMs });
  assertEquals(Object.keys(failed.locked(bob, laterMs)), ['["bob",""]']);
});

Deno.test("of a flood of names, those heard of last are remembered", () => {
  const { fail } = setUp({ count: 2 });
  const name = (i: number) => ({ user: `u${i}`, login: "" });
  const names = 100_001;
  for (let i = 0; i < names; i++) fail(0, { account: name(i) });
  assert(!fail(0, { account: name(0) }), "the first one was forgotten");
  assert(fail(0, { account: name(names - 1) }));
});
