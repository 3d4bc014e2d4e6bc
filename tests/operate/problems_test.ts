import { Problems } from "../../lib/operate/problems.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

Deno.test("a problem is told from its first time to its last, and when it was over", async () => {
  const clock = new FakeClock();
  const problems = new Problems(clock);
  problems.occurred("delivery", "refused");
  await clock.advance(1_000);
  problems.occurred("delivery", "refused");
  const known = {
    what: "delivery",
    error: "refused",
    first: "2026-03-01T12:00:00.000Z",
    last: "2026-03-01T12:00:01.000Z",
    times: 2,
  };
  assertEquals(problems.report(), [{ ...known, over: null }]);
  await clock.advance(1_000);
  problems.over("reading");
  problems.over("delivery");
  await clock.advance(1_000);
  problems.over("delivery");
  const over = { ...known, over: "2026-03-01T12:00:02.000Z" };
  assertEquals(problems.report(), [over]);
  problems.occurred("delivery", "refused");
  assertEquals(
    problems.report().map(({ times, over }) => [times, over]),
    [[1, null], [2, over.over]],
  );
});

Deno.test("ten problems are kept, and one that is not over longer than one that is", () => {
  const problems = new Problems(new FakeClock());
  const text = (i: number) => "x".repeat(i);
  problems.occurred("lasting", text(0));
  for (let i = 1; i <= 20; i++) {
    problems.occurred("passing", text(i));
    problems.over("passing");
  }
  const kept = problems.report();
  assertEquals(
    kept.map(({ error }) => error.length),
    [20, 19, 18, 17, 16, 15, 14, 13, 12, 0],
  );
  for (let i = 21; i <= 40; i++) problems.occurred("lasting", text(i));
  assertEquals(
    problems.report().map(({ error }) => error.length),
    [40, 39, 38, 37, 36, 35, 34, 33, 32, 31],
  );
});

Deno.test("events that are refused for the same cause are one problem, with the last one's text", () => {
  const problems = new Problems(new FakeClock());
  problems.occurred("refused", "400: no time in 0c5a2f6e-93b1: 17 bytes");
  problems.occurred("refused", "400: no time in 77f2a1b0-42aa: 3 bytes");
  assertEquals(
    problems.report().map(({ error, times }) => [error, times]),
    [["400: no time in 77f2a1b0-42aa: 3 bytes", 2]],
  );
});
