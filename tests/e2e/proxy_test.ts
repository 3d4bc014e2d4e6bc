import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../assert.ts";
import { startConnectProxy } from "../fakes/connect_proxy.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { fluentdPki, issueServer, webPki } from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { Program, runProgram } from "../fakes/program.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

/** Deno itself is not to ask for anything. */
const QUIET = { "DENO_NO_UPDATE_CHECK": "1" };
/** What never works is to end the run. */
const RETRY_BRIEFLY = "--retry-timeout=1s";

Deno.test("everything arrives through a proxy with TLS routing, named by its web address", async () => {
  await using stage = await setStage({ size: 500, uploadEvery: 50 });
  await using proxy = await startTeleportProxy(stage.teleport);
  const { code, stderr } = await runProgram(
    startAt(stage, `https://${proxy.address}/web`),
    { env: await webTrust(stage) },
  );
  assertEquals(code, 0, stderr);
  assertComplete(stage);
  assertMatch(
    stderr,
    /INFO .*connected to Teleport address=localhost:\d+ through="TLS routing" cluster=tele\.example\.com/,
  );
});

Deno.test("a proxy without TLS routing ends the run at once, with what to do", async () => {
  await using stage = await setStage({ size: 1 });
  await using proxy = await startTeleportProxy(stage.teleport, {
    mode: "separate ports",
  });
  const { code, stderr } = await runProgram(
    startAt(stage, proxy.address),
    { env: await webTrust(stage) },
  );
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "this proxy does no TLS routing, so that only an SSH tunnel leads through it, which is not supported: " +
      "turn on proxy_listener_mode: multiplex in the cluster's auth_service, or name the auth service itself " +
      "in teleport-addr (port 3025 by default)",
  );
});

Deno.test("a host alone whose proxy can never be used ends the run at once, although another port may yet come up", async () => {
  await using stage = await setStage({ size: 1 });
  await using proxy = await startTeleportProxy(stage.teleport, {
    mode: "separate ports",
  });
  const { code, stderr, asked } = await runAtHostAlone(stage, proxy);
  assertEquals(code, 1, stderr);
  assertStringIncludes(
    stderr,
    "Teleport at proxy.example.com:443: this proxy does no TLS routing",
  );
  assertEquals(
    asked.filter((host) => host === "proxy.example.com:3025").length,
    1,
  );
});

Deno.test("the first of several addresses that works is used", async () => {
  await using stage = await setStage({ size: 20 });
  const away = `127.0.0.1:${findFreePort()}`;
  const { code, stderr } = await runProgram(
    startAt(stage, `${away},${stage.teleport.address}`),
  );
  assertEquals(code, 0, stderr);
  assertComplete(stage);
});

Deno.test("another address takes over when the one in use goes away, and nothing is lost", async () => {
  await using stage = await setStage({ size: 3_000, uploadEvery: 300 });
  await using second = await startTeleport({ log: stage.teleport.log });
  await using program = new Program(
    startAt(stage, `${stage.teleport.address},${second.address}`),
  );
  await stage.fluentd.received.until(({ events }) => events > 500);
  await stage.teleport.stop();
  const { code, stderr } = await program.outcome();
  assertEquals(code, 0, stderr);
  assertComplete(stage);
  assert(second.served.pageEvents > 0);
  assertStringIncludes(
    stderr,
    `connected to Teleport address=${second.address}`,
  );
});

for (
  const [https, no] of [["HTTPS_PROXY", "NO_PROXY"], [
    "https_proxy",
    "no_proxy",
  ]] as const
) {
  Deno.test(`Teleport and Fluentd are reached through the proxy that ${https} names`, async () => {
    await using stage = await setStage({ size: 200, uploadEvery: 20 });
    await using fluentd = await startNamedFluentd();
    await using connect = await startConnectProxy({
      hosts: {
        "auth.example.com:3025": stage.teleport.port,
        "fluentd.example.com:8888": fluentd.port,
      },
      login: "user:p@ss",
    });
    const { code, stderr } = await runProgram(
      startAt(
        stage,
        "auth.example.com:3025",
        "https://fluentd.example.com:8888",
      ),
      {
        env: {
          ...QUIET,
          [https]: connect.url.replace("//", "//user:p%40ss@"),
          [no]: "other.example.com",
        },
      },
    );
    assertEquals(code, 0, stderr);
    assertEquals(
      fluentd.received.compare(stage.expectedIds()),
      COMPLETE_AND_ONCE,
    );
    assertEquals(
      new Set(connect.asked),
      new Set(["auth.example.com:3025", "fluentd.example.com:8888"]),
    );
    assertStringIncludes(stderr, `http_proxy=127.0.0.1:${connect.port}`);
    assert(!stderr.includes("p@ss") && !stderr.includes("p%40ss"));
  });
}

