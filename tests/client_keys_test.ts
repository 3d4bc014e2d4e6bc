import { join } from "node:path";
import type { KeyType } from "../lib/configure/certificates.ts";
import type { IdentitySource } from "../lib/credentials.ts";
import { AUDIT } from "../lib/event.ts";
import { loadTls } from "../lib/fluentd/tls.ts";
import { TeleportClient } from "../lib/teleport/client.ts";
import { loadIdentity } from "../lib/teleport/identity.ts";
import { assert, assertEquals, assertMatch } from "./assert.ts";
import { setStage } from "./e2e/stage.ts";
import { auditEvent } from "./fakes/audit_events.ts";
import { AuditLog } from "./fakes/audit_log.ts";
import { withDirectory } from "./fakes/directory.ts";
import { identityText } from "./fakes/identity_file.ts";
import { CLUSTER_NAME } from "./fakes/log_event.ts";
import { fluentdPki, issueClient, teleportPki } from "./fakes/pki.ts";
import { writeSecret } from "./fakes/pki_files.ts";
import { convertPrivateKey, type PrivateKeyForm } from "./fakes/private_key.ts";
import { runProgram } from "./fakes/program.ts";
import { startTeleport } from "./fakes/teleport.ts";
import { NEVER, startTlsFluentd, TestSink } from "./fluentd/setup.ts";

const EXIT = "--exit-on-last-event";
const PASSPHRASE = "open sesame";
const KEYS: [KeyType, PrivateKeyForm[]][] = [
  ["rsa-2048", ["pkcs1", "pkcs8"]],
  ["ecdsa-p256", ["sec1", "pkcs8"]],
  ["ed25519", ["pkcs8"]],
];

for (const [keyType, forms] of KEYS) {
  Deno.test(`Fluentd takes an ${keyType} key as ${forms.join(" and ")}, encrypted or not`, async () => {
    await using fluentd = await startTlsFluentd();
    const pki = await fluentdPki();
    const client = await issueClient(pki, { keyType });
    await withFiles(async (write) => {
      const caFile = await write("ca.crt", pki.authority.certificatePem);
      const certFile = await write("client.crt", client.certificatePem);
      const passphraseFile = await write("passphrase", `${PASSPHRASE}\n`);
      const sent = [];
      for (const form of forms) {
        for (const passphrase of [undefined, PASSPHRASE]) {
          const key = convertPrivateKey(client.privateKeyPem, {
            form,
            ...passphrase !== undefined && { passphrase },
          });
          assertEquals(key.includes("ENCRYPTED"), passphrase !== undefined);
          const tls = await loadTls({
            caFile,
            client: {
              certFile,
              keyFile: await write("client.key", key),
              keyPassphraseFile: passphrase && passphraseFile,
            },
          }, Date.now());
          using sink = new TestSink({
            url: `${fluentd.url}/test.log`,
            tls: () => tls,
          });
          const id = `${form} ${passphrase}`;
          await sink.send(AUDIT, [auditEvent(id)], NEVER);
          sent.push(id);
        }
      }
      assertEquals(fluentd.received.ids("test.log"), sent);
    });
  });

  Deno.test(`Teleport takes an ${keyType} key as ${forms.join(" and ")}, of an identity file or its own`, async () => {
    await using teleport = await startTeleport({ log: new AuditLog() });
    const pki = await teleportPki();
    const client = await issueClient(pki, { keyType });
    await withFiles(async (write) => {
      const caFile = await write("ca.crt", pki.authority.certificatePem);
      const certFile = await write("client.crt", client.certificatePem);
      for (const form of forms) {
        const key = convertPrivateKey(client.privateKeyPem, { form });
        const text = await identityText({ pki, client, privateKeyPem: key });
        const sources: IdentitySource[] = [
          { kind: "identity", file: await write("identity", text) },
          {
            kind: "files",
            caFile,
            certFile,
            keyFile: await write("client.key", key),
          },
        ];
        for (const source of sources) {
          const identity = await loadIdentity(source, Date.now());
          using client = new TeleportClient({
            addresses: [teleport],
            identity,
          });
          assertEquals((await client.ping(NEVER)).name, CLUSTER_NAME);
        }
      }
    });
  });
}

Deno.test("the program opens an encrypted client key with its passphrase file", async () => {
  await using stage = await setStage({ size: 5 });
  const pki = await fluentdPki();
  const keyFile = join(stage.directory, "encrypted.key");
  const passphraseFile = join(stage.directory, "passphrase");
  await writeSecret(
    keyFile,
    convertPrivateKey(pki.client.privateKeyPem, {
      form: "pkcs8",
      passphrase: PASSPHRASE,
    }),
  );
  await writeSecret(passphraseFile, `${PASSPHRASE}\n`);
  const { code, stderr } = await runProgram(stage.start(
    EXIT,
    `--fluentd-key=${keyFile}`,
    `--fluentd-key-passphrase-file=${passphraseFile}`,
  ));
  assertEquals(code, 0, stderr);
  assertEquals(stage.fluentd.received.events, 5);
  assert(!stderr.includes(PASSPHRASE));
});

Deno.test({
  name: "private keys that others may read are told by file, with what to do",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using stage = await setStage({ size: 1 });
    const { identity } = stage.paths.teleport;
    const { key } = stage.paths.fluentd.client;
    const quiet = await runProgram(stage.start(EXIT));
    assertEquals(quiet.code, 0, quiet.stderr);
    assert(!quiet.stderr.includes("chmod"), quiet.stderr);
    await Deno.chmod(identity, 0o640);
    await Deno.chmod(key, 0o604);
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, 0, stderr);
    for (const file of [identity, key]) {
      assertMatch(stderr, new RegExp(`WARN .*chmod 600.* file=${file}\n`));
    }
  },
});

async function withFiles(
  use: (
    write: (name: string, text: string) => Promise<string>,
  ) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await use(async (name, text) => {
      const path = join(directory, name);
      await writeSecret(path, text);
      return path;
    });
  });
}
