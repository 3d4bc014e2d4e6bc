import { GaveUpError } from "../../lib/errors.ts";
import { parseDocument } from "../../lib/state/document.ts";
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
import { UNWATCHED } from "../fakes/unwatched.ts";
import { sampleDocument } from "../state/sample_document.ts";
import {
  DAY_MS,
  from,
  fromDays,
  idsOf,
  NO_CHUNKS,
  POLL_MS,
  setUp,
  TODAY,
  YESTERDAY,
} from "./export_setup.ts";
import { sampleEvent } from "./sample_event.ts";

Deno.test("days are read from the first one to today, and each event once", async () => {
  const { log, readAll } = setUp();
  log.add("2026-02-25", "a", 5);
  log.add("2026-02-25", "b", 1);
  log.add("2026-02-27", "c", 4);
  log.add(TODAY, "d", 3);
  const batches = await readAll(from("2026-02-25"));
  assertEquals(idsOf(batches).sort(), log.ids);
  assertEquals(batches.at(-1)?.more, false);
  assertEquals(batches.filter(({ more }) => !more).length, 1);
  assertEquals([...new Set(log.listed)], [
    "2026-02-25",
    "2026-02-26",
    "2026-02-27",
    YESTERDAY,
    TODAY,
  ]);
  assertEquals(batches.at(-1)?.position, {
    kind: "export",
    days: { [YESTERDAY]: NO_CHUNKS, [TODAY]: { done: ["d"], cursors: {} } },
    newest: { time: `${TODAY}T00:00:02Z` },
  });
});

Deno.test("however many days are read at once, a position has few of them", async () => {
  const { log, readAll } = setUp();
  for (
    let ms = Date.parse("2026-01-01");
    ms <= Date.parse(TODAY);
    ms += DAY_MS
  ) {
    const day = new Date(ms).toISOString().slice(0, 10);
    log.put(day, day, [sampleEvent({ id: day, timeMs: ms })]);
  }
  const batches = await readAll(from("2026-01-01"));
  assertEquals(idsOf(batches).sort(), log.ids);
  for (const { position } of batches) {
    assert(Object.keys(position.days).length < 8);
  }
});

Deno.test("from every position on, exactly what was not read before is read", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed, 0);
    const { log, clock, create, readAll } = setUp();
    for (const day of ["2026-02-26", "2026-02-27", YESTERDAY, TODAY]) {
      for (let chunk = random.below(4); chunk > 0; chunk--) {
        log.add(day, `${day}-${chunk}-`, random.below(8));
      }
    }
    log.chunkFault = async () => {
      for (let i = random.below(4); i > 0; i--) await turn();
      if (random.below(6) === 0) throw new Error("cut");
    };
    const batches = await readAll(from("2026-02-26"));
    assertEquals(idsOf(batches).sort(), log.ids);
    log.chunkFault = undefined;
    for (const [i, { position }] of batches.entries()) {
      // As the state file has it.
      const text = JSON.stringify({ ...sampleDocument(), position });
      const stored = parseDocument(text, "state.json").position;
      assertEquals(stored, position);
      const rest = await clock.runUntil(
        Array.fromAsync(create().read(position, never())),
      );
      assertEquals(
        [...idsOf(batches.slice(0, i + 1)), ...idsOf(rest)].sort(),
        log.ids,
        `seed ${seed}, batch ${i}`,
      );
    }
  }
});

Deno.test("as many chunks as configured are read at once, over the days, and no more", async () => {
  const { log, readAll } = setUp({ concurrency: 3 });
  for (const day of ["2026-02-26", "2026-02-27", YESTERDAY, TODAY]) {
    log.add(day, `${day}a`, 20);
  }
  log.chunkFault = turn;
  await readAll(from("2026-02-26"));
  assertEquals(log.mostOpen, 3);
  assertEquals(log.open, 0);
});

Deno.test("nothing is read ahead but a batch of each chunk", async () => {
  const { log, create } = setUp({ concurrency: 2 });
  for (const chunk of ["a", "b", "c"]) log.add(TODAY, chunk, 50);
  const batches = create().read(from(TODAY), never());
  await batches.next();
  for (let turns = 0; turns < 50; turns++) await turn();
  assertEquals(log.opened, ["c", "b"]);
  // One was yielded, one of each chunk is offered, and one of them is being read.
  assert(log.taken <= 2 * 4, `${log.taken}`);
  await batches.return(undefined);
  assertEquals(log.open, 0);
});

