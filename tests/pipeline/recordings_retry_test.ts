import { assert, assertEquals } from "../assert.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { turn } from "../fakes/fake_clock.ts";
import {
  pending,
  recorded,
  type Script,
  startRecordings,
  streaming,
} from "./recordings_setup.ts";

const HOUR_MS = 60 * 60_000;
const THREE = recorded([0, 1, 2]);

/** Not there so often, and then it is. */
function late(times: number): Script {
  let asked = 0;
  return async function* (startIndex) {
    if (asked++ >= times) yield* streaming(THREE)(startIndex, never);
  };
}

const never = new AbortController().signal;

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
    pending: { s1: pending({ attempts: 7, notBeforeMs: 0 }) },
  });
  await run.clock.untilSleeping();
  assertEquals(run.told.at(-1), "s1 failed 8: the stream was cut");
  await run.clock.advance(HOUR_MS);
  assert(run.told.includes("s1 failed 1: the stream was cut"));
  run.stop.abort();
  await run.recordings.drain();
});
