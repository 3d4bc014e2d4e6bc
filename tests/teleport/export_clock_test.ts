import type { ExportPosition } from "../../lib/event.ts";
import { toExport } from "../../lib/teleport/export_position.ts";
import { assertEquals } from "../assert.ts";
import { never } from "../fakes/never.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";
import { sampleEvent } from "./sample_event.ts";
import {
  DAY_MS,
  from,
  fromDays,
  idsOf,
  NO_CHUNKS,
  POLL_MS,
  Reading,
  setUp,
  TODAY,
  YESTERDAY,
} from "./export_setup.ts";

function setUpWrong() {
  const clock = new WrongClock();
  const { log, told, create } = setUp({ clock });
  const noon = (day: string, id: string) =>
    log.put(day, id, [
      sampleEvent({ id, timeMs: Date.parse(`${day}T12:00:00Z`) }),
    ]);
  return {
    ...{ log, told, clock, noon, create },
    follow: (position: ExportPosition) =>
      new Reading(
        clock,
        (stop) => create({ follow: true }).read(position, stop),
      ),
    warnings: () => told.filter((line) => line.startsWith("set back")),
  };
}

for (const days of [1, 1.5, 2, 3, 30, 400]) {
  Deno.test(`a clock that is ${days} days ahead for a while loses nothing, and nothing is sent again`, async () => {
    const { log, clock, noon, follow, warnings } = setUpWrong();
    noon(YESTERDAY, "a");
    noon(TODAY, "b");
    await using reading = follow(from(YESTERDAY));
    await reading.settled();
    clock.aheadMs = days * DAY_MS;
    await clock.advance(POLL_MS);
    await reading.settled();
    clock.aheadMs = 0;
    noon(YESTERDAY, "c");
    noon(TODAY, "d");
    await clock.advance(POLL_MS);
    await reading.settled();
    assertEquals(reading.ids.toSorted(), log.ids);
    assertEquals(warnings().length, 1);
    assertEquals(reading.position?.days, {
      [YESTERDAY]: { done: ["a", "c"], cursors: {} },
      [TODAY]: { done: ["b", "d"], cursors: {} },
    });
    for (const day of ["2026-03-02", "2026-03-03", "2026-03-04"]) {
      await clock.advance(DAY_MS);
      await reading.settled();
      noon(day, day);
    }
    await clock.advance(2 * POLL_MS);
    await reading.settled();
    assertEquals(reading.ids.toSorted(), log.ids);
    assertEquals(warnings().length, 1);
    assertEquals(reading.position?.days, {
      "2026-03-03": { done: ["2026-03-03"], cursors: {} },
      "2026-03-04": { done: ["2026-03-04"], cursors: {} },
    });
  });
}

Deno.test("a clock that was ahead before anything was read loses nothing", async () => {
  const { log, clock, noon, follow } = setUpWrong();
  await using reading = follow(from(TODAY));
  await reading.settled();
  clock.aheadMs = 3 * DAY_MS;
  await clock.advance(POLL_MS);
  clock.aheadMs = 0;
  noon(TODAY, "a");
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids, log.ids);
});

Deno.test("a clock that was ahead when pages had caught up loses nothing of what comes then", async () => {
  const { log, clock, noon, follow } = setUpWrong();
  noon(YESTERDAY, "read");
  clock.aheadMs = 30 * DAY_MS;
  const position = toExport({
    kind: "page",
    start: "2026-03-30T00:00:00Z",
    cursor: "",
    seen: [],
    newest: { time: `${YESTERDAY}T12:00:00Z`, keys: ["read"] },
  }, clock.now());
  await using reading = follow(position);
  await reading.settled();
  clock.aheadMs = 0;
  noon(TODAY, "a");
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids, ["a"]);
  assertEquals(log.ids, ["a", "read"]);
});

Deno.test("a clock that is ahead while events come after a day without any loses no late chunk of that day", async () => {
  const { log, clock, noon, follow } = setUpWrong();
  noon("2026-02-26", "a");
  noon("2026-02-27", "b");
  await using reading = follow(from("2026-02-26"));
  await reading.settled();
  clock.aheadMs = 3 * DAY_MS;
  noon(TODAY, "c");
  await clock.advance(3 * POLL_MS);
  await reading.settled();
  clock.aheadMs = 0;
  noon(YESTERDAY, "late");
  await clock.advance(POLL_MS);
  await reading.settled();
  assertEquals(reading.ids.toSorted(), log.ids);
});

for (const later of [0, 2, 3, 4, 10]) {
  Deno.test(`a run that begins ${later} days after one whose clock was ahead reads what that one has passed, and nothing again`, async () => {
    const { log, clock, noon, follow } = setUpWrong();
    noon(TODAY, "a");
    let position = from(TODAY);
    {
      await using reading = follow(position);
      await reading.settled();
      clock.aheadMs = 3 * DAY_MS;
      await clock.advance(POLL_MS);
      await reading.settled();
      position = reading.position ?? position;
    }
    clock.aheadMs = 0;
    noon(TODAY, "b");
    noon("2026-03-02", "c");
    noon("2026-03-03", "d");
    await clock.advance(later * DAY_MS);
    await using reading = follow(position);
    await clock.advance(4 * DAY_MS);
    await reading.settled();
    assertEquals(reading.ids.toSorted(), ["b", "c", "d"]);
    assertEquals(log.ids, ["a", "b", "c", "d"]);
  });
}