Deno.test("the proxy for https is taken rather than the one for everything, for Teleport and for Fluentd", async () => {
  await using stage = await setStage({ size: 20 });
  await using fluentd = await startNamedFluentd();
  await using connect = await startConnectProxy({
    hosts: {
      "auth.example.com:3025": stage.teleport.port,
      "fluentd.example.com:8888": fluentd.port,
    },
  });
  await using other = await startConnectProxy({ hosts: {} });
  const { code, stderr } = await runProgram(
    [
      ...startAt(
        stage,
        "auth.example.com:3025",
        "https://fluentd.example.com:8888",
      ),
      RETRY_BRIEFLY,
    ],
    {
      env: { ...QUIET, "HTTPS_PROXY": connect.url, "ALL_PROXY": other.url },
    },
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
  assertEquals(other.asked, []);
});

Deno.test("Fluentd is reached without the proxy where only its address and port are excepted", async () => {
  await using stage = await setStage({ size: 20 });
  await using fluentd = await startFluentd();
  await using proxy = await startConnectProxy({ hosts: {} });
  // This machine, by an address that nobody takes for it.
  const address = `0.0.0.0:${fluentd.port}`;
  const { code, stderr } = await runProgram(
    [
      ...startAt(stage, stage.teleport.address, `http://${address}`)
        .filter((argument) => !/^--fluentd-(ca|cert|key)=/.test(argument)),
      RETRY_BRIEFLY,
    ],
    { env: { ...QUIET, "ALL_PROXY": proxy.url, "NO_PROXY": address } },
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
  assertEquals(proxy.asked, []);
});

for (
  const [what, login, meaning] of [
    [
      "refuses",
      undefined,
      "the HTTP proxy does not connect us to it: have it allow this host and port, or name the host in NO_PROXY where it is reached without one",
    ],
    [
      "wants a password",
      "user:p@ss",
      "the HTTP proxy wants a user and a password: https_proxy=http://user:password@host:port",
    ],
  ] as const
) {
  Deno.test(`what to do is told where the proxy ${what}, and no password is`, async () => {
    await using stage = await setStage({ size: 1 });
    await using proxy = await startConnectProxy({
      hosts: {},
      ...login && { login },
    });
    const { code, stderr } = await runProgram(
      [
        ...startAt(
          stage,
          stage.teleport.address,
          "https://fluentd.example.com:8888",
        ),
        RETRY_BRIEFLY,
      ],
      {
        env: {
          ...QUIET,
          "HTTPS_PROXY": proxy.url.replace("//", "//user:secret@"),
        },
      },
    );
    assertEquals(code, 75, stderr);
    assertStringIncludes(
      stderr,
      `cannot send to https://fluentd.example.com:8888/test.log: ${meaning} (`,
    );
    assert(!stderr.includes("secret"));
  });
}

Deno.test("a Teleport proxy is asked, and passes TLS on, through an HTTP proxy", async () => {
  await using stage = await setStage({ size: 20 });
  await using proxy = await startTeleportProxy(stage.teleport);
  const { code, stderr, asked } = await runAtHostAlone(stage, proxy);
  assertEquals(code, 0, stderr);
  assertComplete(stage);
  assertEquals(new Set(asked), new Set(["proxy.example.com:443"]));
});

Deno.test("hosts that NO_PROXY names, and this machine, are reached without the proxy", async () => {
  await using stage = await setStage({ size: 20 });
  const away = `http://127.0.0.1:${findFreePort()}`;
  const run = async (fluentdUrl: string, env: Record<string, string>) => {
    const { code, stderr } = await runProgram(
      startAt(stage, stage.teleport.address, fluentdUrl),
      { env: { ...QUIET, "HTTPS_PROXY": away, ...env } },
    );
    assertEquals(code, 0, stderr);
  };
  await run(stage.fluentd.url, {});
  assertComplete(stage);
  await run(stage.fluentd.url, { "no_proxy": "example.com" });
});

Deno.test("a proxy that cannot be used is a mistake of the configuration, and its password is not told", async () => {
  await using stage = await setStage({ size: 1 });
  const { code, stderr } = await runProgram(
    startAt(stage, "auth.example.com:3025"),
    { env: { "HTTPS_PROXY": "socks5://user:secret@proxy.corp:1080" } },
  );
  assertEquals(code, 2);
  assertStringIncludes(
    stderr,
    "HTTPS_PROXY: is a proxy of the kind socks5://, which cannot be used: name one that begins with http://",
  );
  assert(!stderr.includes("secret"));
});

/** Arguments of a run that ends, with another way to Teleport. */
function startAt(
  stage: Stage,
  teleport: string,
  fluentdUrl = stage.fluentd.url,
): string[] {
  return stage.startAt(fluentdUrl, "--exit-on-last-event").map((argument) =>
    argument.startsWith("--teleport-addr=")
      ? `--teleport-addr=${teleport}`
      : argument
  );
}

function assertComplete(stage: Stage): void {
  assertEquals(
    stage.fluentd.received.compare(stage.expectedIds()),
    COMPLETE_AND_ONCE,
  );
}

/** The environment of a program that trusts the web certificate. */
async function webTrust(stage: Stage): Promise<Record<string, string>> {
  const path = join(stage.directory, "web-ca.crt");
  await writeSecret(path, (await webPki()).authority.certificatePem);
  return { "DENO_CERT": path };
}

/** A Fluentd that is only known by its name. */
async function startNamedFluentd() {
  const pki = await fluentdPki();
  const server = await issueServer(pki, "fluentd.example.com");
  return await startFluentd({ tls: fluentdTls({ ...pki, server }) });
}

/** Runs to the end at `proxy.example.com`, which an HTTP proxy leads to. */
async function runAtHostAlone(
  stage: Stage,
  { port }: { readonly port: number },
) {
  await using connect = await startConnectProxy({
    hosts: { "proxy.example.com:443": port },
  });
  const trust = await webTrust(stage);
  const outcome = await runProgram(startAt(stage, "proxy.example.com"), {
    env: { ...QUIET, ...trust, "HTTPS_PROXY": connect.url },
  });
  return { ...outcome, asked: [...connect.asked] };
}
