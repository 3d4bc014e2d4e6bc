import { logger } from "../../lib/log.ts";
import { Counters } from "../../lib/operate/counters.ts";
import { logSummaries, summaryFields } from "../../lib/operate/summary.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { captureLog } from "./captured_log.ts";

Deno.test("a summary leaves out what is zero and rare", () => {
  assertEquals(summaryFields(new Counters()), {
    events: 0,
    recording_events: 0,
    recordings: 0,
    filtered: undefined,
    set_aside: undefined,
    last_event: undefined,
  });
});

Deno.test("a summary has everything that was counted", () => {
  const counters = new Counters();
  Object.assign(counters.audit, { delivered: 10, filtered: 3, setAside: 1 });
  Object.assign(counters.recording, {
    delivered: 20,
    filtered: 4,
    setAside: 2,
  });
  counters.recordingsFinished = 5;
  counters.newestMs = Date.parse("2026-03-01T11:59:59Z");
  assertEquals(summaryFields(counters), {
    events: 10,
    recording_events: 20,
    recordings: 5,
    filtered: 7,
    set_aside: 3,
    last_event: "2026-03-01T11:59:59.000Z",
  });
});

Deno.test("a summary is logged every minute, until it is stopped", async () => {
  await using log = await captureLog();
  const clock = new FakeClock();
  const counters = new Counters();
  const stop = new AbortController();
  const ended = logSummaries(counters, {
    log: logger("test"),
    clock,
    stop: stop.signal,
  });
  await clock.advance(59_999);
  assertEquals(log.records.length, 0);
  counters.audit.delivered = 7;
  await clock.advance(1);
  counters.audit.delivered = 9;
  await clock.advance(60_000);
  assertEquals(log.records.map(({ message, events }) => [message, events]), [
    ["forwarding", 7],
    ["forwarding", 9],
  ]);
  stop.abort();
  await ended;
  assertEquals(clock.sleeping, 0);
});