Deno.test("a clock that stays ahead does not keep events back for ever, and lets no late chunk go", async () => {
  const { log, clock, noon, follow } = setUpWrong();
  noon(TODAY, "a");
  await using reading = follow(from(TODAY));
  await reading.settled();
  clock.aheadMs = 3 * DAY_MS;
  for (let day = 2; day < 8; day++) {
    await clock.advance(DAY_MS);
    noon(`2026-03-0${day}`, `day ${day}`);
    noon(`2026-03-0${day - 1}`, `late ${day - 1}`);
  }
  await clock.advance(DAY_MS);
  await reading.settled();
  assertEquals(reading.ids.toSorted(), log.ids);
});

Deno.test("a position whose days were all begun by a clock that was ahead goes back to its newest event", async () => {
  const { log, noon, follow, warnings } = setUpWrong();
  for (const day of ["2026-02-26", "2026-02-27", YESTERDAY, TODAY]) {
    noon(day, day);
  }
  await using reading = follow({
    ...from("2026-03-03", "2026-03-04"),
    newest: { time: `${YESTERDAY}T23:00:00Z` },
  });
  await reading.settled();
  assertEquals(reading.ids.toSorted(), log.ids.slice(1));
  assertEquals(warnings(), [
    "set back from 2026-03-04, looking again from 2026-02-27",
  ]);
});

Deno.test("a run that is killed while it reads what one whose clock was ahead has passed leaves that to the next one", async () => {
  const { log, clock, noon, create } = setUpWrong();
  const read = (position: ExportPosition) =>
    clock.runUntil(Array.fromAsync(create().read(position, never())));
  for (const day of ["2026-02-25", "2026-02-26", "2026-02-27", TODAY]) {
    noon(day, day);
  }
  const batches = await read({
    ...fromDays({
      "2026-02-25": { done: ["2026-02-25"], cursors: {} },
      [YESTERDAY]: NO_CHUNKS,
      [TODAY]: NO_CHUNKS,
    }),
    newest: { time: "2026-02-25T12:00:00Z" },
  });
  assertEquals(idsOf(batches).toSorted(), log.ids.slice(1));
  for (const [i, { position }] of batches.entries()) {
    const before = idsOf(batches.slice(0, i + 1));
    const rest = idsOf(await read(position));
    assertEquals([...before, ...rest].sort(), log.ids.slice(1), `batch ${i}`);
  }
});

Deno.test("where the server's clock was ahead too, days that its events have passed are read again rather than lost", async () => {
  const { log, clock, noon, follow } = setUpWrong();
  noon(TODAY, "a");
  await using reading = follow(from(TODAY));
  await reading.settled();
  clock.aheadMs = 3 * DAY_MS;
  noon("2026-03-04", "ahead");
  await clock.advance(3 * POLL_MS);
  await reading.settled();
  assertEquals(reading.ids, ["a", "ahead"]);
  clock.aheadMs = 0;
  noon(TODAY, "b");
  await clock.advance(POLL_MS);
  noon("2026-03-02", "c");
  noon("2026-03-03", "d");
  await clock.advance(5 * DAY_MS);
  await reading.settled();
  assertEquals([...new Set(reading.ids)].sort(), log.ids);
  assertEquals(reading.ids.length, log.ids.length + 1);
});

Deno.test("a clock that is behind at the start begins no day, and sends nothing again", async () => {
  const { log, clock, noon, follow, warnings } = setUpWrong();
  for (const day of ["2026-02-26", "2026-02-27", YESTERDAY, TODAY]) {
    noon(day, day);
  }
  clock.aheadMs = -20_000 * DAY_MS;
  await using reading = follow({
    ...fromDays({
      [YESTERDAY]: { done: [YESTERDAY], cursors: {} },
      [TODAY]: NO_CHUNKS,
    }),
    newest: { time: `${YESTERDAY}T12:00:00Z` },
  });
  await reading.settled();
  assertEquals(log.listed, [YESTERDAY, TODAY]);
  clock.aheadMs = 0;
  noon("2026-03-02", "b");
  await clock.advance(DAY_MS);
  await reading.settled();
  assertEquals(reading.ids, [TODAY, "b"]);
  assertEquals(warnings(), []);
});

Deno.test("a start that is still to come is no clock that was set back", async () => {
  const { log, clock, noon, follow, warnings } = setUpWrong();
  noon(TODAY, "before");
  await using reading = follow(from("2026-03-03"));
  await reading.settled();
  noon("2026-03-03", "a");
  await clock.advance(3 * DAY_MS);
  await reading.settled();
  assertEquals(reading.ids, ["a"]);
  assertEquals(log.listed.filter((day) => day < "2026-03-03"), []);
  assertEquals(warnings(), []);
});
