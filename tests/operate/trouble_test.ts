import { logger } from "../../lib/log.ts";
import { Trouble } from "../../lib/operate/trouble.ts";
import { assertEquals } from "../assert.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";
import { captureLog } from "./captured_log.ts";

async function setUp() {
  const log = await captureLog();
  const clock = new WrongClock();
  const trouble = new Trouble("delivery", { log: logger("test"), clock });
  return {
    trouble,
    clock,
    records: log.records,
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

Deno.test("trouble is told when it begins and when it is over", async () => {
  await using test = await setUp();
  const { trouble, clock, records } = test;
  trouble.failed("refused", { attempt: 1 });
  await clock.advance(12_400);
  trouble.worked();
  assertEquals(records, [
    {
      level: "WARN",
      message: "delivery fails, retrying",
      error: "refused",
      since: "2026-03-01T12:00:00.000Z",
      attempt: 1,
    },
    { level: "INFO", message: "delivery works again", after_seconds: 12 },
  ]);
});

Deno.test("what works is not worth a word", async () => {
  await using test = await setUp();
  test.trouble.worked();
  test.trouble.worked();
  assertEquals(test.records, []);
});

Deno.test("trouble that goes on is told again although the clock was set back", async () => {
  await using test = await setUp();
  const { trouble, clock, records } = test;
  trouble.failed("refused", {});
  clock.aheadMs = -24 * 3_600_000;
  trouble.failed("refused", {});
  assertEquals(records.length, 1);
  await clock.advance(60_000);
  trouble.failed("refused", {});
  assertEquals(records.length, 2);
  trouble.worked();
  assertEquals(records[2]?.after_seconds, 60);
});

Deno.test("trouble that goes on is told once a minute, and since when", async () => {
  await using test = await setUp();
  const { trouble, clock, records } = test;
  for (let second = 0; second < 180; second++) {
    trouble.failed("refused", { attempt: second + 1 });
    await clock.advance(1_000);
  }
  assertEquals(
    records.map(({ attempt, since }) => [attempt, since]),
    [1, 61, 121].map((attempt) => [attempt, "2026-03-01T12:00:00.000Z"]),
  );
});

Deno.test("another trouble is told at once", async () => {
  await using test = await setUp();
  const { trouble, records } = test;
  trouble.failed("refused", {});
  trouble.failed("reset", {});
  assertEquals(records.map(({ error }) => error), ["refused", "reset"]);
});

Deno.test("two troubles that take turns are told once a minute each", async () => {
  await using test = await setUp();
  const { trouble, clock, records } = test;
  for (let second = 0; second < 60; second++) {
    trouble.failed(second % 2 === 0 ? "refused" : "reset", {});
    await clock.advance(1_000);
  }
  assertEquals(records.map(({ error }) => error), ["refused", "reset"]);
});

Deno.test("trouble that comes and goes does not fill the log", async () => {
  await using test = await setUp();
  const { trouble, clock, records } = test;
  for (let i = 0; i < 1_200; i++) {
    trouble.failed("busy", {});
    await clock.advance(50);
    trouble.worked();
  }
  assertEquals(records.map(({ message }) => message), [
    "delivery fails, retrying",
    "delivery works again",
  ]);
});

Deno.test("texts without end are no leak, and all are told", async () => {
  await using test = await setUp();
  const { trouble, records } = test;
  for (let i = 0; i < 250; i++) trouble.failed(`error ${i}`, {});
  assertEquals(records.length, 250);
  // The last ones are still known.
  trouble.failed("error 249", {});
  assertEquals(records.length, 250);
});
