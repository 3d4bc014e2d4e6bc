import type { Clock } from "../../lib/clock.ts";
import { GaveUpError } from "../../lib/errors.ts";
import { isMissing } from "../../lib/pipeline/missing_recording.ts";
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { turn, turnsUntil } from "../fakes/fake_clock.ts";
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

const HOUR_MS = 60 * 60_000;
const START_MS = Date.parse("2026-03-01T12:00:00Z");
const THREE = recorded([0, 1, 2]);

/** Not there so often, and then it is. */
function late(times: number): Script {
  let asked = 0;
  return async function* (startIndex) {
    if (asked++ >= times) yield* streaming(THREE)(startIndex, never());
  };
}

// deno-lint-ignore require-yield
const broken: Script = async function* () {
  throw new Error("not a gzip file");
};

Deno.test("following, a recording that is not there yet is tried until it is", async () => {
  const run = startRecordings({ s1: late(30) }, { follow: true });
  run.announce("s1");
  await run.clock.advance(48 * HOUR_MS);
  assertEquals(run.streams.length, 31);
  assertEquals(run.text("s1"), idsOf(THREE).join(" "));
  assertEquals(run.told[0], "read 0, kept 0");
  assertEquals(run.told[1], "s1 failed 1: the recording is not there (yet)");
  assertEquals(run.told.at(-1), "s1 finished");
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("following, the waits double from 5 s up to an hour", async () => {
  const run = startRecordings({}, { follow: true, random: () => 1 });
  run.announce("s1");
  await run.clock.advance(8 * HOUR_MS);
  assertEquals(
    run.clock.sleeps.slice(0, 12).map((ms) => ms / 1_000),
    [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600],
  );
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a broken recording never stops the others", async () => {
  const run = startRecordings({
    s1: broken,
    s2: streaming(THREE),
    s3: broken,
    s4: streaming(THREE),
  }, { follow: true, concurrency: 1 });
  run.announce("s1", "s2", "s3", "s4");
  await run.clock.advance(24 * HOUR_MS);
  for (const id of ["s2", "s4"]) {
    assertEquals(run.text(id), idsOf(THREE).join(" "));
  }
  assertEquals([...run.progress.recordings().keys()], ["s1", "s3"]);
  assertEquals(
    run.progress.recordings().get("s1")?.lastError,
    "not a gzip file",
  );
  run.announce("s5");
  await turn();
  assert(run.streams.includes("s5 0"));
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("ten thousand recordings that fail wait by one timer, and each is tried again", async () => {
  const count = 10_000;
  const left = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `s${i}`,
      pending({ attempts: 1, sinceMs: START_MS }),
    ]),
  );
  const run = startRecordings({}, { follow: true, pending: left });
  await run.clock.untilSleeping();
  await turnsUntil("each to be tried", () => run.streams.length === count);
  await turn();
  assertEquals(run.clock.sleeping, 1);
  await run.clock.advance(HOUR_MS / 60);
  assertEquals(new Set(run.streams).size, count);
  assert(run.streams.length >= 2 * count);
  run.stop.abort();
  await run.recordings.drain();
  assertEquals(run.progress.recordings().size, count);
});

Deno.test("however many recordings fail, slowly, those for the first time need not wait for all of them", async () => {
  const left = Array.from({ length: 1_000 }, (_, i) => `left${i}`);
  const fresh = Array.from({ length: 16 }, (_, i) => `s${i}`);
  const run = startRecordings({
    ...Object.fromEntries(fresh.map((id) => [id, streaming(THREE)])),
    ...Object.fromEntries(left.map((id) => [
      id,
      // deno-lint-ignore require-yield
      async function* () {
        await run.clock.sleep(1_000);
        throw new Error("not a gzip file");
      },
    ])),
  }, {
    follow: true,
    concurrency: 1,
    pending: Object.fromEntries(
      left.map((id) => [id, pending({ attempts: 1, sinceMs: START_MS })]),
    ),
  });
  run.announce(...fresh);
  let room = false;
  run.recordings.room(never()).then(() => room = true);
  await run.clock.advance(20_000);
  assert(room);
  for (const id of fresh) {
    assertEquals(run.text(id), idsOf(THREE).join(" "));
  }
  // Nor do those that fail wait until nothing is new.
  assertLessOrEqual(fresh.length + 15, run.streams.indexOf("s15 0"));
  run.stop.abort();
  await run.clock.runUntil(run.recordings.drain());
});

Deno.test("a failed attempt is told with the very error that it failed by", async () => {
  const gone = new Error("gone");
  const errors: unknown[] = [];
  const run = startRecordings({
    // deno-lint-ignore require-yield
    async *s1() {
      throw gone;
    },
  }, {
    observer: {
      ...UNWATCHED.recordings,
      failed: (_sessionId, _recording, _waitMs, error) => errors.push(error),
    },
  });
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(errors.length, 3);
  for (const error of errors) assertStrictEquals(error, gone);
});

Deno.test("what is known of a failed attempt is kept for the next run", async () => {
  const run = startRecordings({ s1: broken }, { follow: true });
  run.announce("s1");
  const sinceMs = run.clock.now();
  await run.clock.untilSleeping();
  assertEquals(run.progress.recordings().get("s1"), {
    index: 0,
    count: 0,
    attempts: 1,
    sinceMs,
    notBeforeMs: sinceMs + 2_500,
    lastError: "not a gzip file",
  });
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a run that ends gives each recording three tries, and then leaves it with the reason", async () => {
  const run = startRecordings({ s1: broken, s2: late(2), s3: late(3) });
  run.announce("s1", "s2", "s3");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(
    run.told.filter((line) => !line.startsWith("read")).toSorted(),
    [
      "s1 failed 1: not a gzip file",
      "s1 failed 2: not a gzip file",
      "s1 failed 3: not a gzip file, left",
      "s2 failed 1: the recording is not there (yet)",
      "s2 failed 2: the recording is not there (yet)",
      "s2 finished",
      "s3 failed 1: the recording is not there (yet)",
      "s3 failed 2: the recording is not there (yet)",
      "s3 failed 3: the recording is not there (yet), left",
    ],
  );
  assertEquals([...run.progress.recordings().keys()], ["s1", "s3"]);
  // The next run may begin at once.
  for (const { notBeforeMs } of run.progress.recordings().values()) {
    assert(notBeforeMs <= run.clock.now());
  }
});

/** Cannot be reached until then, and has the recording. */
function awayUntil(clock: () => Clock, untilMs: number): Script {
  return async function* (startIndex) {
    if (clock().monotonic() < untilMs) throw new AwayError("nobody is there");
    yield* streaming(THREE)(startIndex, never());
  };
}

class AwayError extends Error {
  readonly unreachable = true;
}

Deno.test("a run that ends waits for a source that cannot be reached, and leaves no recording that is there", async () => {
  const run = startRecordings({
    s1: awayUntil(() => run.clock, START_MS + 4 * 60_000),
    s2: broken,
  });
  run.announce("s1", "s2");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.told.at(-1), "s1 finished");
  assertEquals([...run.progress.recordings().keys()], ["s2"]);
});

