import type { CheckReport } from "../../lib/check/report.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { namesIn } from "../fakes/directory.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { identityText } from "../fakes/identity_file.ts";
import { logEvent } from "../fakes/log_event.ts";
import {
  fluentdPki,
  issueClient,
  NOT_YET_VALID,
  teleportPki,
} from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { check, options } from "./check_setup.ts";
import { fluentdUrls, setStage } from "./stage.ts";

Deno.test("where everything holds, each step says so, and nothing is left behind", async () => {
  await using stage = await setStage({ size: 5 });
  stage.teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
  const { code, found } = await check(stage, { replace: ["--lock-enabled"] });
  assertEquals(code, 0);
  assertEquals(Object.keys(found), [
    "Configuration/options",
    "Teleport's credentials/credentials",
    "Teleport/name",
    "Teleport/TCP",
    "Teleport/TLS",
    "Teleport/gRPC",
    "Teleport/events",
    "Teleport/recordings",
    "Teleport/locks",
    "Teleport/clock",
    "Fluentd's credentials/credentials",
    "Fluentd/name",
    "Fluentd/TCP",
    "Fluentd/TLS",
    "Fluentd/client certificate",
    "Fluentd/POST to fluentd-url",
    "Fluentd/POST to fluentd-session-url",
    "Fluentd/clock",
    "Storage/directory",
    "Storage/lock",
    "Storage/state",
  ]);
  for (const [step, text] of Object.entries(found)) {
    assertMatch(text, /^ok: /, step);
  }
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /teleport\.cluster\.local.*signed by tele\.example\.com, good until 2049-12-31/,
  );
  assertMatch(found["Teleport/gRPC"] ?? "", /cluster tele\.example\.com, ver/);
  assertMatch(found["Teleport/events"] ?? "", /may be listed$/);
  assertMatch(
    found["Fluentd/TLS"] ?? "",
    /for localhost, 127\.0\.0\.1, signed by Fluentd CA, good until 2049-12-31/,
  );
  assertEquals(stage.teleport.locks, []);
  assertEquals(stage.fluentd.received.events, 0);
  assertEquals(
    stage.fluentd.received.requests.filter(({ body }) => body === "[]").length,
    2,
  );
  const names = await namesIn(stage.directory);
  assert(!names.some((name) => /storage|check/.test(name)));
});

Deno.test("people get a line for each step, the configuration before it, and the sum after it", async () => {
  await using stage = await setStage();
  const good = await runProgram(["check", "--print-config", ...options(stage)]);
  assertEquals(good.code, 0, good.stderr);
  assertMatch(good.stdout, /^config +none +default\n/);
  assertMatch(good.stdout, /storage .*--storage/);
  assertMatch(
    good.stdout,
    /\nTeleport at 127\.0\.0\.1:\d+\n {2}✓ name +127\.0\.0\.1 is an address\n {2}✓ TCP /,
  );
  assertMatch(good.stdout, /\nEverything holds\.\n$/);
  await stage.fluentd.stop();
  const bad = await runProgram(["check", ...options(stage)]);
  assertEquals(bad.code, 1);
  assertMatch(
    bad.stdout,
    / {2}✗ TCP +connection to localhost:\d+ refused: is it running, and is the port right in fluentd-url\?/,
  );
  assertMatch(bad.stdout, / {2}– TLS +not tried: TCP failed\n/);
  assertMatch(bad.stdout, /\n1 of \d+ steps failed\.\n$/);
  const json = await runProgram([
    "check",
    "--json",
    "--print-config",
    ...options(stage),
  ]);
  const { configuration }: CheckReport = JSON.parse(json.stdout);
  assert(configuration?.some(({ name }) => name === "storage"));
});

Deno.test("what stands in the query of a URL is not printed: some receivers take a secret there", async () => {
  await using stage = await setStage();
  const urls = fluentdUrls(stage.fluentd.url).map((it) => `${it}?t=hunter2`);
  for (const how of [["--print-config"], ["--print-config", "--json"]]) {
    const { code, stdout } = await runProgram([
      "check",
      ...options(stage),
      ...urls,
      ...how,
    ]);
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /\/test\.log\?… takes an empty array/);
    assert(!stdout.includes("hunter2"), stdout);
  }
});

