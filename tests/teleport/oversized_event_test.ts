import type { AuditEvent, PagePosition } from "../../lib/event.ts";
import type { PageRequest } from "../../lib/teleport/client.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import {
  findWayAround,
  type TimeRange,
} from "../../lib/teleport/oversized_event.ts";
import { PageSource } from "../../lib/teleport/page_source.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { sampleEvent } from "./sample_event.ts";
import { ScriptedLog } from "./scripted_log.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const START_MS = NOW_MS - HOUR_MS;
const TOO_LARGE = new TeleportError(
  "page exceeds the maximum response size",
  "RESOURCE_EXHAUSTED",
);

/** How finely a server tells times apart. */
type Grain = "fine" | "coarse";

/** Some servers look at the seconds of a range only. */
function asSeen(request: PageRequest, grain: Grain): PageRequest {
  if (grain === "fine") return request;
  const { startMs, endMs } = request;
  return {
    ...request,
    startMs: Math.floor(startMs / SECOND_MS) * SECOND_MS,
    // The end that goes over the wire is part of the range.
    endMs: (Math.floor((endMs - 1) / SECOND_MS) + 1) * SECOND_MS,
  };
}

/** A log that cannot answer with some of its events. */
function setUp(
  grain: Grain,
  options: {
    pageSize?: number;
    types?: readonly string[];
    follow?: boolean;
    leaveOut?: () => Promise<void>;
  } = {},
) {
  const clock = new FakeClock(NOW_MS);
  const log = new ScriptedLog();
  const fat = new Set<AuditEvent>();
  const leftOut: TimeRange[] = [];
  let failed = 0;
  log.fault = (request) => {
    const page = log.page(asSeen(request, grain));
    if (page.events.some((event) => fat.has(event))) throw TOO_LARGE;
    return page;
  };
  const source = new PageSource({
    getEvents: log.getEvents,
    types: options.types ?? [],
    pageSize: options.pageSize,
    startTime: "2026-01-01T00:00:00Z",
    windowMs: 24 * HOUR_MS,
    pollMs: 5 * SECOND_MS,
    follow: options.follow ?? false,
    policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
    clock,
    observer: {
      ...UNWATCHED.pages,
      async steppedOver(range) {
        await options.leaveOut?.();
        leftOut.push(range);
      },
      failed: () => failed++,
    },
  });
  return {
    clock,
    log,
    leftOut,
    failed: () => failed,
    /** An event that is too large. */
    addFat(timeMs: number) {
      for (const event of log.append(timeMs)) fat.add(event);
    },
    fat,
    read: (stop: AbortSignal) => source.read(from(START_MS), stop),
    /** The ids of what is read, to the end. */
    async readAll(): Promise<string[]> {
      const batches = await clock.runUntil(
        Array.fromAsync(source.read(from(START_MS), never())),
      );
      return batches.flatMap(({ events }) => events.map(({ id }) => id));
    },
  };
}

function from(startMs: number): PagePosition {
  const start = new Date(startMs).toISOString().replace(".000Z", "Z");
  return { kind: "page", start, cursor: "", seen: [], newest: null };
}

for (const grain of ["fine", "coarse"] as const) {
  Deno.test(`an event that is too large is left out, and everything else read once, where times are ${grain}`, async () => {
    // The last but one has something in the next millisecond, the last one nothing.
    for (const fatMs of [0, 1, 999, 1_000, 60_500, 90_000, 80_000, 100_000]) {
      for (const pageSize of [1, 3, undefined]) {
        const test = setUp(grain, pageSize === undefined ? {} : { pageSize });
        for (let i = 0; i <= 900; i++) test.log.append(START_MS + i * 100);
        test.log.append(START_MS + 80_001);
        test.addFat(START_MS + fatMs);
        const ids = test.log.events.filter((event) => !test.fat.has(event))
          .map(({ id }) => id);
        assertEquals(await test.readAll(), ids, `${fatMs} ms, ${pageSize}`);
        const secondMs = fatMs - fatMs % SECOND_MS;
        assertEquals(test.leftOut, [
          grain === "fine"
            ? { startMs: START_MS + fatMs, endMs: START_MS + fatMs + 1 }
            : {
              startMs: START_MS + secondMs,
              endMs: START_MS + secondMs + SECOND_MS,
            },
        ], `${fatMs} ms, ${pageSize}`);
      }
    }
  });

  Deno.test(`wherever the large events are, only what is between two of one instant is left out with them, where times are ${grain}`, async () => {
    const random = new Random(23, grain === "fine" ? 0 : 1);
    for (let round = 0; round < 60; round++) {
      const test = setUp(grain, { pageSize: 1 + random.below(30) });
      const timeMs = () =>
        START_MS + random.below(20) * SECOND_MS + random.below(4) * 250;
      for (let i = 0; i < 60; i++) test.log.append(timeMs());
      for (let i = 0; i < 4; i++) test.addFat(timeMs());
      const read = await test.readAll();
      assertEquals(new Set(read).size, read.length, `round ${round}`);
      const instant = ({ timeMs }: AuditEvent) =>
        grain === "fine" ? timeMs : Math.floor(timeMs / SECOND_MS);
      const { events } = test.log;
      const isBetween = (event: AuditEvent, i: number) => {
        const isFatLikeIt = (other: AuditEvent) =>
          test.fat.has(other) && instant(other) === instant(event);
        return events.slice(0, i).some(isFatLikeIt) &&
          events.slice(i + 1).some(isFatLikeIt);
      };
      const readable = events
        .filter((event, i) => !test.fat.has(event) && !isBetween(event, i));
      assertEquals(
        read.toSorted(),
        readable.map(({ id }) => id).toSorted(),
        `round ${round}`,
      );
      for (const { timeMs } of test.fat) {
        assert(
          test.leftOut.some(({ startMs, endMs }) =>
            startMs <= timeMs && timeMs < endMs
          ),
          `round ${round}`,
        );
      }
    }
  });
}