Deno.test("of a source that cannot be reached for too long, a run that ends says so once all else is done", async () => {
  const run = startRecordings({
    s1: awayUntil(() => run.clock, Infinity),
    s2: streaming(THREE),
  });
  run.announce("s1", "s2");
  await run.clock.runUntil(assertRejects(
    () => run.recordings.drain(),
    GaveUpError,
    "gave up reading 1 recording: nobody is there",
  ));
  const waitedMs = run.clock.now() - START_MS;
  assert(waitedMs > 4 * 60_000 && waitedMs <= 5 * 60_000, `${waitedMs}`);
  assert(run.told.includes("s2 finished"));
  assert(run.told.at(-1)?.endsWith(": nobody is there, left"));
  assertEquals([...run.progress.recordings().keys()], ["s1"]);
});

Deno.test("that a source cannot be reached is no try of a recording, and what it says then is", async () => {
  let asked = 0;
  const run = startRecordings({
    // deno-lint-ignore require-yield
    async *s1() {
      if (asked++ % 2 === 0) throw new AwayError("nobody is there");
      throw new Error("not a gzip file");
    },
  });
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.told.at(-1), "s1 failed 6: not a gzip file, left");
});

Deno.test("a recording that a run left, and that is announced again, is given three tries once more", async () => {
  const run = startRecordings({ s1: late(5) });
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assert(run.told.at(-1)?.endsWith(", left"));
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.streams.length, 6);
  assertEquals(run.told.at(-1), "s1 finished");
});

