import { keep, typeFilter } from "../../lib/pipeline/filter.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";
import { auditEvent, idsOf } from "../fakes/audit_events.ts";

const EVENTS = [
  auditEvent("1", { type: "user.login" }),
  auditEvent("2", { type: "session.start" }),
  auditEvent("3", { type: "user.login" }),
  auditEvent("4", { type: "a.type.of.the.next.release" }),
];

function kept(only: readonly string[], except: readonly string[]): string[] {
  return idsOf(keep(EVENTS, typeFilter(only, except)));
}

Deno.test("without a filter every event passes, those of unknown types too", () => {
  assertEquals(kept([], []), ["1", "2", "3", "4"]);
});

Deno.test("only the wanted types pass where some are named", () => {
  assertEquals(kept(["user.login"], []), ["1", "3"]);
  assertEquals(kept(["no.such.type"], []), []);
});

Deno.test("unwanted types do not pass", () => {
  assertEquals(kept([], ["user.login", "other"]), ["2", "4"]);
});

Deno.test("a type that is both wanted and unwanted does not pass", () => {
  assertEquals(kept(["user.login", "session.start"], ["user.login"]), ["2"]);
});

Deno.test("a type is compared as a whole", () => {
  assertEquals(kept(["user"], []), []);
  assertEquals(kept([], ["user"]), ["1", "2", "3", "4"]);
  const filter = typeFilter([], ["toString"]);
  assert(filter("constructor"));
});

Deno.test("events that all pass are not copied", () => {
  assertStrictEquals(keep(EVENTS, typeFilter([], [])), EVENTS);
});
