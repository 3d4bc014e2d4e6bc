import { logger } from "../../lib/log.ts";
import { AccountsCheck } from "../../lib/operate/accounts_check.ts";
import { Counters } from "../../lib/operate/counters.ts";
import { Problems } from "../../lib/operate/problems.ts";
import { Accounts } from "../../lib/pipeline/accounts.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { captureLog } from "./captured_log.ts";

async function setUp() {
  const captured = await captureLog();
  const accounts = new Accounts();
  const counters = new Counters();
  const problems = new Problems(new FakeClock());
  const log = logger("test");
  return {
    accounts,
    counters,
    problems,
    check: new AccountsCheck(accounts, { counters, problems, log }),
    records: captured.records,
    [Symbol.asyncDispose]: () => captured[Symbol.asyncDispose](),
  };
}

Deno.test("accounts that balance are not worth a word", async () => {
  await using test = await setUp();
  Object.assign(test.accounts.audit, { read: 5, filtered: 1, delivered: 2 });
  Object.assign(test.accounts.audit, { setAside: 1, sending: 1 });
  test.check.check();
  assertEquals(test.records, []);
});

Deno.test("a difference is an error that says so, once, and stays in the counters", async () => {
  await using test = await setUp();
  Object.assign(test.accounts.recording, { read: 5, delivered: 2, sending: 1 });
  test.check.check();
  test.check.check();
  assertEquals(test.records, [{
    level: "ERROR",
    message:
      "events read are not the events filtered, delivered, set aside and in flight: this program is at fault, please report it",
    ...{ kind: "recording", missing: 2, read: 5, filtered: 0, delivered: 2 },
    ...{ set_aside: 0, in_flight: 1 },
  }]);
  assertEquals(test.counters.unaccounted, { audit: 0, recording: 2 });
  test.accounts.recording.read++;
  test.check.check();
  assertEquals(test.records.length, 2);
});

Deno.test("at the end of a run nothing may be in flight", async () => {
  await using test = await setUp();
  Object.assign(test.accounts.audit, { read: 5, delivered: 4, sending: 1 });
  test.check.check();
  assertEquals(test.records, []);
  test.check.checkEnd();
  assertEquals(test.counters.unaccounted, { audit: 1, recording: 0 });
});

Deno.test("a difference is a problem since it was seen, until the accounts balance again", async () => {
  await using test = await setUp();
  test.accounts.audit.read = 2;
  test.check.check();
  const problem = () =>
    test.problems.report().map(({ what, error, over }) => [
      what,
      error,
      over !== null,
    ]);
  const error = "2 have no account: this program is at fault, please report it";
  assertEquals(problem(), [["accounts of audit events", error, false]]);
  test.accounts.audit.delivered = 2;
  test.check.check();
  assertEquals(problem(), [["accounts of audit events", error, true]]);
  assertEquals(test.counters.unaccounted, { audit: 0, recording: 0 });
  // That they balance is no error.
  assertEquals(test.records.length, 1);
});