Deno.test("a run that ends does not wait long for what is not there", async () => {
  const run = startRecordings({ s1: broken }, {
    random: () => 1,
    pending: { s1: pending({ attempts: 40 }) },
  });
  const startedMs = run.clock.now();
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.clock.now() - startedMs, 1_500);
  assertEquals(run.told.at(-1), "s1 failed 43: not a gzip file, left");
});

Deno.test("following, an earlier run's next time is respected", async () => {
  const run = startRecordings({ s1: streaming(THREE) }, {
    follow: true,
    pending: {
      s1: pending({
        attempts: 3,
        notBeforeMs: Date.parse("2026-03-01T12:30:00Z"),
      }),
    },
  });
  await run.clock.advance(HOUR_MS / 2 - 1);
  assertEquals(run.streams, []);
  await run.clock.advance(1);
  assertEquals(run.told.at(-1), "s1 finished");
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a time that a clock was ahead for is waited for no longer than an hour", async () => {
  const run = startRecordings({ s1: streaming(THREE) }, {
    follow: true,
    pending: {
      s1: pending({
        attempts: 1,
        notBeforeMs: Date.parse("2027-03-01T12:00:00Z"),
      }),
    },
  });
  await run.clock.advance(HOUR_MS - 1);
  assertEquals(run.streams, []);
  await run.clock.advance(1);
  assertEquals(run.told.at(-1), "s1 finished");
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a recording heard of by a clock that was ahead is told to be missing two days after its next attempt", async () => {
  const sinceMs = Date.parse("2027-03-01T12:00:00Z");
  const run = startRecordings({ s1: broken }, {
    follow: true,
    pending: { s1: pending({ attempts: 1, sinceMs, notBeforeMs: sinceMs }) },
  });
  await run.clock.advance(HOUR_MS);
  assertEquals(
    run.progress.recordings().get("s1")?.sinceMs,
    run.clock.now(),
  );
  await run.clock.advance(48 * HOUR_MS - 1);
  assert(!run.told.includes("s1 missing"));
  await run.clock.advance(HOUR_MS + 1);
  assert(run.told.includes("s1 missing"));
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a run that ends tries everything at once, whatever time an earlier run named", async () => {
  const run = startRecordings({ s1: streaming(THREE) }, {
    pending: { s1: pending({ attempts: 3, notBeforeMs: 2 ** 50 }) },
  });
  await run.recordings.drain();
  assertEquals(run.told.at(-1), "s1 finished");
});

Deno.test("an attempt that got further begins counting anew", async () => {
  let streams = 0;
  const run = startRecordings({
    async *s1() {
      if (++streams > 1) yield* THREE.slice(0, 1);
      throw new Error("the stream was cut");
    },
  }, {
    follow: true,
    pending: {
      s1: pending({
        attempts: 7,
        sinceMs: Date.parse("2026-03-01T11:00:00Z"),
      }),
    },
  });
  await run.clock.untilSleeping();
  assertEquals(run.told.at(-1), "s1 failed 8: the stream was cut");
  await run.clock.advance(HOUR_MS);
  assert(run.told.includes("s1 failed 1: the stream was cut"));
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a recording that could not be read for two days is told to be missing, once, and tried further", async () => {
  const run = startRecordings({ s1: broken }, { follow: true });
  run.announce("s1");
  const missing = () => run.told.filter((line) => line === "s1 missing");
  await run.clock.advance(48 * HOUR_MS - 1);
  assertEquals(missing(), []);
  await run.clock.advance(2 * HOUR_MS);
  assertEquals(missing().length, 1);
  const { length } = run.streams;
  await run.clock.advance(48 * HOUR_MS);
  assertEquals(missing().length, 1);
  assert(run.streams.length > length + 20);
  run.stop.abort();
  await run.recordings.drain();

  const left = run.progress.recordings().get("s1");
  assert(left !== undefined);
  const next = startRecordings({ s1: broken }, { pending: { s1: left } });
  await next.clock.advance(100 * HOUR_MS);
  await next.recordings.drain();
  assert(!next.told.includes("s1 missing"));
});

