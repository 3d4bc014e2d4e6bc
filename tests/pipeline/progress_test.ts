import type { PendingRecording } from "../../lib/pipeline/ports.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import { position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const HALF_DONE: PendingRecording = {
  index: 7,
  count: 1,
  attempts: 2,
  sinceMs: 1,
  notBeforeMs: 2,
  lastError: "cut",
};

function setUp(recordings: Record<string, PendingRecording> = {}) {
  const clock = new FakeClock();
  let changes = 0;
  const progress = new Progress({ position: position(0), recordings }, {
    clock,
    onChange: () => changes++,
  });
  return { clock, progress, changes: () => changes };
}

Deno.test("the position and the recordings announced on the way change together", () => {
  const { progress, clock, changes } = setUp();
  progress.advance(position(1), ["s1", "s2"]);
  const fresh: PendingRecording = {
    index: 0,
    count: 0,
    attempts: 0,
    sinceMs: clock.now(),
    notBeforeMs: 0,
    lastError: "",
  };
  assertEquals(progress.snapshot(), {
    position: position(1),
    recordings: { s1: fresh, s2: fresh },
  });
  assertEquals(changes(), 1);
});

Deno.test("a recording that is announced again keeps its mark", () => {
  const { progress } = setUp({ s1: HALF_DONE });
  progress.advance(position(1), ["s1"]);
  assertStrictEquals(progress.recordings().get("s1"), HALF_DONE);
});

Deno.test("the very same position and no recording is no change", () => {
  const { progress, changes } = setUp();
  progress.advance(progress.position, []);
  assertEquals(changes(), 0);
  progress.advance(progress.position, ["s1"]);
  assertEquals(changes(), 1);
  progress.advance(position(1), []);
  assertEquals(changes(), 2);
  assertEquals(progress.position, position(1));
});

Deno.test("how far a recording is, is kept", () => {
  const { progress, changes } = setUp({ s1: HALF_DONE });
  const further = { ...HALF_DONE, index: 8 };
  progress.updateRecording("s1", further);
  assertEquals(progress.snapshot().recordings, { s1: further });
  assertEquals(changes(), 1);
});

Deno.test("a finished recording is forgotten, once", () => {
  const { progress, changes } = setUp({ s1: HALF_DONE });
  progress.finishRecording("s1");
  progress.finishRecording("s1");
  assertEquals(progress.snapshot().recordings, {});
  assertEquals(changes(), 1);
});

Deno.test("a snapshot does not change with what comes after it", () => {
  const { progress } = setUp({ s1: HALF_DONE });
  const snapshot = progress.snapshot();
  progress.advance(position(1), ["s2"]);
  progress.finishRecording("s1");
  assertEquals(snapshot, {
    position: position(0),
    recordings: { s1: HALF_DONE },
  });
});

Deno.test("locks of an earlier run are known, so that nobody is locked again", () => {
  const locks = { '["alice",""]': 5 };
  const from = { position: position(0), recordings: {}, locks };
  const options = { clock: new FakeClock(), onChange: () => {} };
  const progress = new Progress(from, options);
  assertEquals(progress.locks, locks);
  assertEquals(progress.snapshot(), from);
});

Deno.test("locks are kept beside the rest, where there are any", () => {
  const { progress, changes } = setUp();
  assertStrictEquals(progress.snapshot().locks, undefined);
  progress.updateLocks({ '["alice",""]': 5 });
  assertStrictEquals(changes(), 1);
  assertEquals(progress.locks, { '["alice",""]': 5 });
  assertEquals(progress.snapshot().locks, { '["alice",""]': 5 });
});
