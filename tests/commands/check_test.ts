import { join, relative } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { setStage } from "../e2e/stage.ts";
import { runProgram } from "../fakes/program.ts";

Deno.test("check shows what holds and where it came from, without secrets, and takes paths from where it runs", async () => {
  await using stage = await setStage();
  const { directory, fluentd, paths, teleport } = stage;
  const cwd = join(directory, "work");
  await Deno.mkdir(join(cwd, "conf"), { recursive: true });
  const fromCwd = (path: string) => relative(cwd, path);
  const { ca, cert, key } = paths.fluentd.client;
  await Deno.writeTextFile(
    join(cwd, "conf", "x.toml"),
    `storage = "state"
batch = 1

[teleport]
addr = "${teleport.address}"
identity = ${JSON.stringify(fromCwd(paths.teleport.identity))}

[forward.fluentd]
url = "${fluentd.url}/test.log"
session-url = "${fluentd.url}/session"
ca = ${JSON.stringify(fromCwd(ca))}
cert = ${JSON.stringify(fromCwd(cert))}
key = ${JSON.stringify(fromCwd(key))}
header = "Authorization: hunter2"
`,
  );
  const { code, stdout, stderr } = await runProgram(
    ["check", "--config=conf/x.toml", "--print-config", "--timeout=9s"],
    { cwd, env: { FDWRD_CONCURRENCY: "3" } },
  );
  assertEquals([code, stderr], [0, ""]);
  const shown = new Map(
    stdout.split("\n").map((line) => {
      const [name = "", ...rest] = line.split(/ {2,}/);
      return [name, rest];
    }),
  );
  assertEquals(shown.get("storage"), ["state", "conf/x.toml:1: storage"]);
  assertEquals(shown.get("timeout"), ["9s", "--timeout"]);
  assertEquals(shown.get("concurrency"), ["3", "FDWRD_CONCURRENCY"]);
  assertEquals(shown.get("window-size"), ["24h", "default"]);
  assertEquals(shown.get("fluentd-header"), [
    "***",
    "conf/x.toml:14: forward.fluentd.header",
  ]);
  assert(!stdout.includes("hunter2"));
  assertStringIncludes(stdout, "Everything holds");
});
