import { DestinationError } from "../../lib/errors.ts";
import { AUDIT, type Destination } from "../../lib/event.ts";
import { Counters } from "../../lib/operate/counters.ts";
import { createMovements } from "../../lib/operate/movement.ts";
import { createObservers } from "../../lib/operate/observers.ts";
import type { FailedAttempt } from "../../lib/pipeline/retry.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { assertEquals } from "../assert.ts";
import { auditEvent, position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { pending } from "../pipeline/recordings_setup.ts";
import { captureLog } from "./captured_log.ts";
import { watchedRun } from "./watched_run.ts";

const RECORDING: Destination = { kind: "recording", sessionId: "s1" };
const FAILED: FailedAttempt = {
  error: new Error("refused"),
  attempt: 2,
  waitMs: 1_234,
};

async function setUp() {
  const log = await captureLog();
  const counters = new Counters();
  const clock = new FakeClock();
  const movements = createMovements({
    clock,
    pollMs: 5_000,
    requestMs: 30_000,
  });
  const monitor = watchedRun({ clock, counters, movements });
  const observers = createObservers(monitor, clock);
  return {
    clock,
    counters,
    movements,
    monitor,
    ...observers,
    records: log.records,
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

Deno.test("events and recordings are counted apart, and nothing is logged for each", async () => {
  await using test = await setUp();
  const { counters, delivery, events, recordings, records } = test;
  events.read(10, 7);
  delivery.delivered(AUDIT, 6);
  recordings.read(5, 4);
  delivery.delivered(RECORDING, 4);
  assertEquals(counters.audit, {
    read: 10,
    filtered: 3,
    delivered: 6,
    setAside: 0,
  });
  assertEquals(counters.recording, {
    read: 5,
    filtered: 1,
    delivered: 4,
    setAside: 0,
  });
  assertEquals(records, []);
});

Deno.test("an outage of Teleport is no reading that hangs, however long it lasts", async () => {
  await using test = await setUp();
  const { clock, movements: { reading }, teleport } = test;
  reading.due();
  for (let attempt = 1; attempt <= 60; attempt++) {
    teleport.failed({ ...FAILED, attempt, waitMs: 60_000 });
    await clock.advance(60_000);
    assertEquals(reading.hung, false);
  }
  assertEquals(reading.stalled, true);
  await clock.advance(6 * 60_000);
  assertEquals(reading.hung, true);
});

Deno.test("a refused event is told once for each cause, without its payload, and counted each time", async () => {
  await using test = await setUp();
  const { counters, delivery, records } = test;
  const event = auditEvent("e0", { fields: { password: "hunter2" } });
  for (let i = 0; i < 3; i++) delivery.setAside(AUDIT, event, "bad time");
  delivery.setAside(RECORDING, event, "too large");
  assertEquals([counters.audit.setAside, counters.recording.setAside], [3, 1]);
  assertEquals(
    records.map(({ level, reason, id }) => [level, reason, id]),
    [["ERROR", "bad time", "e0"], ["ERROR", "too large", "e0"]],
  );
  assertEquals(JSON.stringify(records).includes("hunter2"), false);
});

Deno.test("causes without end do not fill the log", async () => {
  await using test = await setUp();
  const { counters, delivery, records } = test;
  for (let i = 0; i < 1_000; i++) {
    delivery.setAside(AUDIT, auditEvent("e0"), "no".repeat(i));
  }
  assertEquals(counters.setAside, 1_000);
  assertEquals(records.length, 100);
});

Deno.test("a failed delivery is told with the error in words and the wait", async () => {
  await using test = await setUp();
  const { delivery, records } = test;
  delivery.failed(AUDIT, FAILED);
  delivery.delivered(AUDIT, 1);
  assertEquals(records, [
    {
      level: "WARN",
      message: "delivery of events fails, retrying",
      error: "refused",
      since: "2026-03-01T12:00:00.000Z",
      attempt: 2,
      wait_seconds: 2,
    },
    {
      level: "INFO",
      message: "delivery of events works again",
      after_seconds: 0,
    },
  ]);
});

Deno.test("what lasts until somebody acts is an error, and its end is told too", async () => {
  await using test = await setUp();
  const { delivery, teleport, records } = test;
  const error = new DestinationError("answered 404: is the path right?");
  delivery.failed(AUDIT, { ...FAILED, error });
  delivery.failed(AUDIT, FAILED);
  delivery.delivered(AUDIT, 1);
  teleport.failed({
    ...FAILED,
    error: new TeleportError("access denied", "PERMISSION_DENIED"),
  });
  assertEquals(
    records.map(({ level, message, error }) => [level, message, error]),
    [
      [
        "ERROR",
        "delivery of events fails, retrying",
        "answered 404: is the path right?",
      ],
      ["WARN", "delivery of events fails, retrying", "refused"],
      ["INFO", "delivery of events works again", undefined],
      ["ERROR", "reading from Teleport fails, retrying", "access denied"],
    ],
  );
});

Deno.test("a cause is the same whatever number, time or id is in its text", async () => {
  await using test = await setUp();
  const { delivery, records } = test;
  const event = auditEvent("e0");
  for (let i = 0; i < 50; i++) {
    const url = `https://fluentd/session.${crypto.randomUUID()}.log`;
    delivery.setAside(
      AUDIT,
      event,
      `${url} answered 500 "a ${i} bytes record"`,
    );
    delivery.setAside(RECORDING, event, `${url} answered 400 "bad time"`);
  }
  assertEquals(records.length, 2);
});

Deno.test("recordings that cannot be delivered are not said to work because events can", async () => {
  await using test = await setUp();
  const { delivery, records } = test;
  delivery.failed(RECORDING, FAILED);
  for (let i = 0; i < 10; i++) delivery.delivered(AUDIT, 1);
  assertEquals(records.map(({ message }) => message), [
    "delivery of recordings fails, retrying",
  ]);
  delivery.delivered(RECORDING, 1);
  assertEquals(records.at(-1)?.message, "delivery of recordings works again");
});

Deno.test("a request that goes on failing is not said to work because others do", async () => {
  await using test = await setUp();
  const { clock, delivery, monitor, records } = test;
  const told = () => records.map(({ message }) => message);
  const notOver = () =>
    monitor.problems.report().filter(({ over }) => over === null)
      .map(({ what, first, times }) => [what, first, times]);
  for (let attempt = 1; attempt <= 3; attempt++) {
    delivery.failed(AUDIT, { ...FAILED, attempt });
    delivery.delivered(AUDIT, 1);
    await clock.advance(10_000);
  }
  assertEquals(told(), ["delivery of events fails, retrying"]);
  assertEquals(notOver(), [
    ["delivery of events", "2026-03-01T12:00:00.000Z", 3],
  ]);
  delivery.delivered(AUDIT, 1);
  delivery.recovered(AUDIT);
  assertEquals(told().slice(1), ["delivery of events works again"]);
  assertEquals(records.at(-1)?.after_seconds, 30);
  assertEquals(notOver(), []);
});

Deno.test("trouble with Teleport is told, and its end", async () => {
  await using test = await setUp();
  const { teleport, records } = test;
  teleport.worked();
  teleport.failed(FAILED);
  teleport.worked();
  assertEquals(records.map(({ message }) => message), [
    "reading from Teleport fails, retrying",
    "reading from Teleport works again",
  ]);
});

Deno.test("the time of the newest delivered event is kept", async () => {
  await using test = await setUp();
  const { counters, events } = test;
  events.advanced(position(1));
  assertEquals(counters.newestMs, 0);
  const newest = { time: "2026-03-01T11:59:59Z", keys: [] };
  events.advanced({ ...position(2), newest });
  assertEquals(counters.newestMs, Date.parse(newest.time));
  events.advanced(position(3));
  assertEquals(counters.newestMs, Date.parse(newest.time));
  assertEquals(counters.inOrder, true);
  events.advanced({ kind: "export", days: {}, newest });
  assertEquals(counters.inOrder, false);
});

Deno.test("it is caught up from an idle source to the next event", async () => {
  await using test = await setUp();
  const { counters, events, delivery } = test;
  events.caughtUp();
  assertEquals([counters.caughtUp, counters.upToDate], [true, true]);
  events.read(0, 0);
  events.caughtUp();
  assertEquals([counters.caughtUp, counters.upToDate], [true, true]);
  events.read(1, 1);
  assertEquals([counters.caughtUp, counters.upToDate], [false, false]);
  events.caughtUp();
  assertEquals([counters.caughtUp, counters.upToDate], [true, false]);
  delivery.delivered(AUDIT, 1);
  assertEquals(counters.upToDate, true);
});

Deno.test("while Teleport does not answer nobody is up to date, and not before it is asked again", async () => {
  await using test = await setUp();
  const { counters, events, teleport } = test;
  events.caughtUp()();
  teleport.failed(FAILED);
  assertEquals(counters.upToDate, false);
  teleport.worked();
  assertEquals(counters.upToDate, false);
  events.caughtUp();
  assertEquals(counters.upToDate, true);
});

Deno.test("what was there when the source was asked is known to be delivered from its last event on", async () => {
  await using test = await setUp();
  const { clock, counters, events } = test;
  events.read(1, 1);
  const allDelivered = events.caughtUp();
  const askedMs = clock.now();
  await clock.advance(1_000);
  assertEquals(counters.upToDateMs, 0);
  events.read(1, 1);
  allDelivered();
  assertEquals(counters.upToDateMs, askedMs);
});

Deno.test("an answer from before an outage does not say that all is delivered now", async () => {
  await using test = await setUp();
  const { clock, counters, events } = test;
  events.caughtUp()();
  const askedMs = clock.now();
  await clock.advance(3_600_000);
  events.caughtUp(askedMs)();
  assertEquals(counters.upToDate, false);
  assertEquals(counters.upToDateMs, askedMs);
  events.caughtUp(clock.now() - 5_000)();
  assertEquals(counters.upToDate, true);
});

Deno.test("nothing newer is nothing newer although the answer takes the server minutes", async () => {
  await using test = await setUp();
  const { clock, counters, events } = test;
  const askedMs = clock.now();
  await clock.advance(4 * 60_000);
  events.caughtUp(askedMs)();
  assertEquals(counters.upToDate, true);
});

Deno.test("a recording that fails is told once, and again when it is left", async () => {
  await using test = await setUp();
  const { recordings, records } = test;
  for (let attempts = 1; attempts <= 3; attempts++) {
    recordings.failed(
      "s1",
      pending({ attempts, lastError: "not there (yet)" }),
      attempts === 3 ? undefined : 700,
      new Error("not there (yet)"),
    );
  }
  assertEquals(
    records.map(({ level, message, session }) => [level, message, session]),
    [
      ["INFO", "recording cannot be read, retrying", "s1"],
      ["DEBUG", "recording still cannot be read", "s1"],
      ["WARN", "recording is left for the next run", "s1"],
    ],
  );
});

Deno.test("a recording that waits until somebody acts is an error, once a minute for all, and its end is told", async () => {
  await using test = await setUp();
  const { clock, counters, recordings, records } = test;
  const fail = (sessionId: string, attempts: number) => {
    const error = new TeleportError(
      `session ${sessionId}: access denied`,
      "PERMISSION_DENIED",
    );
    const lastError = error.message;
    recordings.failed(sessionId, pending({ attempts, lastError }), 700, error);
  };
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  fail(first, 1);
  fail(second, 1);
  await clock.advance(59_000);
  fail(first, 2);
  assertEquals(records, [{
    level: "ERROR",
    message: "reading of recordings fails, retrying",
    error: `session ${first}: access denied`,
    since: "2026-03-01T12:00:00.000Z",
    session: first,
    attempts: 1,
    wait_seconds: 1,
  }]);
  await clock.advance(1_000);
  fail(first, 3);
  assertEquals(records.map(({ level, attempts }) => [level, attempts]), [
    ["ERROR", 1],
    ["ERROR", 3],
  ]);
  assertEquals(counters.retries.teleport.get("permission_denied"), 4);
  recordings.finished(first, pending());
  recordings.finished(second, pending());
  assertEquals(
    records.filter(({ level }) => level === "INFO").map((it) => it.message),
    ["reading of recordings works again"],
  );
});

Deno.test("attempts to read a recording are counted as retries by gRPC's status, but for the last", async () => {
  await using test = await setUp();
  const { counters, recordings } = test;
  const error = new TeleportError("gone", "UNAVAILABLE");
  for (const waitMs of [700, 1_400, undefined]) {
    recordings.failed("s1", pending({ lastError: "gone" }), waitMs, error);
  }
  assertEquals(counters.retries.teleport.get("unavailable"), 2);
});

Deno.test("a recording that is missing is an error, one that is tried again is not", async () => {
  await using test = await setUp();
  const { recordings, records } = test;
  recordings.retried("s1");
  const sinceMs = Date.parse("2026-02-27T12:00:00Z");
  recordings.missing("s1", pending({ attempts: 60, sinceMs, lastError: "no" }));
  assertEquals(records, [
    {
      level: "INFO",
      message: "recording is tried again, as asked for",
      session: "s1",
    },
    {
      level: "ERROR",
      message:
        "recording is missing: it could not be read for two days, and is tried further",
      session: "s1",
      since: "2026-02-27T12:00:00.000Z",
      attempts: 60,
      error: "no",
    },
  ]);
});

Deno.test("a recording that was told to be missing, and is delivered after all, is told", async () => {
  await using test = await setUp();
  const { recordings, records } = test;
  recordings.finished("s1", pending());
  recordings.finished("s2", pending({ attempts: 60, toldMissing: true }));
  assertEquals(records, [
    { level: "DEBUG", message: "recording delivered", session: "s1" },
    {
      level: "INFO",
      message: "recording that was missing is delivered",
      session: "s2",
    },
  ]);
});

Deno.test("a recording that is finished is counted", async () => {
  await using test = await setUp();
  const { counters, recordings } = test;
  recordings.finished("s1", pending());
  assertEquals(counters.recordingsFinished, 1);
});

Deno.test("delivery is due from the first event that is read to the last that arrives", async () => {
  await using test = await setUp();
  const { clock, movements, delivery, events, recordings } = test;
  const stillS = () => [
    movements.delivery.stillMs / 1_000,
    movements.recordings.stillMs / 1_000,
  ];
  await clock.advance(60_000);
  events.read(3, 0);
  await clock.advance(60_000);
  assertEquals(stillS(), [0, 0]);
  events.read(3, 2);
  await clock.advance(10_000);
  recordings.read(2, 1);
  await clock.advance(10_000);
  assertEquals(stillS(), [20, 10]);
  delivery.delivered(AUDIT, 1);
  await clock.advance(5_000);
  assertEquals(stillS(), [5, 15]);
  delivery.setAside(AUDIT, auditEvent("e0"), "bad time");
  delivery.delivered(RECORDING, 1);
  await clock.advance(5_000);
  assertEquals(stillS(), [0, 0]);
});
