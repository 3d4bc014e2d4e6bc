import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setStage } from "../e2e/stage.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { ignoreWithoutOpenssl } from "../fakes/openssl.ts";
import { runProgram } from "../fakes/program.ts";

const SCRIPT = fileURLToPath(
  new URL("../../scripts/gen_example_mtls.sh", import.meta.url),
);

async function generate(env: Readonly<Record<string, string>>) {
  const { code, stderr } = await new Deno.Command(SCRIPT, {
    env: { ...env },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "the program delivers with the keys that the OpenSSL recipe makes",
  ignore: ignoreWithoutOpenssl(),
  fn: deliverWithExampleKeys,
});

async function deliverWithExampleKeys(): Promise<void> {
  await using stage = await setStage({ size: 20 });
  const keys = join(stage.directory, "keys");
  const PASS = "a pass'word";
  const { code, stderr } = await generate({
    PASS,
    KEYLEN: "2048",
    KEYS_DIR: keys,
  });
  assertEquals(code, 0, stderr);

  const read = (name: string) => Deno.readTextFile(join(keys, name));
  const serverKey = await read("server.key");
  assertStringIncludes(serverKey, "ENCRYPTED");
  await using fluentd = await startFluentd({
    tls: {
      ca: await read("ca.crt"),
      cert: await read("server.crt"),
      key: serverKey,
      passphrase: PASS,
    },
  });
  const outcome = await runProgram(stage.startAt(
    fluentd.url,
    "--exit-on-last-event",
    `--fluentd-ca=${join(keys, "ca.crt")}`,
    `--fluentd-cert=${join(keys, "client.crt")}`,
    `--fluentd-key=${join(keys, "client.key")}`,
  ));
  assertEquals(outcome.code, 0, outcome.stderr);
  assertEquals(fluentd.received.ids("test.log").length, 20);

  for (const { name } of Deno.readDirSync(keys)) {
    const { mode } = await Deno.stat(join(keys, name));
    assertEquals((mode ?? 0) & 0o777, 0o600, name);
  }
}

Deno.test("the OpenSSL recipe says that it needs a password, and makes nothing", async () => {
  const keys = await Deno.makeTempDir();
  try {
    const { code, stderr } = await generate({ PASS: "", KEYS_DIR: keys });
    assertEquals(code, 2);
    assertStringIncludes(stderr, "PASS is not set");
    assertEquals([...Deno.readDirSync(keys)], []);
  } finally {
    await Deno.remove(keys, { recursive: true });
  }
});