Deno.test("a stream that breaks goes on behind its last event, at once slower and slower", async () => {
  const { log, clock, told, readAll } = setUp();
  log.add(TODAY, "a", 6);
  let breaks = 0;
  log.chunkFault = (_, before) => {
    if (before === 4 && breaks++ < 3) throw new Error("cut");
  };
  const batches = await readAll(from(TODAY));
  assertEquals(idsOf(batches).sort(), log.ids);
  assertEquals(log.opened, ["a", "a after 4", "a after 4", "a after 4"]);
  assertEquals(
    told.filter((line) => line !== "worked"),
    ["failed a 1", "failed a 2", "failed a 3"],
  );
  assert(clock.sleeps.every((ms, i) => ms <= 500 * 2 ** i));
});

Deno.test("a stream that goes on is told to work as soon as it does, and not only at its end", async () => {
  const { log, clock, told, follow } = setUp();
  log.add(TODAY, "a", 6);
  let breaks = 0;
  log.chunkFault = (_, before, signal) => {
    if (before === 2 && breaks++ === 0) throw new Error("cut");
    return before === 4 && hang(signal);
  };
  await using reading = follow(from(TODAY));
  await reading.settled();
  await clock.advance(500);
  await reading.settled();
  assertEquals(reading.ids.length, 4);
  assertEquals(told.slice(told.indexOf("failed a 1")), [
    "failed a 1",
    "worked",
  ]);
});

Deno.test("a stream that breaks at its very end is not taken for whole", async () => {
  const { log, readAll } = setUp();
  log.add(TODAY, "a", 4);
  let breaks = 0;
  log.chunkFault = (_, before) => {
    if (before === 4 && breaks++ === 0) throw new Error("cut");
  };
  const batches = await readAll(from(TODAY));
  assertEquals(idsOf(batches).sort(), log.ids);
  assertEquals(log.opened, ["a", "a after 4"]);
});

Deno.test("a chunk that fails holds up neither the others nor the days that follow", async () => {
  const { log, clock, follow } = setUp({ concurrency: 2 });
  log.add(YESTERDAY, "broken", 2);
  log.add(YESTERDAY, "b", 4);
  log.add(TODAY, "c", 4);
  let broken = true;
  log.chunkFault = (chunk) => {
    if (chunk === "broken" && broken) throw new Error("DATA_LOSS");
  };
  await using reading = follow(from(YESTERDAY));
  await reading.settled(2);
  assertEquals(reading.ids.sort(), [
    "b0",
    "b1",
    "b2",
    "b3",
    "c0",
    "c1",
    "c2",
    "c3",
  ]);
  assert(reading.batches.every(({ more }) => more), "not caught up");
  log.add(TODAY, "d", 1);
  await clock.advance(POLL_MS);
  await reading.settled(2);
  assert(reading.ids.includes("d0"));
  broken = false;
  await clock.advance(30_000);
  await reading.settled();
  assertEquals(reading.ids.toSorted(), log.ids);
  assertEquals(reading.batches.at(-1)?.more, false);
});

Deno.test("what works does not hide what fails", async () => {
  const { log, told, follow } = setUp();
  log.add(TODAY, "a", 2);
  log.add(TODAY, "b", 8);
  log.chunkFault = (chunk) => {
    if (chunk === "a") throw new Error("cut");
  };
  await using reading = follow(from(TODAY));
  await reading.settled(2);
  const first = told.findIndex((line) => line === "failed a 1");
  assert(first !== -1);
  assert(!told.slice(first).includes("worked"));
  log.chunkFault = undefined;
});

Deno.test("chunks that appear late are read: today's, and yesterday's", async () => {
  const { log, clock, follow } = setUp();
  log.add(TODAY, "a", 2);
  await using reading = follow(from("2026-02-26"));
  await reading.settled();
  assertEquals(reading.ids, ["a0", "a1"]);
  assertEquals(reading.batches.at(-1)?.more, false);
  log.add(TODAY, "b", 2);
  log.add(YESTERDAY, "c", 2);
  log.add("2026-02-27", "too late", 2);
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids.slice(2).sort(), ["b0", "b1", "c0", "c1"]);
  assertEquals(reading.batches.at(-1)?.more, false);
});