Deno.test("a recording that was not tried for two days is not told to be missing by its first failure", async () => {
  const run = startRecordings({ s1: broken }, {
    follow: true,
    pending: { s1: pending({ sinceMs: 1 }) },
  });
  await run.clock.advance(48 * HOUR_MS - 1);
  assert(run.told.includes("s1 failed 1: not a gzip file"));
  assert(!run.told.includes("s1 missing"));
  await run.clock.advance(2 * HOUR_MS);
  assert(run.told.includes("s1 missing"));
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a recording whose receiver was away for two days is not told to be missing when its stream is cut then", async () => {
  const there = Promise.withResolvers<void>();
  const run = startRecordings({ s1: cutting(THREE, [2]) }, {
    follow: true,
    deliver: () => there.promise,
  });
  run.announce("s1");
  await run.clock.advance(72 * HOUR_MS);
  there.resolve();
  await run.clock.advance(HOUR_MS);
  assert(run.told.includes("s1 failed 1: the stream was cut"));
  assert(!run.told.includes("s1 missing"));
  assertEquals(run.told.at(-1), "s1 finished");
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a recording that is read while its receiver is away for two days is not missing, nor when it cannot be read after that", async () => {
  const kill = Promise.withResolvers<void>();
  const run = startRecordings({ s1: cutting(THREE, [0]) }, {
    follow: true,
    deliver: (_destination, { length }) =>
      length === 0 ? Promise.resolve() : kill.promise,
  });
  run.announce("s1");
  await run.clock.advance(72 * HOUR_MS);
  assertEquals(run.streams.length, 2);
  const left = run.progress.recordings().get("s1");
  assert(left !== undefined);
  assertEquals(isMissing(left, run.clock.now()), false);
  run.stop.abort();
  kill.reject(run.stop.signal.reason);
  await run.recordings.drain();

  const next = startRecordings({ s1: broken }, {
    follow: true,
    pending: { s1: left },
  });
  await next.clock.untilSleeping();
  assertEquals(next.told.slice(1), ["s1 failed 1: not a gzip file"]);
  next.stop.abort();
  await next.recordings.drain();
});

