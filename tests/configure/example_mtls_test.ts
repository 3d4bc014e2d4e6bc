import { join } from "node:path";
import { fileURLToPath } from "node:url";
import settings from "../../deno.json" with { type: "json" };
import { setStage } from "../e2e/stage.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";
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

/**
 * What LibreSSL's openssl(1) says that each command takes; of its options, those
 * that make keys and certificates.
 */
const LIBRESSL: Readonly<Record<string, string>> = {
  genrsa:
    "-3 -aes128 -aes192 -aes256 -camellia128 -camellia192 -camellia256 -des -des3 -f4 -F4 -out -passout",
  req:
    "-batch -config -days -extensions -in -inform -key -keyform -keyout -md5 -new -newkey -nodes -noout -out -outform -passin -passout -pubkey -reqexts -set_serial -sha1 -sha256 -sha384 -sha512 -subj -text -utf8 -verify -x509",
  x509:
    "-CA -CAcreateserial -CAform -CAkey -CAkeyform -CAserial -clrext -days -extensions -extfile -in -inform -keyform -noout -out -outform -passin -req -set_serial -sha1 -sha256 -sha384 -sha512 -signkey -text",
};

/** An `openssl` that knows no option that LibreSSL does not. */
async function writeStrictOpenssl(path: string): Promise<void> {
  const cases = Object.entries(LIBRESSL)
    .map(([command, known]) => `  ${command}) known=" ${known} " ;;`);
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
case $1 in
${cases.join("\n")}
  *) echo "LibreSSL: unknown command $1" >&2; exit 1 ;;
esac
for word in "$@"; do
  case $word in
    -*) case $known in
      *" $word "*) ;;
      *) echo "LibreSSL: unknown option $word of $1" >&2; exit 1 ;;
    esac ;;
  esac
done
exec openssl "$@"
`,
    { mode: 0o700 },
  );
}

Deno.test({
  name:
    "the program delivers with the keys that the OpenSSL recipe makes, by options that LibreSSL knows",
  ignore: ignoreWithoutOpenssl(),
  fn: deliverWithExampleKeys,
});

async function deliverWithExampleKeys(): Promise<void> {
  await using stage = await setStage({ size: 20 });
  const keys = join(stage.directory, "keys");
  const PASS = "a pass'word";
  const strict = join(stage.directory, "strict_openssl");
  await writeStrictOpenssl(strict);
  const { code, stderr } = await generate({
    PASS,
    KEYLEN: "2048",
    KEYS_DIR: keys,
    OPENSSL: strict,
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

  for (const name of await namesIn(keys)) {
    assertEquals(await modeOf(join(keys, name)), 0o600, name);
  }
}

Deno.test("the OpenSSL recipe says that it needs a password, and makes nothing", async () => {
  await withDirectory(async (keys) => {
    const { code, stderr } = await generate({ PASS: "", KEYS_DIR: keys });
    assertEquals(code, 2);
    assertStringIncludes(stderr, "PASS is not set");
    assertEquals(await namesIn(keys), []);
  });
});

Deno.test("the OpenSSL recipe is a task, and git ignores the keys that it makes", async () => {
  assertEquals(
    settings.tasks["gen-example-mtls"].command,
    "scripts/gen_example_mtls.sh",
  );
  const ignored = await Deno.readTextFile(
    new URL("../../.gitignore", import.meta.url),
  );
  assertStringIncludes(ignored, "\n/example/keys/\n");
  assertStringIncludes(
    await Deno.readTextFile(SCRIPT),
    "out=${KEYS_DIR:-example/keys}\n",
  );
});