Deno.test("a day is looked back at for a day, and then forgotten with its chunks", async () => {
  const { log, clock, follow } = setUp();
  log.add(TODAY, "a", 1);
  await using reading = follow(from(TODAY));
  await reading.settled();
  // From noon on: the last poll of the next day.
  await clock.advance(DAY_MS / 2 + DAY_MS - POLL_MS);
  await reading.settled();
  assertEquals(reading.position?.days, {
    [TODAY]: { done: ["a"], cursors: {} },
    "2026-03-02": NO_CHUNKS,
  });
  log.add(TODAY, "last", 1);
  await clock.advance(2 * POLL_MS);
  await reading.settled();
  assertEquals(reading.ids, ["a0", "last0"]);
  // It is an event that tells whether our clock is right.
  log.add("2026-03-03", "b", 1);
  await clock.advance(2 * POLL_MS);
  await reading.settled();
  assertEquals(reading.position?.days, {
    "2026-03-02": NO_CHUNKS,
    "2026-03-03": { done: ["b"], cursors: {} },
  });
  log.listed.length = 0;
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(log.listed, ["2026-03-02", "2026-03-03"]);
});

Deno.test("a day is not forgotten before its last chunk is read", async () => {
  const { log, clock, follow } = setUp();
  log.add("2026-02-20", "slow", 4);
  log.chunkFault = (_, before, signal) => before === 2 && hang(signal);
  await using reading = follow(from("2026-02-20"));
  await reading.settled();
  assertEquals(reading.position?.days, {
    "2026-02-20": { done: [], cursors: { slow: "2" } },
    [YESTERDAY]: NO_CHUNKS,
    [TODAY]: NO_CHUNKS,
  });
  log.listed.length = 0;
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(log.listed, [YESTERDAY, TODAY], "it will get no other chunk");
});

Deno.test("of a log that is quiet for long, only days with events are kept, and looked at daily", async () => {
  const { log, clock, follow } = setUp();
  log.add(YESTERDAY, "a", 1);
  log.add(TODAY, "b", 1);
  await using reading = follow(from(YESTERDAY));
  await clock.advance(10 * DAY_MS);
  await reading.settled();
  assertEquals(reading.position?.days, {
    [YESTERDAY]: { done: ["a"], cursors: {} },
    [TODAY]: { done: ["b"], cursors: {} },
    "2026-03-10": NO_CHUNKS,
    "2026-03-11": NO_CHUNKS,
  });
  log.listed.length = 0;
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(log.listed, ["2026-03-10", "2026-03-11"]);
  log.listed.length = 0;
  log.add("2026-03-12", "c", 1);
  await clock.advance(DAY_MS);
  await reading.settled();
  assertEquals(log.listed.filter((day) => day === "2026-03-05"), [
    "2026-03-05",
  ]);
  assertEquals(reading.position?.days, {
    "2026-03-11": NO_CHUNKS,
    "2026-03-12": { done: ["c"], cursors: {} },
  });
  assertEquals(reading.ids, ["a0", "b0", "c0"]);
});

Deno.test("that everything is read is not told while a day is still to be listed", async () => {
  const { log, clock, follow } = setUp();
  log.add(TODAY, "a", 1);
  await using reading = follow(from(YESTERDAY));
  await reading.settled();
  const told = () => reading.batches.filter(({ more }) => !more).length;
  const before = told();
  assert(before > 0);
  log.add(YESTERDAY, "late", 1);
  const listing = Promise.withResolvers<void>();
  log.listFault = (day) => day === TODAY ? listing.promise : undefined;
  await clock.advance(POLL_MS);
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(reading.ids, ["a0", "late0"]);
  assertEquals(told(), before);
  listing.resolve();
  await reading.settled();
  assert(told() > before);
});

