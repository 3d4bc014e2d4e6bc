import { assertEquals } from "../assert.ts";
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

Deno.test("a command that takes nothing from the environment does not mind it", async () => {
  const { code, stderr } = await runProgram(["version"], {
    env: { FDFWD_STORGE: "x", FDFWD_BATCH: "x" },
  });
  assertEquals([code, stderr], [0, ""]);
});
