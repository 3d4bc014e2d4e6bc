import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { startConnectProxy } from "../fakes/connect_proxy.ts";
import { findFreePort } from "../fakes/free_port.ts";
import { identityText } from "../fakes/identity_file.ts";
import { logEvent } from "../fakes/log_event.ts";
import {
  EXPIRED,
  issueClient,
  issueServer,
  strangerPki,
  teleportPki,
  webPki,
} from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { runProgram } from "../fakes/program.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { teleportTls } from "../fakes/teleport_server.ts";
import { startTeleportProxy } from "../fakes/teleport_proxy.ts";
import { BAD_CERTIFICATES, check, options } from "./check_setup.ts";
import { setStage } from "./stage.ts";

Deno.test("an identity with another cluster's CA: the one that was expected and the one that came are named", async () => {
  await using stage = await setStage();
  const { client } = await teleportPki();
  const { authority } = await strangerPki();
  const path = join(stage.directory, "wrong-ca");
  await writeSecret(
    path,
    await identityText({ pki: { ...await teleportPki(), client, authority } }),
  );
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-identity=${path}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport/TLS"]);
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /not signed by a CA of our credentials: are those in .*wrong-ca of this cluster.*signed by tele\.example\.com.*expected: one signed by tele\.example\.com, another CA of the same name$/,
  );
  assertMatch(found["Teleport/events"] ?? "", /^not tried: TLS failed$/);
  assertMatch(found["Storage/directory"] ?? "", /^ok/);
});

Deno.test("where the CAs are in a file of their own, that is the one to look at", async (test) => {
  await using stage = await setStage();
  const { client } = await teleportPki();
  const { authority } = await strangerPki();
  const directory = join(stage.directory, "tbot");
  await Deno.mkdir(directory);
  const path = (name: string) => join(directory, name);
  await writeSecret(path("tlscert"), client.certificatePem);
  await writeSecret(path("key"), client.privateKeyPem);
  await writeSecret(path("teleport-host-ca.crt"), authority.certificatePem);
  const ways = [[`--teleport-identity=${directory}`], [
    `--teleport-ca=${path("teleport-host-ca.crt")}`,
    `--teleport-cert=${path("tlscert")}`,
    `--teleport-key=${path("key")}`,
  ]];
  for (const replace of ways) {
    await test.step(replace.join(" ").replaceAll(directory, "…"), async () => {
      const { found } = await check(stage, {
        replace,
        without: ["--teleport-identity"],
      });
      assertMatch(
        found["Teleport's credentials/credentials"] ?? "",
        /tbot\/tlscert until .*tbot\/teleport-host-ca\.crt until /,
      );
      assertMatch(
        found["Teleport/TLS"] ?? "",
        /are those in .*\/teleport-host-ca\.crt of this cluster/,
      );
    });
  }
});