Deno.test("the memory of what a chunk brings is handed on with it, wanted or not", async () => {
  let freed = 0;
  const { log, create, clock } = setUp({
    exportEvents: async function* (request, signal) {
      for await (const batch of log.exportEvents(request, signal)) {
        yield { ...batch, release: () => freed++ };
      }
    },
    types: ["wanted"],
  });
  log.add(TODAY, "a", 6);
  const batches = await clock.runUntil(
    Array.fromAsync(create().read(from(TODAY), never())),
  );
  assertEquals(idsOf(batches), []);
  for (const { release } of batches) release?.();
  assertEquals(freed, 3);
});

Deno.test("where nothing is new the position stays the very same", async () => {
  const { log, clock, follow } = setUp();
  log.add(TODAY, "a", 1);
  await using reading = follow(from(TODAY));
  await reading.settled();
  const { position } = reading;
  await clock.advance(10 * POLL_MS);
  await reading.settled();
  assertStrictEquals(reading.position, position);
});

Deno.test("an earlier run's chunks go on where they were, and are not read again", async () => {
  const { log, readAll } = setUp();
  log.add(TODAY, "done", 4);
  log.add(TODAY, "begun", 4);
  const batches = await readAll(
    fromDays({ [TODAY]: { done: ["done"], cursors: { begun: "2" } } }),
  );
  assertEquals(idsOf(batches), ["begun2", "begun3"]);
  assertEquals(log.opened, ["begun after 2"]);
});

Deno.test("a begun chunk that is on no list is waited for while its day lasts, and then told", async () => {
  const { log, clock, told, follow } = setUp();
  await using reading = follow(
    fromDays({ [TODAY]: { done: [], cursors: { lost: "2", back: "1" } } }),
  );
  await reading.settled();
  log.add(TODAY, "back", 2);
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids, ["back1"]);
  assertEquals(reading.position?.days[TODAY], {
    done: ["back"],
    cursors: { lost: "2" },
  });
  log.add("2026-03-03", "later", 1);
  await clock.advance(2 * DAY_MS);
  await reading.settled();
  assertEquals(told.filter((line) => line.startsWith("gone")), [
    `gone ${TODAY} lost`,
  ]);
});

const NOT_FOUND = new TeleportError("chunk not found", "NOT_FOUND");

Deno.test("chunks that vanish after they were listed hold up nothing, and go on when they are back", async () => {
  const { log, clock, told, follow } = setUp({ concurrency: 2 });
  log.add(TODAY, "a", 4);
  const b = log.add(TODAY, "b", 4);
  const c = log.add(TODAY, "c", 4);
  log.chunkFault = (chunk, before) => {
    const vanishes = chunk === "b" || chunk === "c" && before === 2;
    if (!vanishes) return;
    log.remove(TODAY, chunk);
    throw NOT_FOUND;
  };
  await using reading = follow(from(TODAY));
  await reading.settled();
  assertEquals(reading.ids.toSorted(), ["a0", "a1", "a2", "a3", "c0", "c1"]);
  assertEquals(reading.batches.at(-1)?.more, false);
  log.chunkFault = undefined;
  log.put(TODAY, "b", b);
  log.put(TODAY, "c", c);
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids.toSorted(), log.ids);
  assertEquals(reading.position?.days[TODAY], {
    done: ["a", "c", "b"],
    cursors: {},
  });
  assertEquals(told.filter((line) => line !== "worked"), []);
});

Deno.test("a chunk that is found goes on behind what broke it, whether a list has it or not", async () => {
  const lists = [["a"]];
  const { log, readAll } = setUp({
    listChunks: () => Promise.resolve(lists.shift() ?? []),
  });
  log.add(TODAY, "a", 4);
  let breaks = 1;
  log.chunkFault = (_, before) => {
    if (before === 2 && breaks-- > 0) {
      throw new TeleportError("", "UNAVAILABLE");
    }
  };
  assertEquals(idsOf(await readAll(from(TODAY))), log.ids);
});

