import { GaveUpError } from "../../lib/errors.ts";
import { payloadOf } from "../../lib/event.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { hang, never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { sampleEvent } from "./sample_event.ts";
import {
  DAY_MS,
  from,
  HOUR_MS,
  idsIn,
  idsOf,
  MINUTE_MS,
  NOW_MS,
  POLICY,
  POLL_MS,
  SECOND_MS,
  setUp,
  times,
} from "./page_source_setup.ts";

const TOO_LARGE = new TeleportError(
  "page exceeds the maximum response size",
  "RESOURCE_EXHAUSTED",
);

Deno.test("pages cover the log exactly once, in its order", async () => {
  const { log, readAll } = setUp({ pageSize: 10 });
  const random = new Random(7, 0);
  for (let i = 0; i < 1_003; i++) {
    log.append(NOW_MS - 2 * HOUR_MS + random.below(300) * SECOND_MS);
  }
  assertEquals(idsOf(await readAll(from(NOW_MS - 3 * HOUR_MS))), idsIn(log));
});

Deno.test("more events with the same time than fit a page are read once each", async () => {
  const { log, readAll } = setUp({ pageSize: 7 });
  log.append(...Array(50).fill(NOW_MS - MINUTE_MS));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("blank ids neither lose nor repeat an event", async () => {
  const { log, follow } = setUp({ pageSize: 7 });
  const blank = (n: number) =>
    sampleEvent({ timeMs: NOW_MS - MINUTE_MS, payload: { n } });
  log.add(...[1, 2, 2, 3, 2].map(blank));
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  log.add(blank(2), blank(4));
  await reading.advance(POLL_MS);
  await reading.advance(POLL_MS);
  const read = reading.batches.flatMap(({ events }) => events);
  // The page is read again as a whole: which of the same ones is new is not told.
  assertEquals(
    read.map((event) => payloadOf(event).toHex()).sort(),
    log.events.map((event) => payloadOf(event).toHex()).sort(),
  );
});

Deno.test("every position leads to exactly what was not read before it", async () => {
  const { log, readAll } = setUp({ pageSize: 7, windowMs: HOUR_MS });
  const random = new Random(11, 0);
  for (let i = 0; i < 120; i++) {
    log.append(NOW_MS - 5 * HOUR_MS + random.below(600) * 30 * SECOND_MS);
  }
  const start = from(NOW_MS - 5 * HOUR_MS);
  const batches = await readAll(start);
  for (let read = 0; read < batches.length; read++) {
    const kept = JSON.stringify(batches[read]?.position);
    assertEquals(
      idsOf(await readAll(JSON.parse(kept))),
      idsOf(batches.slice(read + 1)),
      kept,
    );
  }
});

Deno.test("the last page is read again while it grows, and only what is new is yielded", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - 2 * MINUTE_MS, NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  assertEquals(reading.ids, ["event-0", "event-1"]);
  log.append(NOW_MS, NOW_MS);
  await reading.advance(POLL_MS);
  log.append(NOW_MS + SECOND_MS);
  await reading.advance(2 * POLL_MS);
  assertEquals(reading.ids, idsIn(log));
  assertEquals(log.requests.map(({ cursor }) => cursor).join(""), "");
});

Deno.test("a last page that fills up is turned, and nothing of it repeated", async () => {
  const { log, follow } = setUp({ pageSize: 4 });
  log.append(...times(3, NOW_MS - MINUTE_MS));
  await using reading = follow(from(NOW_MS - HOUR_MS));
  for (let i = 0; i < 5; i++) {
    await reading.advance(POLL_MS);
    log.append(...times(3, NOW_MS - MINUTE_MS + (3 + 3 * i) * SECOND_MS));
  }
  await reading.advance(2 * POLL_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("the very same position comes back while nothing is new", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * POLL_MS);
  const [first, ...others] = reading.batches;
  assert(others.length >= 5);
  for (const { events, position, more } of others) {
    assertEquals(events, []);
    assertStrictEquals(position, first?.position);
    assert(!more);
  }
});

Deno.test("a page that grows by the moment is not asked for without a pause", async () => {
  const { log, follow, clock } = setUp({ pageSize: 1_000 });
  log.fault = (request) => {
    log.append(clock.now() - SECOND_MS);
    return log.page(request);
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * SECOND_MS);
  assert(reading.ids.length >= 30);
  assert(log.requests.length <= 50, `${log.requests.length} requests`);
});

Deno.test("an event with an absurd time is read, and does not lead astray", async () => {
  for (const timeMs of [8.64e15 + 1, -9e15, NOW_MS + 365 * DAY_MS]) {
    const { log, follow, dropped } = setUp({ pageSize: 2 });
    const absurd = sampleEvent({ id: "absurd", timeMs });
    const [first] = log.append(NOW_MS - MINUTE_MS);
    assert(first !== undefined);
    log.fault = ({ cursor }) => {
      if (cursor === "moved") return { events: [], lastKey: "" };
      return dropped.length === 0
        ? { events: [first, absurd], lastKey: "moved" }
        : undefined;
    };
    await using reading = follow(from(NOW_MS - HOUR_MS));
    await reading.advance(2 * MINUTE_MS);
    assertEquals(reading.ids, ["event-0", "absurd"]);
    assertEquals(dropped, ["2026-03-01T11:59:00Z"]);
  }
});

Deno.test("a page that is too large is asked for with a smaller limit, which grows again", async () => {
  const { log, readAll, limits, shrunk } = setUp();
  log.append(...times(800, NOW_MS - HOUR_MS));
  const fat = log.events[300];
  log.fault = (request) => {
    const page = log.page(request);
    const place = page.events.findIndex((event) => event === fat);
    // The fat event fits only pages of its own and few others.
    if (place !== -1 && page.events.length > 10) throw TOO_LARGE;
    return page;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assert(shrunk.length > 0);
  assert(shrunk.every((limit) => limit >= 5), String(shrunk));
  const smallest = limits.indexOf(Math.min(...limits.slice(3)), 3);
  assert(Math.max(...limits.slice(smallest)) > 40);
});

Deno.test("a server that throttles is left alone by back-off, and not asked for less", async () => {
  const { log, follow, failed, shrunk, told } = setUp();
  log.append(...times(30, NOW_MS - MINUTE_MS));
  log.fault = () => {
    throw new TeleportError("rate limit exceeded", "RESOURCE_EXHAUSTED");
  };
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(10 * MINUTE_MS);
  assertEquals(log.requests.length, failed.length);
  // Half a minute at most, fifteen seconds on average.
  assert(failed.length >= 20 && failed.length <= 150, `${failed.length}`);
  assertEquals([shrunk, told], [[], []]);
  log.fault = undefined;
  await reading.advance(MINUTE_MS);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("the page size grows from 20 to 1000 while pages come back full", async () => {
  const { log, readAll, limits } = setUp();
  log.append(...times(6_000, NOW_MS - HOUR_MS, 100));
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assertEquals(limits.slice(0, 8), [20, 40, 80, 160, 320, 640, 1_000, 1_000]);
});

Deno.test("the page size stays while pages are not full", async () => {
  const { log, follow, limits } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.advance(MINUTE_MS);
  assertEquals(new Set(limits), new Set([20]));
});

Deno.test("a configured page size is kept, and come back to after a page too large", async () => {
  const { log, readAll, limits } = setUp({ pageSize: 50 });
  log.append(...times(500, NOW_MS - HOUR_MS));
  let fails = 2;
  log.fault = ({ cursor }) => {
    if (cursor !== "" && fails-- > 0) throw TOO_LARGE;
    return undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assertEquals(limits.slice(0, 5), [50, 13, 26, 50, 50]);
});

Deno.test("only the configured types are asked for", async () => {
  const { log, readAll } = setUp({ types: ["user.login", "exec"] });
  log.append(NOW_MS - MINUTE_MS);
  log.add(sampleEvent({ id: "x", type: "exec", timeMs: NOW_MS - MINUTE_MS }));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), ["x"]);
  for (const { types } of log.requests) {
    assertEquals(types, ["user.login", "exec"]);
  }
});

Deno.test("a source that does not follow ends when all is read, and not before", async () => {
  const { log, readAll, clock } = setUp({ pageSize: 10 });
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), []);
  assertEquals(log.requests.length, 1);
  log.append(...times(25, NOW_MS - MINUTE_MS));
  const batches = await readAll(from(NOW_MS - HOUR_MS));
  assertEquals(idsOf(batches), idsIn(log));
  assertEquals(batches.map(({ more }) => more), [true, true, false]);
  assertEquals(clock.sleeps, []);
});

Deno.test("a source that does not follow asks once more without a cursor that shows nothing", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 10 });
  log.append(...times(20, NOW_MS - MINUTE_MS));
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  assertEquals(dropped.length, 1);
});

