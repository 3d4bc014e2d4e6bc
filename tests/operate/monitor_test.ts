import { AUDIT, type ExportPosition } from "../../lib/event.ts";
import { createMovements } from "../../lib/operate/movement.ts";
import { createObservers } from "../../lib/operate/observers.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import type { FailedAttempt } from "../../lib/pipeline/retry.ts";
import { assertEquals, assertMatch } from "../assert.ts";
import { auditEvent, position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { pending } from "../pipeline/recordings_setup.ts";
import { watchedRun } from "./watched_run.ts";

const HOUR_MS = 3_600_000;
const NO_CHUNKS = { done: [], cursors: {} };

function failure(message: string, waitMs = 1_000): FailedAttempt {
  return { error: new Error(message), attempt: 1, waitMs };
}

/** A run whose state is read, an hour behind. */
function begun() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const monitor = watchedRun({
    clock,
    movements: createMovements({
      clock,
      pollMs: 5_000,
      requestMs: 30_000,
    }),
    stop: stop.signal,
  });
  const observers = createObservers(monitor, clock);
  const start = rfc3339(clock.now() - HOUR_MS);
  const progress = new Progress({
    position: { ...position(0), start, newest: null },
    recordings: {},
  }, { clock, onChange: () => {} });
  observers.teleport.worked();
  const begin = (setAside = 0) =>
    monitor.begin({
      cluster: "tele.example.com",
      startTime: start,
      progress,
      setAside,
    });
  return { clock, monitor, progress, begin, stop, ...observers };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

function stateOf({ monitor }: ReturnType<typeof begun>) {
  return monitor.report().run?.state;
}

Deno.test("before Teleport answers it is not ready, and says so", async () => {
  const clock = new FakeClock();
  const monitor = watchedRun({ clock });
  const observers = createObservers(monitor, clock);
  assertEquals(monitor.readiness(), {
    ok: false,
    reason:
      "Teleport at teleport.example.com:3025 has not answered since the start, 2026-03-01T12:00:00.000Z",
  });
  const before = monitor.report();
  assertEquals(
    [before.cluster, before.position, before.run?.lagSeconds],
    [null, null, null],
  );
  assertEquals(before.run?.state, {
    name: "connecting",
    since: "2026-03-01T12:00:00.000Z",
    text: "Connecting to Teleport at teleport.example.com:3025.",
  });
  await clock.advance(2_000);
  observers.teleport.failed(failure("connection refused"));
  assertEquals(monitor.readiness(), {
    ok: false,
    reason: "Teleport fails since 2026-03-01T12:00:02.000Z: connection refused",
  });
  observers.teleport.worked();
  assertEquals(monitor.readiness(), { ok: true });
});

Deno.test("before Teleport answers, what earlier runs did is known", () => {
  const { clock, monitor, progress, begin } = begun();
  const newest = { time: rfc3339(clock.now() - 600_000), keys: [] };
  progress.advance({ ...progress.position, newest }, ["pending"]);
  monitor.resume({
    cluster: "tele.example.com",
    startTime: "2026-01-01T00:00:00Z",
    progress,
    setAside: 7,
  });
  const { cluster, startTime, position, setAside, recordings, run } = monitor
    .report();
  assertEquals(
    [cluster, startTime, position],
    ["tele.example.com", "2026-01-01T00:00:00Z", newest.time],
  );
  assertEquals([setAside, recordings.pending, run.lagSeconds], [7, 1, 600]);
  assertEquals(run.state.name, "connecting");
  begin();
  assertEquals(monitor.report().run.state.name, "delivering");
});

Deno.test("the state follows what happens, with since when", async () => {
  const test = begun();
  const { clock, monitor, begin, events, delivery, stop } = test;
  begin();
  events.read(2, 2);
  await clock.advance(1_000);
  assertEquals(stateOf(test)?.name, "delivering");
  assertEquals(stateOf(test)?.text, "Delivering; 1 h behind.");
  await clock.advance(1_000);
  delivery.failed(AUDIT, failure("connection refused"));
  monitor.sample();
  await clock.advance(5_000);
  assertEquals(stateOf(test), {
    name: "retrying",
    since: "2026-03-01T12:00:02.000Z",
    text:
      "Retrying: Fluentd fails since 2026-03-01T12:00:02.000Z: connection refused.",
  });
  delivery.delivered(AUDIT, 2);
  events.caughtUp();
  assertEquals(stateOf(test), {
    name: "caught up",
    since: "2026-03-01T12:00:07.000Z",
    text: "Caught up: every event that Teleport has is delivered.",
  });
  events.read(0, 0);
  await clock.advance(5_000);
  events.caughtUp();
  assertEquals(stateOf(test)?.since, "2026-03-01T12:00:07.000Z");
  stop.abort();
  assertEquals(stateOf(test)?.name, "stopping");
});

Deno.test("a loop that does not even try is not healthy; one that retries is", async () => {
  const test = begun();
  const { clock, monitor, begin, events, delivery } = test;
  begin();
  events.read(1, 1);
  for (let minute = 0; minute < 60; minute++) {
    delivery.failed(AUDIT, failure("connection refused", 30_000));
    await clock.advance(60_000);
    assertEquals(monitor.health(), { ok: true });
  }
  assertEquals(monitor.readiness().ok, false);
  await clock.advance(5 * 60_000);
  const since = "2026-03-01T12:59:30.000Z";
  const reason =
    `delivery of events: nothing has moved for 5 min 30 s, since ${since}`;
  assertEquals(monitor.health(), { ok: false, reason });
  assertEquals(stateOf(test)?.name, "stalled");
  assertEquals(stateOf(test)?.text, `Stalled: ${reason}.`);
  delivery.delivered(AUDIT, 1);
  assertEquals(monitor.health(), { ok: true });
});

Deno.test("where both sides fail, the state says so in one line, and readiness in two", async () => {
  const test = begun();
  const { clock, monitor, begin, events, delivery, teleport } = test;
  begin();
  events.read(1, 1);
  teleport.failed(failure("gone"));
  delivery.failed(AUDIT, failure("connection refused"));
  const since = "since 2026-03-01T12:00:00.000Z";
  const reasons = [
    `Teleport fails ${since}: gone`,
    `Fluentd fails ${since}: connection refused`,
  ];
  assertEquals(stateOf(test)?.text, `Retrying: ${reasons.join("; ")}.`);
  assertEquals(monitor.readiness(), { ok: false, reason: reasons.join("\n") });
  monitor.movements.reading.due();
  await clock.advance(10 * 60_000);
  const { text } = stateOf(test) ?? {};
  assertMatch(
    text ?? "",
    /^Stalled: .*nothing has moved.*; .*nothing has moved/,
  );
});

Deno.test("a receiver that says to come back in an hour is waited for, and that is healthy", async () => {
  const { clock, monitor, begin, events, delivery } = begun();
  begin();
  events.read(1, 1);
  delivery.failed(AUDIT, failure("busy", HOUR_MS));
  await clock.advance(HOUR_MS + 4 * 60_000);
  assertEquals(monitor.health(), { ok: true });
  await clock.advance(60_000);
  assertEquals(monitor.health().ok, false);
});

Deno.test("an idle cluster is healthy and ready for days", async () => {
  const { clock, monitor, begin, events, teleport } = begun();
  begin();
  const { reading } = monitor.movements;
  for (let poll = 0; poll < 48; poll++) {
    reading.due();
    events.read(0, 0);
    teleport.worked();
    reading.moved();
    events.caughtUp();
    reading.rest();
    await clock.advance(HOUR_MS);
  }
  assertEquals(monitor.health(), { ok: true });
  assertEquals(monitor.readiness(), { ok: true });
  assertEquals(monitor.lagSeconds(), 0);
});

Deno.test("the lag is how long ago everything was known to be delivered", async () => {
  const test = begun();
  const { clock, monitor, progress, begin, events, delivery, teleport } = test;
  assertEquals(monitor.lagSeconds(), null);
  begin();
  assertEquals(monitor.lagSeconds(), 3_600);
  const at = (ms: number) => ({
    ...position(1),
    start: rfc3339(clock.now() - HOUR_MS),
    newest: { time: rfc3339(ms), keys: [] },
  });
  progress.advance(at(clock.now() - 600_000), []);
  assertEquals(monitor.lagSeconds(), 600);
  // A range that is over is known to be delivered, with events in it or not.
  const start = rfc3339(clock.now() - 300_000);
  progress.advance({ ...at(clock.now() - 600_000), start }, []);
  assertEquals(monitor.lagSeconds(), 300);
  events.caughtUp()();
  assertEquals(monitor.lagSeconds(), 0);
  // Nothing newer for an hour, and then one event: it is seconds behind, no hour.
  await clock.advance(HOUR_MS);
  events.caughtUp()();
  await clock.advance(5_000);
  events.read(1, 1);
  assertEquals(monitor.lagSeconds(), 5);
  delivery.delivered(AUDIT, 1);
  events.caughtUp()();
  assertEquals(monitor.lagSeconds(), 0);
  // While Teleport does not answer, nobody knows.
  await clock.advance(60_000);
  teleport.failed(failure("connection refused"));
  assertEquals(monitor.lagSeconds(), 60);
  // Nor does anybody when it answers again, before it is known what is new.
  teleport.worked();
  assertEquals(monitor.lagSeconds(), 60);
  assertEquals(stateOf(test)?.name, "delivering");
  events.caughtUp()();
  assertEquals(monitor.lagSeconds(), 0);
});

Deno.test("while events are not read because recordings wait, the run is behind and not caught up", async () => {
  const test = begun();
  const { clock, monitor, begin, events, delivery, recordings } = test;
  begin();
  events.read(1, 1);
  delivery.delivered(AUDIT, 1);
  events.caughtUp()();
  recordings.full();
  await clock.advance(HOUR_MS);
  assertEquals(monitor.lagSeconds(), 3_600);
  assertEquals(stateOf(test)?.name, "delivering");
  assertEquals(stateOf(test)?.text, "Delivering; 1 h behind.");
  events.read(0, 0);
  events.caughtUp()();
  assertEquals(monitor.lagSeconds(), 0);
});

Deno.test("while pages without an event lead on and on, nobody knows that all is delivered", async () => {
  const test = begun();
  const { clock, monitor, begin, events } = test;
  begin();
  events.read(0, 0);
  events.caughtUp()();
  for (let page = 0; page < 60; page++) {
    await clock.advance(60_000);
    events.read(0, 0);
  }
  assertEquals(monitor.lagSeconds(), 3_600);
  assertEquals(stateOf(test)?.text, "Delivering; 1 h behind.");
  events.read(0, 0);
  events.caughtUp()();
  assertEquals(stateOf(test)?.name, "caught up");
});

Deno.test("the lag grows although the clock was ahead when all was delivered", async () => {
  const { clock, monitor, progress, begin, events } = begun();
  begin();
  progress.advance({
    ...position(1),
    start: rfc3339(clock.now() - 25 * HOUR_MS),
    newest: null,
  }, []);
  events.caughtUp()();
  await clock.advance(-24 * HOUR_MS);
  events.read(1, 1);
  monitor.sample();
  await clock.advance(60_000);
  assertEquals(monitor.lagSeconds(), 60);
});

/** A position in chunks; its newest event is that old. */
function inChunks(clock: FakeClock, ageMs: number): ExportPosition {
  const newest = { time: rfc3339(clock.now() - ageMs) };
  return { kind: "export", days: { "2026-03-01": NO_CHUNKS }, newest };
}

Deno.test("while a bulk export catches up, the newest of its events does not make it less behind", async () => {
  const { clock, monitor, progress, begin, events } = begun();
  begin();
  events.read(2, 2);
  progress.advance(inChunks(clock, 1_000), []);
  assertEquals(monitor.lagSeconds(), 3_600);
  assertEquals(monitor.positionSeconds(), clock.now() / 1_000 - 1);
  await clock.advance(60_000);
  assertEquals(monitor.lagSeconds(), 3_660);
});

Deno.test("a bulk export that goes on is as far behind as it was left, and less only once it is caught up", async () => {
  const { clock, monitor, progress, begin, events, delivery } = begun();
  progress.advance(inChunks(clock, 600_000), []);
  begin();
  assertEquals(monitor.lagSeconds(), 600);
  events.read(1, 1);
  progress.advance(inChunks(clock, 1_000), []);
  assertEquals(monitor.lagSeconds(), 600);
  const allDelivered = events.caughtUp();
  delivery.delivered(AUDIT, 1);
  allDelivered();
  assertEquals(monitor.lagSeconds(), 0);
  await clock.advance(7_000);
  events.read(1, 1);
  progress.advance(inChunks(clock, 0), []);
  assertEquals(monitor.lagSeconds(), 7);
});

Deno.test("a bulk export that takes over from pages is no further behind than they were", async () => {
  const { clock, monitor, progress, begin, events } = begun();
  begin();
  const start = rfc3339(clock.now());
  progress.advance({ ...position(1), start, newest: null }, []);
  events.caughtUp()();
  await clock.advance(5_000);
  events.read(1, 1);
  progress.advance(inChunks(clock, 600_000), []);
  assertEquals(monitor.lagSeconds(), 5);
});

Deno.test("pages that take over from a bulk export are as far behind as what they read again", () => {
  const { clock, monitor, progress, begin } = begun();
  progress.advance(inChunks(clock, 600_000), []);
  begin();
  assertEquals(monitor.lagSeconds(), 600);
  const start = rfc3339(clock.now() - 2 * HOUR_MS);
  progress.advance({ ...position(1), start, newest: null }, []);
  assertEquals(monitor.lagSeconds(), 7_200);
});

Deno.test("the report has the recordings in trouble, and what is set aside by all runs", async () => {
  const { clock, monitor, progress, begin, delivery, recordings } = begun();
  begin(3);
  progress.advance(progress.position, ["fresh", "failing", "missing"]);
  const failing = pending({
    attempts: 2,
    lastError: "not there (yet)",
    sinceMs: clock.now() - HOUR_MS,
  });
  progress.updateRecording("failing", failing);
  recordings.failed(
    "failing",
    failing,
    1_000,
    new Error(failing.lastError),
  );
  progress.updateRecording("missing", {
    ...failing,
    sinceMs: clock.now() - 48 * HOUR_MS,
  });
  delivery.setAside(AUDIT, auditEvent("e0"), "bad time");
  const report = monitor.report();
  assertEquals(report.setAside, 4);
  assertEquals(report.recordings.pending, 3);
  assertEquals(report.recordings.missing, 1);
  assertEquals(report.recordings.troubled[0], {
    sessionId: "failing",
    since: "2026-03-01T11:00:00.000Z",
    attempts: 2,
    missing: false,
    lastError: "not there (yet)",
  });
  assertEquals(
    report.run?.problems.map(({ what, error, over }) => [what, error, over]),
    [
      ["events that are refused", "bad time", null],
      ["reading of recordings", "not there (yet)", null],
    ],
  );
  await clock.advance(1_000);
  recordings.finished("failing", pending());
  const over = monitor.report().run?.problems[1]?.over ?? "";
  assertMatch(over, /12:00:01/);
});

Deno.test("the report has what is left out, and what has no account", () => {
  const { monitor, begin } = begun();
  begin(3);
  monitor.counters.leftOut = 2;
  monitor.counters.unaccounted.recording = 1;
  const { setAside, run } = monitor.report();
  assertEquals([setAside, run?.events.leftOut], [5, 2]);
  assertEquals(
    [run?.events.audit.unaccounted, run?.events.recording.unaccounted],
    [0, 1],
  );
});

Deno.test("caught up does not mean that everything is delivered: what is not is named", () => {
  const test = begun();
  const { clock, monitor, progress, begin, events, delivery } = test;
  const text = () => stateOf(test)?.text;
  begin(1_000);
  events.read(1, 1);
  delivery.setAside(AUDIT, auditEvent("e0"), "bad time");
  events.caughtUp();
  assertEquals(
    text(),
    "Caught up: every event that Teleport has is delivered, but for 1,001 set aside.",
  );
  progress.advance(progress.position, ["missing"]);
  progress.updateRecording(
    "missing",
    pending({ attempts: 2, sinceMs: clock.now() - 48 * HOUR_MS }),
  );
  monitor.counters.unaccounted.audit = 2;
  assertEquals(
    text(),
    "Caught up: every event that Teleport has is delivered, but for 1,001 set aside, those of 1 missing recording, 2 without an account.",
  );
});

Deno.test("caught up does not mean that recordings are delivered: those that are pending are named", () => {
  const test = begun();
  const { clock, monitor, progress, begin, events } = test;
  const text = () => stateOf(test)?.text;
  begin();
  events.caughtUp();
  progress.advance(progress.position, ["under way"]);
  assertEquals(
    text(),
    "Caught up: every event that Teleport has is delivered, but for those of 1 pending recording.",
  );
  progress.advance(progress.position, ["failing"]);
  progress.updateRecording(
    "failing",
    pending({ attempts: 2, sinceMs: clock.now() }),
  );
  assertEquals(monitor.report().recordings.failing, 1);
  assertEquals(
    text(),
    "Caught up: every event that Teleport has is delivered, but for those of 2 pending recordings.",
  );
});

Deno.test("a refusal is an answer: the receiver is up", () => {
  const { monitor, begin, events, delivery } = begun();
  begin();
  events.read(1, 1);
  delivery.failed(AUDIT, failure("connection refused"));
  delivery.setAside(AUDIT, auditEvent("e0"), "bad time");
  assertEquals(monitor.readiness(), { ok: true });
});

Deno.test("the report is JSON: it reads back as it was", () => {
  const { monitor, begin } = begun();
  begin();
  const report = monitor.report();
  assertEquals(JSON.parse(JSON.stringify(report)), report);
});
