import { assert, assertEquals } from "../assert.ts";
import { besiegeSeveral } from "./crash/sieges.ts";
import { NO_PROBLEMS } from "./crash/verdict.ts";

const KILLS = 200;

Deno.test("200 kills at random moments, with faults on both sides: nothing is lost, and only what was unsaved comes again", async () => {
  const [seed = 0] = crypto.getRandomValues(new Uint16Array(1));
  const report = await besiegeSeveral({ kills: KILLS, seed });
  const about = `seed ${seed}: ${JSON.stringify({ ...report, problems: 0 })}`;
  assertEquals(report.problems, NO_PROBLEMS, about);
  assertEquals(report.kills, KILLS);
  // No siege that could not fail.
  assert(report.events > 10 * KILLS, about);
  assert(report.recordings > KILLS / 4, about);
  assert(report.setAside > 0 && report.duplicates > 0, about);
  // Of one crash, no more than had arrived and was not saved.
  assert(report.mostOfOneCrash <= report.mostUnsaved, about);
});
