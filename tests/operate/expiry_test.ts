import type { Term } from "../../lib/credentials.ts";
import {
  reportTerms,
  warningsReached,
  watchExpiry,
} from "../../lib/operate/expiry.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { captureLog, type Logged } from "./captured_log.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function term(
  clock: FakeClock,
  { lifeMs, leftMs, name = "fluentd-cert" }: {
    lifeMs: number;
    leftMs: number;
    name?: string;
  },
): Term {
  const notAfterMs = clock.now() + leftMs;
  return {
    name,
    path: "/keys/it.crt",
    notBeforeMs: notAfterMs - lifeMs,
    notAfterMs,
  };
}

/** What is logged while the certificates change as the steps say. */
async function logged(
  clock: FakeClock,
  steps: readonly { terms: readonly Term[]; forMs: number }[],
): Promise<Logged[]> {
  await using log = await captureLog();
  const stop = new AbortController();
  let terms: readonly Term[] = steps[0]?.terms ?? [];
  const watching = watchExpiry(() => terms, { clock, stop: stop.signal });
  for (const step of steps) {
    terms = step.terms;
    await clock.advance(step.forMs);
  }
  stop.abort();
  await watching;
  return log.records;
}

function inShort({ level, message, left }: Logged): string {
  return [level, message.includes("expired") ? "expired" : left].join(" ");
}

Deno.test("a certificate that is not good yet is told once, with its beginning", async () => {
  const clock = new FakeClock();
  const early = term(clock, { lifeMs: 8 * DAY_MS, leftMs: 9 * DAY_MS });
  const records = await logged(clock, [{ terms: [early], forMs: DAY_MS }]);
  assertEquals(records, [{
    level: "WARN",
    message:
      "a certificate is not good yet, so connections fail until it is: is this machine's clock right?",
    certificate: "fluentd-cert",
    file: "/keys/it.crt",
    begin: new Date(early.notBeforeMs).toISOString(),
  }]);
});

Deno.test("a certificate of years is told 7 days, 1 day and 1 hour before its end, and at its end", async () => {
  const clock = new FakeClock();
  const long = term(clock, { lifeMs: 3_650 * DAY_MS, leftMs: 8 * DAY_MS });
  const records = await logged(clock, [{ terms: [long], forMs: 9 * DAY_MS }]);
  assertEquals(records.map(inShort), [
    "WARN 7 d",
    "WARN 1 d",
    "WARN 1 h",
    "ERROR expired",
  ]);
  assertEquals(records[0], {
    level: "WARN",
    message: "a certificate ends soon: renew it",
    certificate: "fluentd-cert",
    file: "/keys/it.crt",
    end: new Date(long.notAfterMs).toISOString(),
    left: "7 d",
  });
});

Deno.test("a certificate of an hour is told once a fifth of its life is left", async () => {
  const clock = new FakeClock();
  const short = term(clock, { lifeMs: HOUR_MS, leftMs: HOUR_MS });
  const records = await logged(clock, [{ terms: [short], forMs: 2 * HOUR_MS }]);
  assertEquals(records.map(inShort), ["WARN 12 min", "ERROR expired"]);
});

Deno.test("a certificate of an hour that is renewed in time is never told", async () => {
  const clock = new FakeClock();
  const steps = Array.from({ length: 20 }, (_, i) => ({
    terms: [
      term(clock, { lifeMs: HOUR_MS, leftMs: (i + 3) * 20 * MINUTE_MS }),
    ],
    forMs: 20 * MINUTE_MS,
  }));
  assertEquals(await logged(clock, steps), []);
});

Deno.test("the first warning comes 7 days or a fifth of its life before the end, whichever is less, and those behind it as ever", () => {
  const reached = (lifeDays: number, leftDays: number) =>
    warningsReached(
      { notBeforeMs: -lifeDays * DAY_MS, notAfterMs: 0 },
      -leftDays * DAY_MS,
    );
  assertEquals(
    [7, 6.1, 6, 1, 0.04, 0].map((left) => reached(30, left)),
    [0, 0, 1, 2, 3, 4],
  );
  // A fifth of half a day is 2.4 hours.
  assertEquals(
    [0.2, 0.1, 0.04, 0].map((left) => reached(0.5, left)),
    [0, 1, 2, 3],
  );
});

Deno.test("one that ends soon is told at the start, and only once", async () => {
  const clock = new FakeClock();
  const soon = term(clock, { lifeMs: 365 * DAY_MS, leftMs: 5 * DAY_MS });
  const records = await logged(clock, [{ terms: [soon], forMs: DAY_MS }]);
  assertEquals(records.map(inShort), ["WARN 5 d"]);
});

Deno.test("a renewed one begins anew, and another one's warnings stay", async () => {
  const clock = new FakeClock();
  const lifeMs = 365 * DAY_MS;
  const ca = term(clock, { lifeMs, leftMs: 6 * DAY_MS, name: "fluentd-ca" });
  const old = term(clock, { lifeMs, leftMs: 6 * DAY_MS });
  const renewed = term(clock, { lifeMs, leftMs: 12 * DAY_MS });
  const records = await logged(clock, [
    { terms: [ca, old], forMs: DAY_MS },
    { terms: [ca, renewed], forMs: DAY_MS },
    { terms: [ca, renewed], forMs: 3.5 * DAY_MS },
  ]);
  assertEquals(
    records.map((record) => `${record["certificate"]} ${inShort(record)}`),
    [
      "fluentd-ca WARN 6 d",
      "fluentd-cert WARN 6 d",
      "fluentd-ca WARN 1 d",
      "fluentd-cert WARN 7 d",
    ],
  );
});

Deno.test("one that was renewed for a short while only is told again", async () => {
  const clock = new FakeClock();
  const lifeMs = 365 * DAY_MS;
  const records = await logged(clock, [
    { terms: [term(clock, { lifeMs, leftMs: 5 * DAY_MS })], forMs: DAY_MS },
    { terms: [term(clock, { lifeMs, leftMs: 6 * DAY_MS })], forMs: DAY_MS },
  ]);
  assertEquals(records.map(inShort), ["WARN 5 d", "WARN 4 d 23 h"]);
});

Deno.test("the status shows certificates in the order in which they end, and which to renew", () => {
  const clock = new FakeClock();
  const terms = [
    term(clock, { lifeMs: DAY_MS, leftMs: DAY_MS / 2, name: "b" }),
    term(clock, { lifeMs: DAY_MS, leftMs: DAY_MS / 10, name: "a" }),
  ];
  const fromNow = (ms: number) => new Date(clock.now() + ms).toISOString();
  assertEquals(reportTerms(terms, clock.now()), [
    {
      name: "a",
      notBefore: fromNow(DAY_MS / 10 - DAY_MS),
      notAfter: fromNow(DAY_MS / 10),
      endsSoon: true,
    },
    {
      name: "b",
      notBefore: fromNow(-DAY_MS / 2),
      notAfter: fromNow(DAY_MS / 2),
      endsSoon: false,
    },
  ]);
});
