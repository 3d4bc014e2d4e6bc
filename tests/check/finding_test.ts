import { attempt } from "../../lib/check/finding.ts";
import { assertRejects, assertStrictEquals } from "../assert.ts";

Deno.test("a step that waits for what no signal ends is left at once all the same", async () => {
  const stop = new AbortController();
  const { promise } = Promise.withResolvers<never>();
  const tried = attempt("name", stop.signal, () => promise);
  const reason = new Error("stopped");
  stop.abort(reason);
  assertStrictEquals(await assertRejects(() => tried), reason);
});
