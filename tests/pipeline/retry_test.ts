import { BusyError, GaveUpError } from "../../lib/errors.ts";
import {
  backoffMs,
  type FailedAttempt,
  retry,
  type RetryOptions,
} from "../../lib/pipeline/retry.ts";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";

const POLICY = { initialMs: 500, maxMs: 30_000, timeoutMs: undefined };

interface Setup {
  readonly clock: FakeClock;
  readonly failures: FailedAttempt[];
  readonly options: RetryOptions;
}

function setUp(options: Partial<RetryOptions> = {}): Setup {
  const clock = new FakeClock();
  const failures: FailedAttempt[] = [];
  return {
    clock,
    failures,
    options: {
      policy: POLICY,
      clock,
      signal: never(),
      isFinal: () => false,
      onFailure: (failed) => failures.push(failed),
      ...options,
    },
  };
}

/** Fails so often, and then resolves with how often it was called. */
function failing(times: number, error: unknown = new Error("no")) {
  let calls = 0;
  return () =>
    ++calls <= times ? Promise.reject(error) : Promise.resolve(calls);
}

Deno.test("what works at once is not repeated, and nobody hears of it", async () => {
  const { options, failures, clock } = setUp();
  assertEquals(await retry(failing(0), options), 1);
  assertEquals(failures, []);
  assertEquals(clock.sleeps, []);
});

Deno.test("what fails is called again until it works", async () => {
  const { options, clock } = setUp();
  assertEquals(await clock.runUntil(retry(failing(40), options)), 41);
});

Deno.test("the bound of a wait doubles from the first one up to the cap", () => {
  assertEquals(
    [1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map((n) => backoffMs(POLICY, n)),
    [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000],
  );
});

Deno.test("a wait is anywhere between nothing and its bound", async () => {
  const random = new Random(1, 0);
  for (const [fraction, expected] of [[0, 0], [0.5, 0.5], [0.999, 0.999]]) {
    const { options, clock } = setUp({ random: () => fraction ?? 0 });
    await clock.runUntil(retry(failing(8), options));
    assertEquals(
      clock.sleeps,
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) =>
        (expected ?? 0) * backoffMs(POLICY, n)
      ),
    );
  }
  const { options, clock } = setUp({ random: () => random.next() / 2 ** 32 });
  await clock.runUntil(retry(failing(500), options));
  const waits = clock.sleeps.slice(10).toSorted((a, b) => a - b);
  assertGreaterOrEqual(waits[0] ?? -1, 0);
  assertLessOrEqual(waits.at(-1) ?? Infinity, POLICY.maxMs);
  // Evenly: of about 490 waits, each quarter of the range gets its share.
  for (let quarter = 0; quarter < 4; quarter++) {
    const share = waits.filter((ms) =>
      Math.floor(ms / POLICY.maxMs * 4) === quarter
    ).length;
    assert(share > 80, `only ${share} of ${waits.length} in part ${quarter}`);
  }
});

Deno.test("a busy receiver is not asked before the time it named", async () => {
  const { options, clock, failures } = setUp({ random: () => 0.5 });
  await clock.runUntil(
    retry(failing(2, new BusyError("busy", 120_000)), options),
  );
  assertEquals(clock.sleeps, [120_000, 120_000]);
  assertEquals(failures.map(({ waitMs }) => waitMs), [120_000, 120_000]);
});

Deno.test("a busy receiver does not shorten the wait", async () => {
  const { options, clock } = setUp({ random: () => 0.5 });
  await clock.runUntil(retry(failing(1, new BusyError("busy", 10)), options));
  assertEquals(clock.sleeps, [250]);
});

Deno.test("a busy receiver that names no time is asked like any other", async () => {
  const { options, clock } = setUp({ random: () => 0.5 });
  await clock.runUntil(
    retry(failing(1, new BusyError("busy", undefined)), options),
  );
  assertEquals(clock.sleeps, [250]);
});

Deno.test("each failure is told with its number and the wait", async () => {
  const { options, clock, failures } = setUp({ random: () => 0.5 });
  const error = new Error("no");
  await clock.runUntil(retry(failing(3, error), options));
  assertEquals(failures, [
    { error, attempt: 1, waitMs: 250 },
    { error, attempt: 2, waitMs: 500 },
    { error, attempt: 3, waitMs: 1_000 },
  ]);
});

Deno.test("when the time is up the error says so, with the cause in words", async () => {
  const { options, clock } = setUp({
    policy: { ...POLICY, timeoutMs: 10_000 },
    random: () => 0.999,
  });
  const cause = new Error("connection refused");
  const error = await assertRejects(
    () => clock.runUntil(retry(failing(Infinity, cause), options)),
    GaveUpError,
  );
  assertStrictEquals(error.cause, cause);
  assertEquals(
    error.message,
    "gave up after 5 attempts in 7 s: connection refused",
  );
});

Deno.test("one attempt that was too many is told as one", async () => {
  const { options, clock } = setUp({ policy: { ...POLICY, timeoutMs: 0 } });
  await assertRejects(
    () => clock.runUntil(retry(failing(Infinity), options)),
    GaveUpError,
    "gave up after 1 attempt in 0 s: no",
  );
});

Deno.test("waiting never goes on beyond the time that is allowed", async () => {
  const { options, clock } = setUp({
    policy: { ...POLICY, timeoutMs: 60_000 },
  });
  const startedMs = clock.now();
  await assertRejects(
    () => clock.runUntil(retry(failing(Infinity), options)),
    GaveUpError,
  );
  assertLessOrEqual(clock.now() - startedMs, 60_000);
});

Deno.test("a clock that is set, forwards or back, is no time that passed", async () => {
  const clock = new WrongClock();
  const { options } = setUp({
    clock,
    policy: { ...POLICY, timeoutMs: 60_000 },
    random: () => 0.5,
    onFailure: ({ attempt }) => {
      clock.aheadMs = [3_600_000, -3_600_000, 0][attempt % 3] ?? 0;
    },
  });
  const error = await assertRejects(
    () => clock.runUntil(retry(failing(Infinity), options)),
    GaveUpError,
  );
  assertEquals(error.message, "gave up after 9 attempts in 46 s: no");
});

Deno.test("a final error is thrown at once, as it is", async () => {
  const final = new Error("never");
  const { options, clock, failures } = setUp({ isFinal: (e) => e === final });
  assertStrictEquals(
    await assertRejects(() => retry(failing(1, final), options)),
    final,
  );
  assertEquals(clock.sleeps, []);
  assertEquals(failures, []);
});

Deno.test("a signal ends the waiting with its reason", async () => {
  const controller = new AbortController();
  const { options, clock } = setUp({ signal: controller.signal });
  const result = retry(failing(1), options);
  await clock.untilSleeping();
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => result), reason);
  assertEquals(clock.sleeping, 0);
});

Deno.test("an attempt that fails because of the signal throws its reason", async () => {
  const controller = new AbortController();
  const { options } = setUp({ signal: controller.signal });
  const reason = new Error("enough");
  const error = await assertRejects(() =>
    retry(() => {
      controller.abort(reason);
      return Promise.reject(new Error("request aborted"));
    }, options)
  );
  assertStrictEquals(error, reason);
});

Deno.test("an attempt that worked counts, although the signal was aborted meanwhile", async () => {
  const controller = new AbortController();
  const { options } = setUp({ signal: controller.signal });
  const result = await retry(() => {
    controller.abort();
    return Promise.resolve("done");
  }, options);
  assertEquals(result, "done");
});
