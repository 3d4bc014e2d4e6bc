import {
  allOrProblems,
  ConfigError,
  describe,
  isAbort,
} from "../lib/errors.ts";
import { assertEquals, assertRejects, assertStrictEquals } from "./assert.ts";

Deno.test("what is wrong with several things is told at once", async () => {
  assertEquals(await allOrProblems([Promise.resolve(1), "a"]), [1, "a"]);
  const refuse = (...problems: string[]) =>
    Promise.reject(new ConfigError(problems));
  const { problems } = await assertRejects(
    () => allOrProblems([refuse("a", "b"), 1, refuse("c")]),
    ConfigError,
  );
  assertEquals(problems, ["a", "b", "c"]);
  const defect = new TypeError("boom");
  assertStrictEquals(
    await allOrProblems([refuse("a"), Promise.reject(defect)])
      .catch((error) => error),
    defect,
  );
});

Deno.test("an error is described by its message, and those of its causes that say more", () => {
  const cause = new Error("no route to host");
  const error = new Error("cannot connect", { cause });
  assertEquals(describe(error), "cannot connect: no route to host");
  const repeating = new Error("cannot connect: no route to host", { cause });
  assertEquals(describe(repeating), "cannot connect: no route to host");
});

Deno.test("an error without a message is described by its name, and anything else by itself", () => {
  assertEquals(describe(new RangeError(" ")), "RangeError");
  assertEquals(describe("boom"), "boom");
  assertEquals(describe(undefined), "undefined");
});

Deno.test("a host with several addresses is described by what each of them said", () => {
  const error = new AggregateError([
    new Error("connect ECONNREFUSED 127.0.0.1:3025"),
    new Error("connect ECONNREFUSED ::1:3025"),
  ]);
  assertEquals(
    describe(error),
    "connect ECONNREFUSED 127.0.0.1:3025, connect ECONNREFUSED ::1:3025",
  );
});

Deno.test("what Deno keeps programs out of is told without a flag that they do not have", () => {
  const error = new Deno.errors.NotCapable(
    'Requires all access to "/dev/stdin", run again with the --allow-all flag',
  );
  assertEquals(
    describe(new Error("cannot read /dev/stdin", { cause: error })),
    "cannot read /dev/stdin: Deno keeps programs out of /dev, /proc and /sys",
  );
});

Deno.test("an error is an abort where it is the very reason of the signal, which has aborted", () => {
  const stop = new AbortController();
  const reason = new Error("stopped");
  assertEquals(isAbort(undefined, stop.signal), false);
  stop.abort(reason);
  assertEquals(isAbort(reason, stop.signal), true);
  assertEquals(isAbort(new Error("stopped"), stop.signal), false);
});