Deno.test("an HTTP proxy that cannot be reached is told as such, and neither Teleport nor Fluentd is blamed", async () => {
  await using stage = await setStage();
  const proxy = `127.0.0.1:${findFreePort()}`;
  const replace = ["--teleport-addr=teleport.invalid:443"];
  const env = (name: string) => ({
    DENO_NO_UPDATE_CHECK: "1",
    [name]: `http://${proxy}`,
  });
  const secure = await check(stage, {
    replace: [...replace, ...fluentdUrls("https://fluentd.invalid:8888")],
    env: env("HTTPS_PROXY"),
  });
  const refused =
    `the HTTP proxy ${proxy}: connection refused: is it running, and is its port right in HTTPS_PROXY or ALL_PROXY? ` +
    `(connect ECONNREFUSED ${proxy})`;
  assertEquals([secure.found["Teleport/TCP"], secure.found["Fluentd/TCP"]], [
    `failed: no connection to teleport.invalid:443: ${refused}`,
    `failed: no connection to fluentd.invalid:8888: ${refused}`,
  ]);
  const plain = await check(stage, {
    replace: fluentdUrls("http://fluentd.invalid:8888"),
    env: env("HTTP_PROXY"),
  });
  const said = plain.found["Fluentd/POST to fluentd-url"] ?? "";
  const expected =
    `the HTTP proxy ${proxy} cannot be reached: is it running, and is its address right in HTTP_PROXY or ALL_PROXY?`;
  assert(said.includes(expected), said);
});

Deno.test("a check that is stopped says so, and does not speak of deliveries", async () => {
  await using stage = await setStage();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using program = new Program([
    "check",
    ...options(stage, {
      replace: [`--teleport-addr=127.0.0.1:${silent.addr.port}`],
    }),
  ]);
  (await silent.accept()).close();
  using _connection = await silent.accept();
  program.kill("SIGINT");
  const { code, stderr } = await program.outcome();
  assertEquals([code, stderr], [
    130,
    "teleport-event-handler: stopped by SIGINT while checking\n",
  ]);
});

Deno.test("a private key that others can read is told, and that alone is no failure", async () => {
  await using stage = await setStage();
  const { key } = stage.paths.fluentd.client;
  await Deno.chmod(key, 0o644);
  const { code, stderr } = await runProgram(["check", ...options(stage)]);
  assertEquals(code, 0);
  assertMatch(stderr, /WARN +a private key can be read by others.*fluentd-key/);
  assert(stderr.includes(key));
});

Deno.test("certificates of our own that are not good yet are told with their beginning", async () => {
  await using stage = await setStage();
  const { certificatePem, privateKeyPem } = await issueClient(
    await fluentdPki(),
    { validity: NOT_YET_VALID },
  );
  const { cert, key } = stage.paths.fluentd.client;
  await writeSecret(cert, certificatePem);
  await writeSecret(key, privateKeyPem);
  const client = await issueClient(await teleportPki(), {
    validity: NOT_YET_VALID,
  });
  await writeSecret(
    stage.paths.teleport.identity,
    await identityText({ client }),
  );
  const { code, found } = await check(stage);
  assertEquals(code, 1);
  for (const side of ["Teleport", "Fluentd"]) {
    assertMatch(
      found[`${side}'s credentials/credentials`] ?? "",
      /^warning: .* not before 2049-01-01T00:00:00Z, .*clock/,
    );
  }
});

Deno.test("credentials that do not belong together are told, and Teleport is looked at", async () => {
  await using stage = await setStage();
  const { code, found, failed } = await check(stage, {
    replace: [`--fluentd-key=${stage.paths.teleport.client.key}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Fluentd's credentials/credentials"]);
  assertMatch(
    found["Fluentd's credentials/credentials"] ?? "",
    /fluentd-key.*does not belong to the certificate/,
  );
  assertMatch(found["Teleport/recordings"] ?? "", /^ok/);
});

Deno.test("options that cannot be used are told as for any command", async () => {
  await using stage = await setStage();
  const { code, stderr } = await runProgram([
    "check",
    ...options(stage, { replace: ["--batch=many"] }),
  ]);
  assertEquals(code, 2);
  assertMatch(stderr, /--batch/);
});