Deno.test("chunks that are deleted while their day is read are told together, and the rest of the log is read", async () => {
  const { log, told, readAll } = setUp({ concurrency: 2 });
  for (const chunk of ["a", "b", "c", "d"]) log.add("2026-02-20", chunk, 4);
  log.add(TODAY, "e", 1);
  log.chunkFault = (_, before) => {
    if (before !== 2) return;
    for (const chunk of ["a", "b", "c", "d"]) log.remove("2026-02-20", chunk);
    throw NOT_FOUND;
  };
  const batches = await readAll(from("2026-02-20"));
  assertEquals(idsOf(batches).sort(), ["c0", "c1", "d0", "d1", "e0"]);
  assertEquals(
    told.filter((line) => line.startsWith("gone")),
    ["gone 2026-02-20 a b c d"],
  );
  assertEquals(batches.at(-1)?.position.days["2026-02-20"], undefined);
});

Deno.test("a day whose chunks are gone is not forgotten where that cannot be noted", async () => {
  const fault = new Error("no space left on device");
  const { log, readAll } = setUp({
    observer: { ...UNWATCHED.chunks, gone: () => Promise.reject(fault) },
  });
  log.add(TODAY, "a", 1);
  const position = fromDays({
    "2026-02-20": { done: [], cursors: { lost: "2" } },
    [TODAY]: NO_CHUNKS,
  });
  assertEquals(await assertRejects(() => readAll(position)), fault);
});

Deno.test("a chunk that is listed and not found is asked for slower and slower", async () => {
  const { log, clock, told, readAll } = setUp();
  log.add(TODAY, "a", 4);
  let failures = 0;
  log.chunkFault = (_, before) => {
    if (before === 2 && failures++ < 3) throw NOT_FOUND;
  };
  assertEquals(idsOf(await readAll(from(TODAY))).sort(), log.ids);
  assertEquals(
    told.filter((line) => line !== "worked"),
    ["failed a 1", "failed a 2", "failed a 3"],
  );
  assert(clock.sleeps.every((ms, i) => ms <= 500 * 2 ** i));
});

const REFUSED = new TeleportError("unsupported cursor", "INVALID_ARGUMENT");

Deno.test("a chunk whose cursor is refused again and again begins anew, once", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 6);
  let refusals = 0;
  log.chunkFault = (_, before) => {
    const isOpening = log.opened.at(-1) === `a after ${before}`;
    if (isOpening && refusals++ < 8) throw REFUSED;
    if (before === 4 && refusals === 3) throw new Error("cut");
  };
  const batches = await readAll(
    fromDays({ [TODAY]: { done: [], cursors: { a: "2" } } }),
  );
  assertEquals(idsOf(batches), log.ids);
  assertEquals(log.opened, [
    ...Array(3).fill("a after 2"),
    "a",
    ...Array(6).fill("a after 4"),
  ]);
  assertEquals(told.filter((line) => line.startsWith("refused")), [
    `refused ${TODAY} a`,
  ]);
});

Deno.test("a chunk whose cursor is refused by one server and taken by another goes on behind it", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 6);
  let refusals = 0;
  log.chunkFault = () => {
    if (refusals++ < 2) throw REFUSED;
  };
  const batches = await readAll(
    fromDays({ [TODAY]: { done: [], cursors: { a: "2" } } }),
  );
  assertEquals(idsOf(batches), ["a2", "a3", "a4", "a5"]);
  assertEquals(told.filter((line) => line.startsWith("refused")), []);
});

Deno.test("a server that fails when a chunk is opened behind a cursor refuses none, however often", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 4);
  let failures = 5;
  log.chunkFault = () => {
    if (failures-- > 0) throw new TeleportError("", "UNAVAILABLE");
  };
  const batches = await readAll(
    fromDays({ [TODAY]: { done: [], cursors: { a: "2" } } }),
  );
  assertEquals(idsOf(batches), ["a2", "a3"]);
  assertEquals(told.filter((line) => line.startsWith("refused")), []);
});

Deno.test("an argument that is refused behind events of a stream is not its cursor, however often", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 9);
  const broken = new Set([2, 4, 6, 8]);
  log.chunkFault = (_, before) => {
    if (!broken.delete(before)) return;
    throw new TeleportError("this event is broken", "INVALID_ARGUMENT");
  };
  assertEquals(idsOf(await readAll(from(TODAY))), log.ids);
  assertEquals(told.filter((line) => line.startsWith("refused")), []);
});