for (const grain of ["fine", "coarse"] as const) {
  Deno.test(`an event that is too large and arrives late has nothing sent again, where times are ${grain}`, async () => {
    for (const pageSize of [3, 10, undefined]) {
      for (const lateMs of [8_500, 8_300, 8_000, 5_650]) {
        const test = setUp(grain, {
          follow: true,
          ...pageSize !== undefined && { pageSize },
        });
        for (let i = 0; i < 30; i++) test.log.append(NOW_MS - 9_000 + i * 200);
        const ids = test.log.events.map(({ id }) => id);
        const stop = new AbortController();
        const reading = Array.fromAsync(test.read(stop.signal));
        await test.clock.advance(SECOND_MS);
        test.addFat(NOW_MS - lateMs);
        await test.clock.advance(5 * 60 * SECOND_MS);
        stop.abort(new Error("stopped"));
        const read = (await reading).flatMap(({ events }) => events);
        assertEquals(
          read.map(({ id }) => id).toSorted(),
          ids.toSorted(),
          `${lateMs} ms ago, ${pageSize}`,
        );
        assertEquals(test.leftOut.length, 1);
      }
    }
  });
}

Deno.test("a server that only seems to tell times apart finely has nothing sent again", async () => {
  for (const pageSize of [1, 2, 3]) {
    const test = setUp("coarse", { pageSize });
    // It shows the first one, by chance, where just that millisecond is asked for.
    const readable = test.log.append(START_MS + 1, START_MS + 300);
    test.addFat(START_MS + 500);
    readable.push(...test.log.append(START_MS + 700, START_MS + 2_000));
    assertEquals(await test.readAll(), readable.map(({ id }) => id));
    assertEquals(test.leftOut.at(-1), {
      startMs: START_MS,
      endMs: START_MS + SECOND_MS,
    });
  }
});

Deno.test("finding the way around takes few requests", async () => {
  const test = setUp("fine");
  test.log.append(START_MS);
  test.addFat(START_MS + 1_234_567);
  await test.readAll();
  assert(test.log.requests.length < 45, `${test.log.requests.length}`);
});

Deno.test("what was left out is noted before reading goes on, and not at all where that fails", async () => {
  const full = new Error("the disk is full");
  const test = setUp("fine", { leaveOut: () => Promise.reject(full) });
  test.addFat(START_MS + 5_000);
  test.log.append(START_MS + 6_000);
  const read = Array.fromAsync(test.read(never()));
  assertEquals(await assertRejects(() => read), full);
});

Deno.test("nothing is left out for an event of the last seconds: others may be late", async () => {
  const test = setUp("fine", { follow: true });
  test.addFat(NOW_MS - 2 * SECOND_MS);
  const stop = new AbortController();
  const ids: string[] = [];
  const reading = (async () => {
    for await (const { events } of test.read(stop.signal)) {
      ids.push(...events.map(({ id }) => id));
    }
  })();
  await test.clock.advance(7 * SECOND_MS);
  assertEquals(test.leftOut, []);
  assert(test.failed() > 0);
  const [late] = test.log.append(NOW_MS - 3 * SECOND_MS);
  await test.clock.advance(60 * SECOND_MS);
  assertEquals(ids, [late?.id]);
  assertEquals(test.leftOut.length, 1);
  stop.abort(new Error("stopped"));
  await reading;
});