Deno.test("a source that does not follow does not end at the first cursor that shows nothing once more", async () => {
  const { log, readAll, dropped } = setUp({ pageSize: 4 });
  log.append(...times(20, NOW_MS - HOUR_MS));
  let lies = 5;
  log.fault = ({ cursor }) => {
    if (cursor === "moved" || cursor !== "" && lies > 0) {
      return { events: [], lastKey: "" };
    }
    return log.requests.length > 1 && lies-- > 3
      ? { events: [], lastKey: "moved" }
      : undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - 2 * HOUR_MS))), idsIn(log));
  assert(dropped.length >= 3);
});

Deno.test("a source that does not follow ends although its cursor stands still", async () => {
  const { log, readAll } = setUp({ pageSize: 10 });
  log.append(...times(10, NOW_MS - MINUTE_MS));
  log.fault = (request) => ({
    events: request.cursor === "" ? log.page(request).events : [],
    lastKey: "stuck",
  });
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("a source that does not follow reads what came while it asked for the end in vain", async () => {
  const { clock, log, readAll } = setUp();
  log.append(NOW_MS - MINUTE_MS, NOW_MS + HOUR_MS, NOW_MS + 30 * HOUR_MS);
  log.fault = () =>
    clock.now() < NOW_MS + 31 * HOUR_MS
      ? Promise.reject(new TeleportError("not reachable", "UNAVAILABLE"))
      : undefined;
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("a source that does not follow ends although each page takes the server minutes", async () => {
  const { clock, log, readAll } = setUp({
    policy: { ...POLICY, timeoutMs: HOUR_MS },
  });
  log.append(NOW_MS - MINUTE_MS);
  let asked = 0;
  log.fault = async (request) => {
    if (++asked > 10) throw new Error("asked again and again");
    await clock.sleep(4 * MINUTE_MS, never());
    return log.page(request);
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
});

Deno.test("a start in the future is a range like any other", async () => {
  const position = from(NOW_MS + MINUTE_MS);
  const { log, follow } = setUp({ startTime: position.start });
  log.append(NOW_MS, NOW_MS + 2 * MINUTE_MS);
  await using reading = follow(position);
  await reading.advance(3 * MINUTE_MS);
  assertEquals(reading.ids, ["event-1"]);
  for (const { startMs, endMs } of log.requests) assert(startMs < endMs);
});

Deno.test("the next page is fetched while this one is delivered, and no page beyond it", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  const stop = new AbortController();
  const reading = source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal);
  for (let page = 1; page <= 4; page++) {
    await reading.next();
    for (let i = 0; i < 20; i++) await turn();
    assertEquals(log.requests.length, page + 1);
  }
  await reading.return(undefined);
});

Deno.test("the memory of each page is handed on with it, or freed where nothing is taken from it", async () => {
  // What is settled fills pages of its own, or not even one.
  for (const settled of [10, 2]) {
    const { log, follow } = setUp({ pageSize: 3, types: ["exec"] });
    const kept = new Set<number>();
    log.fault = (request) => {
      const number = log.requests.length;
      kept.add(number);
      const release = () => assert(kept.delete(number));
      return { ...log.page(request), release };
    };
    const timesMs = [
      ...times(settled, NOW_MS - HOUR_MS),
      ...times(10, NOW_MS - 4 * SECOND_MS, 300),
    ];
    for (const timeMs of timesMs) {
      log.add(sampleEvent({ id: `${timeMs}`, type: "exec", timeMs }));
    }
    await using reading = follow(from(NOW_MS - 2 * HOUR_MS));
    await reading.advance(MINUTE_MS);
    assertEquals(reading.ids, idsIn(log));
    assert(reading.batches.length < log.requests.length);
    assertEquals(kept.size, reading.batches.length);
    for (const { release } of reading.batches) release?.();
    assertEquals(kept.size, 0);
  }
});

Deno.test("nothing is asked ahead where nothing is new", async () => {
  const { log, source } = setUp();
  const stop = new AbortController();
  const reading = source.read(from(NOW_MS - HOUR_MS), stop.signal);
  await reading.next();
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(log.requests.length, 1);
  await reading.return(undefined);
});

Deno.test("a reader that leaves early ends the request that was made ahead", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }, signal) => cursor === "" ? undefined : hang(signal);
  const stop = new AbortController();
  for await (const _ of source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal)) {
    assertEquals(log.pending, 1);
    break;
  }
  await turn();
  assertEquals(log.pending, 0);
});

