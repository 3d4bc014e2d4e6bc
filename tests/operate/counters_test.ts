import { Counters } from "../../lib/operate/counters.ts";
import { assertEquals } from "../assert.ts";

Deno.test("totals are of events and recordings together", () => {
  const counters = new Counters();
  counters.audit.delivered = 3;
  counters.recording.delivered = 4;
  counters.audit.setAside = 1;
  counters.recording.setAside = 2;
  counters.leftOut = 4;
  assertEquals([counters.delivered, counters.setAside], [7, 7]);
});

Deno.test("it is up to date when the source is, and every event has found its place", () => {
  const counters = new Counters();
  assertEquals(counters.upToDate, false);
  counters.caughtUp = true;
  assertEquals(counters.upToDate, true);
  counters.audit.read = 6;
  counters.audit.filtered = 1;
  counters.audit.delivered = 3;
  assertEquals(counters.upToDate, false);
  counters.audit.delivered = 4;
  counters.audit.setAside = 1;
  assertEquals(counters.upToDate, true);
  counters.caughtUp = false;
  assertEquals(counters.upToDate, false);
});