Deno.test("an event that arrives late, while a slow server is asked for the way around a large one, is read", async () => {
  const test = setUp("fine");
  test.addFat(NOW_MS - 5 * SECOND_MS);
  const { fault } = test.log;
  let late: AuditEvent[] = [];
  test.log.fault = async (request, signal) => {
    if (request.descending && late.length === 0) {
      late = test.log.append(NOW_MS - 6 * SECOND_MS);
      await test.clock.sleep(20 * SECOND_MS, signal);
    }
    return await fault?.(request, signal) ?? test.log.page(request);
  };
  assertEquals(await test.readAll(), late.map(({ id }) => id));
  assertEquals([late.length, test.leftOut.length], [1, 1]);
});

Deno.test("a large event that settles behind one that has not is left out in the end, and not looked for in a hurry", async () => {
  const test = setUp("fine", {
    pageSize: 1,
    types: ["session.start"],
    follow: true,
  });
  const [before] = test.log.append(NOW_MS - 9_600);
  test.addFat(NOW_MS - 9_500);
  await test.clock.advance(900);
  const stop = new AbortController();
  const reading = Array.fromAsync(test.read(stop.signal));
  await test.clock.untilSleeping();
  assert(test.log.requests.length < 100, `${test.log.requests.length}`);
  await test.clock.advance(60 * SECOND_MS);
  assertEquals(test.leftOut.length, 1);
  stop.abort(new Error("stopped"));
  assertEquals((await reading).flatMap(({ events }) => events), [before]);
});

Deno.test("an event that arrives late, before a large one, is read", async () => {
  const test = setUp("fine", { pageSize: 3, follow: true });
  test.log.append(NOW_MS - 9_000, NOW_MS - 8_500, NOW_MS - 8_000);
  test.addFat(NOW_MS - 7_000);
  const stop = new AbortController();
  const ids: string[] = [];
  const reading = (async () => {
    for await (const { events } of test.read(stop.signal)) {
      ids.push(...events.map(({ id }) => id));
    }
  })();
  await test.clock.advance(SECOND_MS);
  assertEquals([ids.length, test.leftOut.length], [3, 0]);
  test.log.append(NOW_MS - 8_200);
  await test.clock.advance(60 * SECOND_MS);
  stop.abort();
  await reading;
  const expected = test.log.events.filter((event) => !test.fat.has(event));
  assertEquals(ids.toSorted(), expected.map(({ id }) => id).toSorted());
  assertEquals(test.leftOut.length, 1);
});

Deno.test("a server that says of every range that it is too large has nothing left out", async () => {
  const test = setUp("fine", { follow: true });
  test.log.append(START_MS + 5_000);
  test.log.fault = () => {
    throw TOO_LARGE;
  };
  const stop = new AbortController();
  const reading = Array.fromAsync(test.read(stop.signal));
  await test.clock.advance(10 * 60 * SECOND_MS);
  assertEquals(test.leftOut, []);
  // With back-off, and not in a loop.
  assert(test.failed() >= 10);
  assert(test.log.requests.length < 150, `${test.log.requests.length}`);
  stop.abort(new Error("stopped"));
  await reading;
});

Deno.test("after ten in a row the server is at fault, and nothing more is left out until it answers", async () => {
  const test = setUp("fine", { follow: true });
  for (let i = 0; i < 20; i++) test.addFat(START_MS + 1 + i * SECOND_MS);
  const stop = new AbortController();
  const reading = Array.fromAsync(test.read(stop.signal));
  await test.clock.advance(10 * 60 * SECOND_MS);
  assertEquals(test.leftOut.length, 10);
  const fixed = [...test.fat].slice(10);
  for (const event of fixed) test.fat.delete(event);
  await test.clock.advance(60 * SECOND_MS);
  stop.abort(new Error("stopped"));
  const ids = (await reading).flatMap(({ events }) => events);
  assertEquals(ids, fixed);
});

Deno.test("large events that are not in a row are left out, however many they are", async () => {
  const test = setUp("fine");
  for (let i = 0; i < 15; i++) {
    test.addFat(START_MS + i * SECOND_MS);
    test.log.append(START_MS + i * SECOND_MS + 500);
  }
  const ids = test.log.events.filter((event) => !test.fat.has(event))
    .map(({ id }) => id);
  assertEquals(await test.readAll(), ids);
  assertEquals(test.leftOut.length, 15);
});

Deno.test("an event that stands in the way again, although reading has begun behind it, is passed with its second", async () => {
  const startMs = START_MS + 501;
  const found = await findWayAround(
    { range: { startMs, endMs: NOW_MS }, cursor: "", lastEndMs: startMs },
    async (request) => {
      const seen = asSeen({ ...request, types: [] }, "coarse");
      if (seen.startMs <= START_MS && START_MS < seen.endMs) throw TOO_LARGE;
      return await { events: [], lastKey: "" };
    },
  );
  assertEquals(found?.skipped, {
    startMs: START_MS,
    endMs: START_MS + SECOND_MS,
  });
});

