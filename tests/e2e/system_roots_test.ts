import { join } from "node:path";
import { assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { fluentdPki, webPki } from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { runProgram } from "../fakes/program.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { check } from "./check_setup.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

Deno.test("a proxy of Teleport's and a Fluentd are trusted whose CAs the system trusts", async () => {
  await using stage = await setStage({ size: 200, uploadEvery: 20 });
  await using proxy = await startTeleportProxy(stage.teleport);
  const { code, stderr } = await runProgram([
    ...stage.start("--exit-on-last-event").filter((argument) =>
      !/^--(fluentd-ca|teleport-addr)=/.test(argument)
    ),
    `--teleport-addr=${proxy.address}`,
  ], { env: await systemRoots(stage, [await webPki(), await fluentdPki()]) });
  assertEquals(code, 0, stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("what the system trusts counts for nothing where the environment names another store", async () => {
  await using stage = await setStage();
  const env = await systemRoots(stage, [await fluentdPki()]);
  const without = ["--fluentd-ca"];
  assertEquals((await check(stage, { without, env })).code, 0);
  const { found, failed } = await check(stage, {
    without,
    env: { ...env, DENO_TLS_CA_STORE: "mozilla" },
  });
  assertEquals(failed, ["Fluentd/TLS"]);
  assertMatch(found["Fluentd/TLS"] ?? "", /fluentd-ca is not set/);
});

Deno.test("an empty store in the environment has fluentd-ca trusted and nothing else", async () => {
  await using stage = await setStage();
  const env = {
    ...await systemRoots(stage, [await fluentdPki()]),
    DENO_TLS_CA_STORE: "",
  };
  const other = `--fluentd-ca=${stage.paths.teleport.client.ca}`;
  assertEquals((await check(stage, { env })).code, 0);
  const { failed } = await check(stage, { replace: [other], env });
  assertEquals(failed, ["Fluentd/TLS"]);
});

Deno.test("CAs of the system's that cannot be loaded are told, and everything arrives by fluentd-ca", async () => {
  await using stage = await setStage({ size: 20 });
  const path = join(stage.directory, "broken.crt");
  await Deno.writeTextFile(
    path,
    "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n",
  );
  const { code, stderr } = await runProgram(
    stage.start("--exit-on-last-event"),
    { env: { SSL_CERT_FILE: path } },
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
  assertStringIncludes(
    stderr,
    "WARN  the CAs that the system trusts cannot be loaded, only Mozilla's are trusted",
  );
  assertStringIncludes(stderr, path);
});

/** The environment of a system that trusts these CAs. */
async function systemRoots(
  stage: Stage,
  pkis: readonly { readonly authority: { readonly certificatePem: string } }[],
): Promise<Record<string, string>> {
  const path = join(stage.directory, "system.crt");
  const pems = pkis.map(({ authority }) => authority.certificatePem);
  await writeSecret(path, pems.join("\n"));
  return { SSL_CERT_FILE: path };
}