Deno.test("a failure of the page ahead waits until this one is delivered", async () => {
  const { log, source } = setUp({
    pageSize: 10,
    policy: { ...POLICY, timeoutMs: 0 },
  });
  log.append(...times(45, NOW_MS - HOUR_MS));
  log.fault = ({ cursor }) => {
    if (cursor === "") return undefined;
    throw new Error("boom");
  };
  const reading = source.read(from(NOW_MS - 2 * HOUR_MS), never());
  const first = await reading.next();
  assertEquals(first.value?.events.length, 10);
  for (let i = 0; i < 20; i++) await turn();
  await assertRejects(() => reading.next(), GaveUpError, "boom");
});

Deno.test("stop ends a poll at once, without an error", async () => {
  const { log, follow } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  const reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  await reading.stop();
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("stop ends a request at once, without an error", async () => {
  const { log, follow } = setUp();
  log.fault = (_, signal) => hang(signal);
  const reading = follow(from(NOW_MS - HOUR_MS));
  await turn();
  assertEquals(log.pending, 1);
  await reading.stop();
  assertEquals(log.pending, 0);
  assertEquals(reading.batches, []);
});

Deno.test("stop ends a back-off at once, without an error", async () => {
  const { log, follow, failed } = setUp();
  log.fault = () => {
    throw new Error("boom");
  };
  const reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  assertEquals(failed.length, 1);
  await reading.stop();
});

Deno.test("a source that was stopped before asks nothing", async () => {
  const { log, source } = setUp();
  const stop = AbortSignal.abort(new Error("stopped"));
  for await (const _ of source.read(from(NOW_MS), stop)) assert(false);
  assertEquals(log.requests, []);
});

Deno.test("nothing is yielded after a stop, and so nothing kept of it", async () => {
  const { log, source } = setUp({ pageSize: 10 });
  log.append(...times(45, NOW_MS - HOUR_MS));
  const stop = new AbortController();
  let batches = 0;
  for await (const _ of source.read(from(NOW_MS - 2 * HOUR_MS), stop.signal)) {
    batches++;
    for (let i = 0; i < 20; i++) await turn();
    stop.abort(new Error("stopped"));
  }
  assertEquals(batches, 1);
});

Deno.test("failures are retried with back-off, and told", async () => {
  const { log, readAll, failed } = setUp();
  log.append(NOW_MS - MINUTE_MS);
  let failures = 5;
  log.fault = () => {
    if (failures-- > 0) throw new Error("boom");
    return undefined;
  };
  assertEquals(idsOf(await readAll(from(NOW_MS - HOUR_MS))), idsIn(log));
  assertEquals(failed.map(({ attempt }) => attempt), [1, 2, 3, 4, 5]);
  for (const { attempt, waitMs } of failed) {
    assert(waitMs <= POLICY.initialMs * 2 ** (attempt - 1));
  }
});

Deno.test("what came during an outage is read within one back-off step, however rarely the log is asked", async () => {
  const { log, follow } = setUp({ pollMs: HOUR_MS });
  await using reading = follow(from(NOW_MS - HOUR_MS));
  await reading.untilPolling();
  log.fault = () =>
    Promise.reject(new TeleportError("not reachable", "UNAVAILABLE"));
  await reading.advance(70 * MINUTE_MS);
  log.append(NOW_MS + 65 * MINUTE_MS);
  log.fault = undefined;
  await reading.advance(POLICY.maxMs);
  assertEquals(reading.ids, idsIn(log));
});

Deno.test("failures are retried no longer than the policy says", async () => {
  const { log, readAll } = setUp({
    policy: { ...POLICY, timeoutMs: MINUTE_MS },
  });
  log.fault = () => {
    throw new Error("boom");
  };
  await assertRejects(
    () => readAll(from(NOW_MS - HOUR_MS)),
    GaveUpError,
    "boom",
  );
});
