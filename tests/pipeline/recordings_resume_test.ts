import type { AuditEvent } from "../../lib/event.ts";
import { assert, assertEquals } from "../assert.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { Random } from "../fakes/random.ts";
import {
  cutting,
  pending,
  recorded,
  type Script,
  startRecordings,
  streaming,
} from "./recordings_setup.ts";

const TEN = recorded([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

/** Streams everything, wherever it was asked to begin. */
function ignoringStart(events: readonly AuditEvent[]): Script {
  return async function* () {
    yield* events;
  };
}

/** What arrives of `script` when an earlier run left a mark. */
async function resumed(
  script: Script,
  mark: { index: number; count: number },
): Promise<string> {
  const run = startRecordings({ s1: script }, {
    pending: { s1: pending(mark) },
  });
  await run.recordings.drain();
  assertEquals(run.progress.recordings().size, 0);
  assertEquals(run.streams, [`s1 ${mark.index}`]);
  return run.text("s1");
}

Deno.test("after a restart it goes on at the event after the last delivered one", async () => {
  assertEquals(
    await resumed(streaming(TEN), { index: 6, count: 1 }),
    "r7 r8 r9",
  );
});

Deno.test("a recording of which everything was delivered before is finished and sends nothing", async () => {
  assertEquals(await resumed(streaming(TEN), { index: 9, count: 1 }), "");
});

Deno.test("events that share an index are neither lost nor repeated", async () => {
  const events = recorded([0, 1, 1, 1, 2, 2, 3]);
  for (
    const [index, count, rest] of [
      [0, 1, "r1 r2 r3 r4 r5 r6"],
      [1, 1, "r2 r3 r4 r5 r6"],
      [1, 2, "r3 r4 r5 r6"],
      [1, 3, "r4 r5 r6"],
      [2, 1, "r5 r6"],
      [2, 2, "r6"],
      [3, 1, ""],
    ] as const
  ) {
    assertEquals(await resumed(streaming(events), { index, count }), rest);
    assertEquals(await resumed(ignoringStart(events), { index, count }), rest);
  }
});

Deno.test("events without an index are told apart by their number", async () => {
  const events = recorded([0, 0, 0, 0, 0]);
  for (let count = 0; count <= 5; count++) {
    assertEquals(
      await resumed(streaming(events), { index: 0, count }),
      idsOf(events.slice(count)).join(" "),
    );
  }
});

Deno.test("a server that ignores the start index makes no difference", async () => {
  assertEquals(
    await resumed(ignoringStart(TEN), { index: 6, count: 1 }),
    "r7 r8 r9",
  );
});

Deno.test("a server that begins a little earlier makes no difference", async () => {
  const early: Script = async function* (startIndex) {
    yield* TEN.filter(({ index }) => index >= startIndex - 3);
  };
  assertEquals(await resumed(early, { index: 6, count: 1 }), "r7 r8 r9");
});

Deno.test("a server that begins behind the event it was asked for loses nothing of the rest", async () => {
  const late: Script = async function* (startIndex) {
    yield* TEN.filter(({ index }) => index > startIndex);
  };
  assertEquals(await resumed(late, { index: 6, count: 1 }), "r7 r8 r9");
});

Deno.test("a recording that comes shorter than what was delivered of it is not finished, wherever the server begins", async () => {
  for (const begin of [streaming, ignoringStart]) {
    const scripts = [cutting(TEN, [5]), begin(TEN.slice(0, 3)), begin(TEN)];
    const run = startRecordings({
      s1: (startIndex, signal) =>
        scripts.shift()?.(startIndex, signal) ?? begin(TEN)(startIndex, signal),
    });
    run.announce("s1");
    await run.clock.runUntil(run.recordings.drain());
    assertEquals(run.text("s1"), idsOf(TEN).join(" "));
    assertEquals(run.told.at(-1), "s1 finished");
  }
});

Deno.test("a stream that is cut goes on where it was cut", async () => {
  const run = startRecordings({ s1: cutting(TEN, [4, 5, 1, 3]) });
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.text("s1"), idsOf(TEN).join(" "));
  assertEquals(run.streams.slice(0, 3), ["s1 0", "s1 3", "s1 7"]);
});

Deno.test("a stream that gets further each time is never given up", async () => {
  const cuts = [1, 2, 2, 2, 2, 2, 2, 2, 2, 2];
  const run = startRecordings({ s1: cutting(TEN, cuts) });
  run.announce("s1");
  await run.clock.runUntil(run.recordings.drain());
  assertEquals(run.text("s1"), idsOf(TEN).join(" "));
  assertEquals(run.told.at(-1), "s1 finished");
});

Deno.test("a stream that is cut before its first event counts as failed", async () => {
  const run = startRecordings({ s1: cutting(TEN, [0]) }, { follow: true });
  run.announce("s1");
  await run.clock.untilSleeping();
  assertEquals(run.told.at(-1), "s1 failed 1: the stream was cut");
  run.stop.abort();
  await run.recordings.drain();
});

Deno.test("in 300 random recordings, cut and stopped anywhere, everything arrives once and in order", async () => {
  for (let number = 0; number < 300; number++) {
    const random = new Random(3, number);
    let index = 0;
    const events = recorded(
      Array.from(
        { length: 1 + random.below(25) },
        () => index += random.chance(0.6) ? 1 + random.below(2) : 0,
      ),
      {
        types: Array.from(
          { length: 26 },
          () => random.chance(0.3) ? "print" : "exec",
        ),
      },
    );
    const honest = random.chance(0.7);
    const script: Script = async function* (startIndex) {
      const rest = events.filter((event) =>
        !honest || event.index >= startIndex
      );
      const cut = random.chance(0.6)
        ? random.below(rest.length + 1)
        : undefined;
      for (const event of rest.slice(0, cut)) {
        if (random.chance(0.1)) await Promise.resolve();
        yield event;
      }
      if (cut !== undefined) throw new Error("the stream was cut");
    };
    const arrived: string[] = [];
    let left = { s1: pending() };
    // As many runs as it takes; most of them are stopped somewhere.
    for (let runs = 0;; runs++) {
      assert(runs < 200, `recording ${number} does not come to an end`);
      const run = startRecordings({ s1: script }, {
        pending: left,
        maxEvents: 1 + random.below(4),
      });
      if (random.chance(0.7)) {
        for (let i = random.below(60); i > 0; i--) await Promise.resolve();
        run.stop.abort();
      }
      await run.clock.runUntil(run.recordings.drain());
      arrived.push(...run.arrived.get("s1") ?? []);
      const rest = run.progress.recordings().get("s1");
      if (rest === undefined) break;
      left = { s1: { ...rest } };
    }
    const expected = events.filter(({ type }) => type !== "print");
    assertEquals(arrived, idsOf(expected), `recording ${number}`);
  }
});
