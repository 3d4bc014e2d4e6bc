/** What `configure` generates, put to use: keys, password and both configurations. */

import { join } from "node:path";
import { assert, assertEquals } from "../assert.ts";
import { setStage, type Stage } from "../e2e/stage.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { runProgram } from "../fakes/program.ts";
import { ignoreWithoutFluentd, RealFluentd } from "../fakes/real_fluentd.ts";
import { runConfigure } from "./configure_process.ts";

const PASSWORD = "it's a \\ #{password}";
const DIRECTORY = `50% 'of' "it" #{1} $x [0]{a,b}? \\`;
const EVENTS = 20;

/** Runs `configure` for a stage's Teleport, and signs in. */
async function configure(stage: Stage, args: readonly string[]) {
  const out = join(stage.directory, DIRECTORY);
  const { code, stderr } = await runConfigure(
    [...args, out, stage.teleport.address],
    { stdin: PASSWORD },
  );
  assertEquals(code, 0, stderr);
  await Deno.copyFile(stage.paths.teleport.identity, join(out, "identity"));
  return await Deno.realPath(out);
}

/** Delivers by the generated configuration, but for Fluentd's port. */
async function deliver(
  out: string,
  port: number,
  host = "localhost",
): Promise<void> {
  const { code, stderr } = await runProgram([
    "start",
    `--config=${join(out, "teleport-event-handler.toml")}`,
    `--fluentd-url=https://${host}:${port}/test.log`,
    `--fluentd-session-url=https://${host}:${port}/session`,
    "--start-time=2026-01-01T00:00:00Z",
    "--exit-on-last-event",
  ]);
  assertEquals(code, 0, stderr);
}

for (
  const [kind, args] of [
    ["ECDSA keys", []],
    ["RSA keys, the client's encrypted", [
      "--key-type=rsa",
      "--length=2048",
      "--client-key-password=another secret",
    ]],
  ] as const
) {
  Deno.test(`the program delivers by the generated TOML and ${kind}`, async () => {
    await using stage = await setStage({ size: EVENTS });
    const out = await configure(stage, args);
    const read = (name: string) => Deno.readTextFile(join(out, name));
    await using fluentd = await startFluentd({
      tls: {
        ca: await read("ca.crt"),
        cert: await read("server.crt"),
        key: await read("server.key"),
        passphrase: PASSWORD,
      },
    });
    await deliver(out, fluentd.port);
    assertEquals(fluentd.received.ids("test.log").length, EVENTS);
  });
}

Deno.test({
  name:
    "a real Fluentd runs the generated fluent.conf and writes events and recordings",
  ignore: ignoreWithoutFluentd(),
  fn: () => deliverToRealFluentd(["--key-type=rsa", "--length=2048"]),
});

Deno.test({
  name: "a real Fluentd listens where its certificate is for an IPv6 address",
  ignore: ignoreWithoutFluentd() || !hasIPv6(),
  fn: () => deliverToRealFluentd(["--dns-names=", "--ip=::1"], "[::1]"),
});

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    // deno-lint-ignore no-console
    console.warn("there is no IPv6: a test that needs it is ignored");
    return false;
  }
}

async function deliverToRealFluentd(
  args: readonly string[],
  host?: string,
): Promise<void> {
  await using stage = await setStage({ size: EVENTS, uploadEvery: 10 });
  const out = await configure(stage, args);
  const port = findFreePort();
  await useFreePort(join(out, "fluent.conf"), port);
  await using fluentd = new RealFluentd(out, port);
  await fluentd.start();
  await deliver(out, port, host);
  // Told to end, it writes all that it took.
  await fluentd.stop();
  const uids = async (tag: string) => {
    const text = await Deno.readTextFile(join(out, "received", tag));
    return text.trimEnd().split("\n").map((line) => JSON.parse(line).uid);
  };
  const sessionIds = [...stage.teleport.log.sessionIds()];
  assert(sessionIds.length > 0);
  assertEquals(
    (await uids("test.log")).sort(),
    [...stage.teleport.log.ids()].sort(),
  );
  for (const sessionId of sessionIds) {
    assertEquals(
      await uids(`session.${sessionId}.log`),
      [...stage.expectedRecording(sessionId)],
    );
  }
}

/** Other tests run at the same time. */
async function useFreePort(path: string, port: number): Promise<void> {
  const text = await Deno.readTextFile(path);
  const changed = text.replace("port 8888\n", `port ${port}\n`);
  assert(changed !== text);
  await Deno.writeTextFile(path, changed);
}