Deno.test("a recording that was missing, and then got further, is told to be missing once more after two days", async () => {
  let length = 0;
  const run = startRecordings({
    async *s1(startIndex) {
      yield* THREE.slice(startIndex, length);
      throw new Error("the stream was cut");
    },
  }, { follow: true });
  run.announce("s1");
  const missing = () => run.told.filter((line) => line === "s1 missing");
  await run.clock.advance(50 * HOUR_MS);
  assertEquals(missing().length, 1);
  length = 2;
  await run.clock.advance(47 * HOUR_MS);
  assertEquals(missing().length, 1);
  await run.clock.advance(5 * HOUR_MS);
  assertEquals(missing().length, 2);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("of a recording that is finished it is told whether an earlier run called it missing", async () => {
  const finished: [string, boolean | undefined][] = [];
  const run = startRecordings(
    { s1: streaming(THREE), s2: streaming(THREE) },
    {
      pending: {
        s1: pending({ attempts: 60, toldMissing: true }),
        s2: pending({ attempts: 1 }),
      },
      observer: {
        ...UNWATCHED.recordings,
        finished(sessionId, { toldMissing }) {
          finished.push([sessionId, toldMissing]);
        },
      },
    },
  );
  await run.recordings.drain();
  assertEquals(finished, [["s1", true], ["s2", undefined]]);
});

Deno.test("a run that ends tells of a recording that is missing, too", async () => {
  const run = startRecordings({ s1: broken }, {
    pending: { s1: pending({ attempts: 5, sinceMs: 1 }) },
  });
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.told.filter((line) => line === "s1 missing").length, 1);
});

Deno.test("a recording that waits is tried at once where somebody asks for it", async () => {
  let there = false;
  const requests = new Requests();
  const run = startRecordings({
    async *s1(startIndex) {
      if (there) yield* streaming(THREE)(startIndex, never());
    },
    s2: broken,
  }, {
    follow: true,
    requests,
    pending: {
      s1: pending({ attempts: 9, notBeforeMs: 2 ** 42 }),
      s2: pending({ attempts: 9, notBeforeMs: 2 ** 42 }),
    },
  });
  await run.clock.advance(HOUR_MS - 1);
  assertEquals(run.streams, []);
  requests.ask("s1", "nobody");
  await run.clock.advance(0);
  assertEquals(run.streams, ["s1 0"]);
  assertEquals(
    run.told.filter((line) => !line.startsWith("read")),
    [
      "s1 retried",
      "s1 failed 10: the recording is not there (yet)",
      // Since the epoch, that is.
      "s1 missing",
    ],
  );
  there = true;
  requests.ask("s1");
  await run.clock.advance(0);
  assertEquals(run.told.at(-1), "s1 finished");
  assertEquals(run.text("s1"), idsOf(THREE).join(" "));
  // Of one that is delivered there is nothing to try.
  requests.ask("s1");
  await run.clock.advance(0);
  assertEquals(run.streams.length, 2);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a recording that is asked for during an attempt is tried once more at once, should that fail", async () => {
  const attempt = Promise.withResolvers<void>();
  const requests = new Requests();
  let tries = 0;
  const run = startRecordings({
    async *s1(startIndex) {
      if (++tries > 1) yield* streaming(THREE)(startIndex, never());
      else await attempt.promise;
    },
  }, { follow: true, requests });
  run.announce("s1");
  await turnsUntil("the attempt", () => tries === 1);
  requests.ask("s1");
  await turn();
  assertEquals(tries, 1);
  attempt.resolve();
  await run.clock.advance(0);
  assertEquals(
    run.told.filter((line) => !line.startsWith("read")),
    [
      "s1 failed 1: the recording is not there (yet)",
      "s1 retried",
      "s1 finished",
    ],
  );
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("what is asked for is kept, should the program end before it is tried", async () => {
  const requests = new Requests();
  const run = startRecordings({}, {
    follow: true,
    concurrency: 0,
    requests,
    pending: { s1: pending({ attempts: 9, notBeforeMs: 2 ** 42 }) },
  });
  requests.ask("s1");
  await run.clock.advance(0);
  assertEquals(run.progress.recordings().get("s1")?.notBeforeMs, 0);
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("a request is not done with before what it changes is saved", async () => {
  const saved = Promise.withResolvers<void>();
  let looks = 0;
  const run = startRecordings({}, {
    follow: true,
    requests: {
      next: () =>
        ++looks === 1 ? Promise.resolve(["s1"]) : new Promise(() => {}),
    },
    saved: () => saved.promise,
    pending: { s1: pending({ attempts: 9, notBeforeMs: 2 ** 42 }) },
  });
  await run.clock.advance(0);
  assertEquals(run.told[0], "s1 retried");
  assertEquals(looks, 1);
  saved.resolve();
  await turn();
  assertEquals(looks, 2);
  run.stop.abort();
});

Deno.test("requests that cannot be heeded for a fault of ours end the run", async () => {
  const bug = new Error("a bug");
  const run = startRecordings({}, {
    follow: true,
    requests: { next: () => Promise.reject(bug) },
  });
  await turn();
  assertEquals(await assertRejects(() => run.recordings.drain()), bug);
});