Deno.test("an identity that has expired is told with its file and its end, and the rest is looked at", async () => {
  await using stage = await setStage();
  const pki = await teleportPki();
  const client = await issueClient(pki, { validity: EXPIRED });
  const path = join(stage.directory, "expired");
  await writeSecret(path, await identityText({ pki: { ...pki, client } }));
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-identity=${path}`],
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport's credentials/credentials"]);
  assertMatch(
    found["Teleport's credentials/credentials"] ?? "",
    /expired expired on 2021-01-01T00:00:00\.000Z: renew it/,
  );
  assertMatch(found["Fluentd/POST to fluentd-url"] ?? "", /^ok/);
});

for (
  const [method, step, rule] of [
    ["GetUnstructuredEvents", "events", "event: list, read"],
    ["StreamUnstructuredSessionEvents", "recordings", "session: list, read"],
    ["UpsertLock", "locks", "lock: create, update"],
  ] as const
) {
  Deno.test(`a role that may not ${method} is told with the rule that it needs`, async () => {
    await using stage = await setStage();
    stage.teleport.faults.add({
      kind: "status",
      code: "PERMISSION_DENIED",
      method,
    });
    const { code, found, failed } = await check(stage, {
      replace: ["--lock-enabled"],
    });
    assertEquals(code, 1);
    assertEquals(failed, [`Teleport/${step}`]);
    assert(
      found[`Teleport/${step}`]?.includes(`the role needs the rule "${rule}"`),
      found[`Teleport/${step}`],
    );
  });
}

for (const [what, changes, says] of BAD_CERTIFICATES) {
  Deno.test(`a Teleport whose certificate ${what}: that, and no word of another CA`, async () => {
    await using stage = await setStage();
    const pki = await teleportPki();
    const server = await issueServer(pki, "teleport.cluster.local", changes);
    await using teleport = await startTeleport({
      log: stage.teleport.log,
      tls: teleportTls({ ...pki, server }),
    });
    const { found, failed } = await check(stage, {
      replace: [`--teleport-addr=${teleport.address}`],
    });
    assertEquals(failed, ["Teleport/TLS"]);
    const text = found["Teleport/TLS"] ?? "";
    assertMatch(text, says);
    assert(!/expected|another CA/.test(text), text);
  });
}

Deno.test("a proxy without TLS routing: that, and what to do", async () => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport, {
    mode: "separate ports",
  });
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const { code, found, failed } = await check(stage, {
    replace: [`--teleport-addr=${proxy.address}`],
    env: { DENO_CERT: ca },
  });
  assertEquals(code, 1);
  assertEquals(failed, ["Teleport/TLS"]);
  assertMatch(
    found["Teleport/TLS"] ?? "",
    /this proxy does no TLS routing.*turn on proxy_listener_mode: multiplex.*\(port 3025 by default\)$/,
  );
});

Deno.test("through a proxy with TLS routing everything holds", async () => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport);
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const { code, found } = await check(stage, {
    replace: [`--teleport-addr=${proxy.address}`],
    env: { DENO_CERT: ca },
  });
  assertEquals(code, 0, JSON.stringify(found));
  assertMatch(found["Teleport/TLS"] ?? "", /a proxy passes TLS on/);
  assertEquals(found["Teleport/clock"], "ok: as ours");
});

Deno.test("each address is looked at, and one that does not work is a failure", async () => {
  await using stage = await setStage();
  const nobody = `127.0.0.1:${findFreePort()}`;
  const { code, stdout } = await runProgram([
    "check",
    ...options(stage, {
      replace: [
        `--teleport-addr=${stage.teleport.address},${nobody},nowhere.invalid:443`,
      ],
    }),
  ]);
  assertEquals(code, 1);
  assertMatch(stdout, /\n {2}✓ gRPC /);
  assertMatch(stdout, /✗ TCP +connection to .* refused: .*in teleport-addr\?/);
  assertMatch(
    stdout,
    /✗ name +the name nowhere\.invalid cannot be resolved: is it right in teleport-addr/,
  );
  assertMatch(stdout, /\n2 of \d+ steps failed\.\n/);
});

Deno.test("of a host alone one port has to work, the first that does is looked at, and the state is that of the first", async (test) => {
  await using stage = await setStage();
  await using proxy = await startTeleportProxy(stage.teleport);
  const ca = join(stage.directory, "web-ca.crt");
  await writeSecret(ca, (await webPki()).authority.certificatePem);
  const checkHost = async (hosts: Record<string, number>) => {
    await using connect = await startConnectProxy({ hosts });
    const { code, stdout } = await runProgram([
      "check",
      ...options(stage, { replace: ["--teleport-addr=proxy.example.com"] }),
    ], {
      env: {
        DENO_NO_UPDATE_CHECK: "1",
        DENO_CERT: ca,
        HTTPS_PROXY: connect.url,
      },
    });
    const asked = new Set(connect.asked);
    return { code, stdout, asked };
  };
  await test.step("the proxy's", async () => {
    const { code, stdout, asked } = await checkHost({
      "proxy.example.com:443": proxy.port,
    });
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /Teleport at proxy\.example\.com:443\n/);
    assertMatch(stdout, /\nEverything holds\.\n$/);
    assertEquals(asked, new Set(["proxy.example.com:443"]));
    assert(!stdout.includes("3025"), stdout);
    assertMatch(stdout, /proxy\.example\.com_443/);
  });
  await test.step("the auth service's", async () => {
    const { code, stdout } = await checkHost({
      "proxy.example.com:3025": stage.teleport.port,
    });
    assertEquals(code, 0, stdout);
    assertMatch(
      stdout,
      /\n {2}✓ TCP +not needed, since proxy\.example\.com:3025 answers \(no connection to proxy\.example\.com:443: .*\)\nTeleport at proxy\.example\.com:3025\n/,
    );
    assertMatch(stdout, /\nEverything holds\.\n$/);
  });
  await test.step("none", async () => {
    const { code, stdout } = await checkHost({});
    assertEquals(code, 1, stdout);
    assertMatch(stdout, /✗ TCP +no connection to proxy\.example\.com:443: /);
    assertMatch(stdout, /✗ TCP +no connection to proxy\.example\.com:3025: /);
    assertMatch(stdout, /\n2 of \d+ steps failed\.\n/);
  });
});

Deno.test("events of the future tell that our clock is behind", async () => {
  await using stage = await setStage();
  const timeMs = Date.now() + 3_600_000;
  stage.teleport.append(logEvent("exec", { timeMs }));
  const { code, found } = await check(stage);
  assertEquals(code, 0);
  assertMatch(found["Teleport/clock"] ?? "", /^warning: an event is 3\d{3} s/);
});
