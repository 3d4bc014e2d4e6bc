import { ExitStatus, statusOfRun } from "../../lib/commands/exit_status.ts";
import { Counters } from "../../lib/operate/counters.ts";
import { assertEquals } from "../assert.ts";

Deno.test("a run with everything delivered ends with 0", () => {
  assertEquals(statusOfRun(new Counters()), ExitStatus.Done);
});

Deno.test("a run that set something aside, or left something out, ends with 3", () => {
  for (const change of ["audit", "recording", "leftOut"] as const) {
    const counters = new Counters();
    if (change === "leftOut") counters.leftOut++;
    else counters[change].setAside++;
    assertEquals(statusOfRun(counters), ExitStatus.SetAside, change);
  }
});

Deno.test("a run that cannot account for an event ends with 1, whatever else there is", () => {
  for (const kind of ["audit", "recording"] as const) {
    for (const missing of [1, -1]) {
      const counters = new Counters();
      counters.audit.setAside++;
      counters.unaccounted[kind] = missing;
      assertEquals(statusOfRun(counters), ExitStatus.Failed);
    }
  }
});
