import { compareWithSeen } from "../../lib/teleport/seen_events.ts";
import { eventKey } from "../../lib/teleport/event_key.ts";
import { assertEquals } from "../assert.ts";
import { sampleEvent } from "./sample_event.ts";

const [a, b, c] = ["a", "b", "c"].map((id) => sampleEvent({ id }));
const blank = sampleEvent({ payload: { event: "exec" } });
const events = [a, b, c].filter((event) => event !== undefined);

Deno.test("events that were not read before are fresh, in the page's order", () => {
  assertEquals(compareWithSeen(events, []), {
    fresh: events,
    unshown: [],
  });
});

Deno.test("an event between those that were read is fresh", () => {
  assertEquals(compareWithSeen(events, ["a", "c"]), {
    fresh: events.slice(1, 2),
    unshown: [],
  });
});

Deno.test("events that share a timestamp are told apart", () => {
  const same = ["x", "y"].map((id) => sampleEvent({ id, timeMs: 5 }));
  assertEquals(compareWithSeen(same, ["x"]).fresh, same.slice(1));
});

Deno.test("what a page does not show may be on a later one", () => {
  assertEquals(compareWithSeen(events.slice(0, 1), ["a", "b", "c"]), {
    fresh: [],
    unshown: ["b", "c"],
  });
});

Deno.test("two events without an id that say the same are two", () => {
  const key = eventKey(blank);
  const twice = [blank, { ...blank }];
  assertEquals(compareWithSeen(twice, []), {
    fresh: twice,
    unshown: [],
  });
  assertEquals(compareWithSeen(twice, [key]), {
    fresh: twice.slice(1),
    unshown: [],
  });
  assertEquals(compareWithSeen(twice, [key, key]).fresh, []);
  assertEquals(compareWithSeen([blank], [key, key]).unshown, [key]);
});