Deno.test("an argument that is refused where no cursor was given is no cursor", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 3);
  let refusals = 0;
  log.chunkFault = () => {
    if (refusals++ < 5) throw REFUSED;
  };
  assertEquals(idsOf(await readAll(from(TODAY))), log.ids);
  assertEquals(told.filter((line) => line.startsWith("refused")), []);
});

Deno.test("days that another program was done with, between others, are not read again", async () => {
  const { log, readAll } = setUp();
  log.add("2026-02-24", "sent", 1);
  log.add("2026-02-26", "missed", 1);
  log.add(TODAY, "a", 1);
  const batches = await readAll(fromDays({
    "2026-02-22": { done: ["left over"], cursors: {} },
    "2026-02-25": { done: ["sent too"], cursors: {} },
  }));
  assertEquals(idsOf(batches).sort(), ["a0", "missed0"]);
});

Deno.test("the days before the first one stay unread, also where that is today", async () => {
  const { log, readAll } = setUp();
  log.add(YESTERDAY, "before", 1);
  log.add(TODAY, "a", 1);
  const newest = { time: `${TODAY}T00:00:00Z` };
  const batches = await readAll({ ...from(TODAY), newest });
  assertEquals(idsOf(batches), ["a0"]);
});

Deno.test("a run that is to end reads what appears while it reads", async () => {
  const { log, readAll } = setUp();
  log.add(TODAY, "a", 4);
  log.chunkFault = (chunk, before) => {
    if (chunk === "a" && before === 2) log.add(TODAY, "b", 2);
  };
  assertEquals(idsOf(await readAll(from(TODAY))).sort(), log.ids);
});

Deno.test("a run that is to end reads the days that began while it asked for a list in vain", async () => {
  const { log, clock, readAll } = setUp();
  log.add(TODAY, "a", 1);
  log.add("2026-03-02", "b", 1);
  log.add("2026-03-03", "c", 1);
  const backMs = Date.parse("2026-03-03T06:00:00Z");
  log.listFault = () => {
    if (log.listed.length > 1 && clock.now() < backMs) {
      throw new Error("UNAVAILABLE");
    }
  };
  assertEquals(idsOf(await readAll(from(TODAY))).sort(), log.ids);
});

Deno.test("other types, and events before the start time, are left out, and passed", async () => {
  const { log, readAll } = setUp({
    types: ["exec"],
    startTime: `${TODAY}T10:00:00Z`,
  });
  const at = (time: string, type: string) =>
    sampleEvent({ id: `${type} ${time}`, type, timeMs: Date.parse(time) });
  log.put(TODAY, "a", [
    at(`${TODAY}T09:59:59.999Z`, "exec"),
    at(`${TODAY}T10:00:00Z`, "exec"),
    at(`${TODAY}T10:00:00Z`, "user.login"),
    at(`${YESTERDAY}T23:00:00Z`, "exec"),
  ]);
  const batches = await readAll(from(TODAY));
  assertEquals(idsOf(batches), [`exec ${TODAY}T10:00:00Z`]);
  assertEquals(batches.at(-1)?.position.days, {
    [TODAY]: { done: ["a"], cursors: {} },
  });
});

Deno.test("an event without a time is not before the start time", async () => {
  const { log, readAll } = setUp({ startTime: `${TODAY}T10:00:00Z` });
  log.put(TODAY, "a", [
    sampleEvent({ id: "no time", timeMs: 0 }),
    sampleEvent({
      id: "Go's zero",
      timeMs: Date.parse("0001-01-01T00:00:00Z"),
    }),
    sampleEvent({ id: "old", timeMs: Date.parse(`${TODAY}T09:00:00Z`) }),
  ]);
  assertEquals(idsOf(await readAll(from(TODAY))), ["no time", "Go's zero"]);
});

Deno.test("a list that fails is asked for again, and told", async () => {
  const { log, told, readAll } = setUp();
  log.add(TODAY, "a", 1);
  let failures = 0;
  log.listFault = () => {
    if (failures++ < 2) throw new Error("UNAVAILABLE");
  };
  assertEquals(idsOf(await readAll(from(TODAY))), ["a0"]);
  assertEquals(told.slice(0, 3), [
    `failed ${TODAY} 1`,
    `failed ${TODAY} 2`,
    "worked",
  ]);
});

