import { join } from "node:path";
import settings from "../deno.json" with { type: "json" };
import { PERMISSIONS } from "../scripts/permissions.ts";
import { V8_FLAGS } from "../scripts/v8_flags.ts";
import { assertEquals } from "./assert.ts";
import { setStage } from "./e2e/stage.ts";
import { runProgram } from "./fakes/program.ts";

Deno.test("the task runs the program as the binary runs: with its permissions and flags", () => {
  assertEquals(
    settings.tasks.handler.command,
    `deno run ${PERMISSIONS.join(" ")} ${V8_FLAGS} main.ts`,
  );
});

Deno.test("an export uses every kind of permission that it has, and asks for no other", async () => {
  await using stage = await setStage({ size: 200, uploadEvery: 20 });
  const audit = join(stage.directory, "permissions.jsonl");
  const { code, stderr } = await runProgram(
    stage.start("--exit-on-last-event"),
    { env: { DENO_AUDIT_PERMISSIONS: audit } },
  );
  assertEquals(code, 0, stderr);
  const uses = (await Deno.readTextFile(audit)).trim().split("\n")
    .map((line): { permission: string } => JSON.parse(line));
  assertEquals(
    [...new Set(uses.map(({ permission }) => permission))].sort(),
    ["env", "net", "read", "write"],
  );
});
