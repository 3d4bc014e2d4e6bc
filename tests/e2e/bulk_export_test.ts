import { assertEquals, assertMatch } from "../assert.ts";
import { runProgram } from "../fakes/program.ts";
import { COMPLETE_AND_ONCE, setStage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
const EXPORT = { exportSupported: true };

Deno.test("a bulk export of several days arrives complete and once, recordings too", async () => {
  await using stage = await setStage({
    size: 20_000,
    uploadEvery: 200,
    spacingMs: 30_000,
    exportChunkEvents: 300,
  }, EXPORT);
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /started .* by="?bulk export/);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
  const { requests } = stage.teleport;
  assertEquals(requests.GetUnstructuredEvents.length, 0);
  const again = await runProgram(stage.start(EXIT));
  assertEquals(again.code, 0, again.stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});
