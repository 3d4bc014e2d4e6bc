import { checkStorage } from "../../lib/check/storage.ts";
import { assertEquals } from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";
import { turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";

Deno.test("whenever a check ends, nothing of it is left in the storage", async () => {
  await withDirectory(async (directory) => {
    const findings = Array.fromAsync(checkStorage(directory, {
      cluster: undefined,
      startTime: undefined,
      nowMs: Date.now(),
      signal: never(),
    }));
    let ended = false;
    findings.finally(() => ended = true);
    const left: string[] = [];
    while (!ended) {
      await turn();
      left.push(...Array.from(Deno.readDirSync(directory), (it) => it.name));
    }
    assertEquals(left, []);
    assertEquals((await findings)[0]?.status, "ok");
  });
});
