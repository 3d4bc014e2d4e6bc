import { holdAnswer } from "../../lib/operate/held_answer.ts";
import { assertEquals } from "../assert.ts";

Deno.test("however often it is asked for, an answer is made ten times a second at most", () => {
  const startMs = 1_000_000;
  let nowMs = startMs;
  let made = 0;
  const answer = holdAnswer(() => ++made, { monotonic: () => nowMs });
  for (; nowMs < startMs + 1_000; nowMs++) answer();
  assertEquals(made, 10);
  assertEquals([answer(), answer()], [11, 11]);
});

Deno.test("an answer that could not be made is made when somebody asks again", () => {
  let fails = true;
  const answer = holdAnswer(() => {
    if (fails) throw new Error("no");
    return "yes";
  }, { monotonic: () => 0 });
  try {
    answer();
  } catch {
    fails = false;
  }
  assertEquals(answer(), "yes");
});
