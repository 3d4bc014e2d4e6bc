import { assertEquals } from "../assert.ts";
import { runProgram } from "../fakes/program.ts";

Deno.test("where standard output takes nothing, that is told as standard output's", async () => {
  const { code, stderr } = await runProgram(["version"], {
    shell: 'exec "$@" > /dev/full',
  });
  assertEquals([code, stderr], [
    1,
    "teleport-event-handler: cannot write to standard output: No space left on device (os error 28)\n",
  ]);
});

Deno.test("where standard error takes nothing, the exit status still tells what became of it", async () => {
  const { code } = await runProgram(["start"], {
    shell: 'exec "$@" 2> /dev/full',
  });
  assertEquals(code, 2);
});