const POLICY = { initialMs: 500, maxMs: 30_000, timeoutMs: 60_000 };

Deno.test("a day that began during an outage is read within one back-off step, however rarely lists are asked for", async () => {
  const hourMs = DAY_MS / 24;
  const { log, clock, follow } = setUp({ pollMs: hourMs });
  log.add(TODAY, "a", 1);
  await using reading = follow(from(TODAY));
  await reading.settled();
  log.listFault = () => {
    throw new Error("UNAVAILABLE");
  };
  await clock.advance(15.1 * hourMs);
  log.add("2026-03-02", "b", 1);
  log.listFault = undefined;
  await clock.advance(POLICY.maxMs);
  await reading.settled();
  assertEquals(reading.ids, log.ids);
});

Deno.test("retries last no longer than the policy says, and nothing stays open", async () => {
  for (const fault of ["list", "chunk"]) {
    const { log, clock, create } = setUp({ policy: POLICY, follow: true });
    log.add(TODAY, "a", 4);
    log.add(TODAY, "b", 4);
    if (fault === "list") {
      log.listFault = () => {
        if (log.listed.length > 1) throw new Error("UNAVAILABLE");
      };
      log.chunkFault = (_, before, signal) => before === 2 && hang(signal);
    } else {
      log.chunkFault = (chunk, before, signal) => {
        if (chunk === "a" && before === 2) throw new Error("UNAVAILABLE");
        return chunk === "b" && hang(signal);
      };
    }
    const reading = Array.fromAsync(create().read(from(TODAY), never()));
    await assertRejects(() => clock.runUntil(reading), GaveUpError);
    assertEquals(log.open, 0);
  }
});

const STATES: readonly [
  name: string,
  set: (log: ReturnType<typeof setUp>["log"]) => void,
][] = [
  ["a list is waited for", (log) => {
    log.listFault = (_, signal) => hang(signal);
  }],
  ["a list is asked for again", (log) => {
    log.listFault = () => {
      throw new Error("UNAVAILABLE");
    };
  }],
  ["chunks say nothing", (log) => {
    log.chunkFault = (_, before, signal) => before === 2 && hang(signal);
  }],
  ["chunks are asked for again", (log) => {
    log.chunkFault = (_, before) => {
      if (before === 2) throw new Error("UNAVAILABLE");
    };
  }],
  ["nothing is new", () => {}],
];
for (const [name, set] of STATES) {
  Deno.test(`stop ends reading at once while ${name}, without an error`, async () => {
    const { log, follow, clock } = setUp({ concurrency: 2 });
    for (const chunk of ["a", "b", "c"]) log.add(TODAY, chunk, 4);
    set(log);
    const reading = follow(from(TODAY));
    for (let turns = 0; turns < 50; turns++) await turn();
    reading.stop.abort(new Error("stopped"));
    await reading.ended;
    assertEquals(log.open, 0);
    assertEquals(clock.sleeping, 0);
  });
}

Deno.test("stop ends reading while batches are offered that nobody takes", async () => {
  const { log, create } = setUp({ concurrency: 2 });
  for (const chunk of ["a", "b", "c"]) log.add(TODAY, chunk, 20);
  const stop = new AbortController();
  const batches = create().read(from(TODAY), stop.signal);
  await batches.next();
  for (let turns = 0; turns < 20; turns++) await turn();
  stop.abort(new Error("stopped"));
  assertEquals(await batches.next(), { value: undefined, done: true });
  assertEquals(log.open, 0);
});

Deno.test("a source that was stopped before asks nothing", async () => {
  const { log, create } = setUp({ follow: true });
  const stop = AbortSignal.abort(new Error("stopped"));
  for await (const _ of create().read(from(TODAY), stop)) assert(false);
  assertEquals(log.listed, []);
});

Deno.test("a reader that leaves early ends everything that is under way", async () => {
  const { log, clock, create } = setUp({ concurrency: 2, follow: true });
  for (const chunk of ["a", "b", "c"]) log.add(TODAY, chunk, 20);
  for await (const { events } of create().read(from(TODAY), never())) {
    if (events.length > 0) break;
  }
  assertEquals(log.open, 0);
  assertEquals(clock.sleeping, 0);
});