Deno.test("an event that is too large is found behind an empty page", async () => {
  const skipped = { startMs: START_MS + 1_500, endMs: START_MS + 1_501 };
  const found = await findWayAround(
    {
      range: { startMs: START_MS, endMs: NOW_MS },
      cursor: "",
      lastEndMs: undefined,
    },
    async ({ startMs, endMs, cursor }) => {
      if (cursor === "") return await { events: [], lastKey: "moved" };
      if (startMs < skipped.endMs && skipped.startMs < endMs) throw TOO_LARGE;
      return { events: [], lastKey: "" };
    },
  );
  assertEquals(found, { skipped, after: [] });
});

/** What is behind a large event, by a server that pages backwards in this way. */
async function readBehind(
  pageBackwards: (
    page: number,
  ) => { events: readonly AuditEvent[]; lastKey: string },
) {
  const range = { startMs: START_MS, endMs: NOW_MS };
  let pages = 0;
  const found = await findWayAround(
    { range, cursor: "", lastEndMs: undefined },
    async ({ startMs, endMs, descending }) => {
      if (descending) {
        assert(pages < 1_000, "without end");
        return await pageBackwards(pages++);
      }
      if (startMs <= START_MS && START_MS < endMs) throw TOO_LARGE;
      return { events: [], lastKey: "" };
    },
  );
  return { after: found?.after, pages };
}

Deno.test("all that is behind a large event is read, however few events a page has", async () => {
  const events = Array.from(
    { length: 150 },
    (_, i) => sampleEvent({ id: `event-${i}`, timeMs: START_MS }),
  );
  const last = events.length - 1;
  // Also where it is gone by then, and the log begins there.
  for (const isGone of [false, true]) {
    const { after, pages } = await readBehind((page) => {
      const event = events.at(-1 - page);
      if (event === undefined) throw TOO_LARGE;
      const lastKey = isGone && page === last ? "" : event.id;
      return { events: [event], lastKey };
    });
    assertEquals(after, events);
    if (isGone) assertEquals(pages, events.length);
  }
});

Deno.test("behind a large event, cursors that lead nowhere are not followed for ever", async () => {
  const event = sampleEvent({ id: "event", timeMs: START_MS });
  const still = await readBehind(() => ({ events: [event], lastKey: "same" }));
  assertEquals(still.pages, 2);
  const empty = await readBehind((page) => ({
    events: [],
    lastKey: `key-${page}`,
  }));
  assertEquals(empty.after, []);
  assertEquals(empty.pages, 100);
});

Deno.test("answers that do not fit together have nothing left out", async () => {
  const range = { startMs: START_MS, endMs: NOW_MS };
  const fatMs = START_MS + 1_234_567;
  const seen = { range, cursor: "", lastEndMs: undefined };
  const page = { events: [], lastKey: "" };
  const honest = ({ startMs, endMs }: TimeRange) => {
    if (startMs <= fatMs && fatMs < endMs) throw TOO_LARGE;
    return page;
  };
  // It can be answered with by now.
  assertEquals(
    await findWayAround(seen, () => Promise.resolve(page)),
    undefined,
  );
  // An event has come before it meanwhile.
  let asked = 0;
  assertEquals(
    await findWayAround(
      seen,
      async (request) =>
        await ++asked > 5 && request.cursor === ""
          ? { events: [sampleEvent({ timeMs: START_MS })], lastKey: "behind" }
          : honest(request),
    ),
    undefined,
  );
  // A range with it is said to be empty, so that it seems to be later.
  let lied = false;
  const lying = async (request: TimeRange) => {
    if (!lied && request.endMs < NOW_MS && request.endMs > fatMs) {
      lied = true;
      return await page;
    }
    return honest(request);
  };
  assertEquals(await findWayAround(seen, lying), undefined);
  assert(lied);
  // The same, and there is an event where it seems to be.
  lied = false;
  assertEquals(
    await findWayAround(
      seen,
      async (request) => {
        const { events, lastKey } = await lying(request);
        const isInstant = request.startMs > fatMs;
        return {
          events: isInstant
            ? [sampleEvent({ timeMs: request.startMs })]
            : events,
          lastKey,
        };
      },
    ),
    undefined,
  );
  assert(lied);
});

Deno.test("any other failure on the way is the caller's to retry", async () => {
  const away = new TeleportError("not reachable", "UNAVAILABLE");
  let asked = 0;
  const error = await assertRejects(() =>
    findWayAround(
      {
        range: { startMs: START_MS, endMs: NOW_MS },
        cursor: "",
        lastEndMs: undefined,
      },
      ({ startMs }) => {
        if (++asked > 5) throw away;
        if (startMs === START_MS) throw TOO_LARGE;
        return Promise.resolve({ events: [], lastKey: "" });
      },
    )
  );
  assertEquals(error, away);
});
