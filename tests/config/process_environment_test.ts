import { join, relative } from "node:path";
import { assert, assertEquals } from "../assert.ts";
import { runProgram } from "../fakes/program.ts";

const MISSPELT: [name: string, meant: string][] = [
  ["FDFWD_STORGE", "FDFWD_STORAGE"],
  ["FDFWD_STORAGES", "FDFWD_STORAGE"],
  ["FDWRD_BETCH", "FDWRD_BATCH"],
  ["FDFWD_FLUENTD_ULR", "FDFWD_FLUENTD_URL"],
  ["FDFWD_TELEPORTADDR", "FDFWD_TELEPORT_ADDR"],
  ["FDWRD_TELEPORT_ADDRESS", "FDWRD_TELEPORT_ADDR"],
  ["FDFWD_FORWARD_FLUENTD_SESSION_URL", "FDFWD_FLUENTD_SESSION_URL"],
  ["FDFWD_FLUENTD_PASSPHRASE_FILE", "FDFWD_FLUENTD_KEY_PASSPHRASE_FILE"],
];

Deno.test("the program, which may not list its environment, finds misspelt variables", async () => {
  const { code, stderr } = await runProgram(["status"], {
    env: {
      ...Object.fromEntries(MISSPELT.map(([name]) => [name, "x"])),
      FDFWD_NAMESPACE: "default",
    },
  });
  assertEquals(code, 2);
  const found = stderr.split("\n").filter((line) =>
    line.includes("unknown environment variable")
  );
  assertEquals(
    found.toSorted(),
    MISSPELT.map(([name, meant]) =>
      `teleport-event-handler: ${name}: unknown environment variable: did you mean "${meant}"?`
    ).toSorted(),
  );
});

Deno.test("a path that no shell has expanded leads to the user's own directory", async () => {
  // With another one, Deno would look for its own files there.
  const home = Deno.env.get("HOME");
  assert(home);
  const directory = await Deno.makeTempDir({ prefix: "home_" });
  try {
    await Deno.writeTextFile(join(directory, "x.toml"), "stroage = 5\n");
    const path = `${relative(home, directory)}/x.toml`;
    const { stderr } = await runProgram(["status", `--config=~/${path}`]);
    assertEquals(
      stderr.split("\n")[0],
      `teleport-event-handler: ${home}/${path}:1: unknown key "stroage": did you mean "storage"?`,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a command that takes nothing from the environment does not mind it", async () => {
  const { code, stderr } = await runProgram(["version"], {
    env: { FDFWD_STORGE: "x", FDFWD_BATCH: "x" },
  });
  assertEquals([code, stderr], [0, ""]);
});

Deno.test({
  name:
    "variables that are not written in UTF-8 are named, and what they hold is not told",
  ignore: Deno.build.os === "windows",
  async fn() {
    const latin1 = (name: string) =>
      `${name}="$(printf 'hunter2 \\374')"; export ${name}; `;
    const run = (names: readonly string[]) =>
      runProgram(["status"], {
        shell: `${names.map(latin1).join("")}exec "$@"`,
      });
    const options = ["FDFWD_STORAGE", "FDWRD_FLUENTD_HEADERS"];
    for (const names of [options, ["NO_PROXY"]]) {
      const { code, stderr } = await run(names);
      assertEquals(code, 2);
      assertEquals(
        stderr.trimEnd().split("\n").toSorted(),
        names.map((name) =>
          `teleport-event-handler: ${name}: is not written in UTF-8`
        ).toSorted(),
      );
    }
  },
});
