/** `configure` from outside: what it writes, what it refuses, what it says. */

import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { readOptions } from "../../lib/config/read_options.ts";
import { toConfig } from "../../lib/config/resolve.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../assert.ts";
import { filesOf } from "../config/files.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";
import { renderChart } from "../fakes/helm_chart.ts";
import { ignoreWithoutOpenssl, openssl } from "../fakes/openssl.ts";
import { parseYaml } from "../yaml.ts";
import {
  ignoreWithoutTerminal,
  runConfigure,
  runConfigureAtTerminal,
} from "./configure_process.ts";

const FILES = [
  "ca.crt",
  "ca.key",
  "client.crt",
  "client.key",
  "fluent.conf",
  "server.crt",
  "server.key",
  "teleport-event-handler-client-tls.yaml",
  "teleport-event-handler-role.yaml",
  "teleport-event-handler-values.yaml",
  "teleport-event-handler.toml",
];

async function inDirectory(
  test: (directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await test(await Deno.realPath(directory));
  });
}

/** A Secret of Kubernetes. */
interface Secret {
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

Deno.test("all files are written for the owner alone, and the next steps are said", () =>
  inDirectory(async (root) => {
    const out = join(root, "out");
    const { code, stdout, stderr } = await runConfigure([out]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(await namesIn(out), FILES);
    assertEquals(await modeOf(out), 0o700);
    for (const name of FILES) {
      assertEquals(await modeOf(join(out, name)), 0o600, name);
      assertStringIncludes(stdout, `  ${name}\n`);
    }
    for (
      const word of ["tctl create", "tctl auth sign", "fluentd -c", "helm"]
    ) {
      assertStringIncludes(stdout, word);
    }
  }));

Deno.test("what the program needs elsewhere is said, with the passphrase file of a key that has one", () =>
  inDirectory(async (root) => {
    const said = async (name: string, ...more: string[]) =>
      (await runConfigure([...more, join(root, name)])).stdout;
    const needs = "Elsewhere than here it needs ca.crt, client.crt";
    assertStringIncludes(await said("plain"), `${needs} and client.key;`);
    assertStringIncludes(
      await said("encrypted", "--client-key-password=a secret"),
      `${needs}, client.key and client.key.passphrase;`,
    );
  }));

Deno.test("names, addresses and time to live are those that were asked for", () =>
  inDirectory(async (out) => {
    const { code, stderr } = await runConfigure([
      "--ttl=48h",
      "--cn=collector",
      "--dns-names=*.example.com,logs.example.com",
      "--ip=10.0.0.7,::1,::ffff:1.2.3.4",
      out,
      "teleport.example.com:443",
      "my-ca",
      "my-server",
      "my-client",
    ]);
    assertEquals(code, 0, stderr);
    const certificate = (name: string) =>
      new X509Certificate(Deno.readTextFileSync(join(out, `${name}.crt`)));
    const server = certificate("my-server");
    assertEquals(server.subject, "CN=collector");
    assertEquals(
      server.subjectAltName,
      "DNS:*.example.com, DNS:logs.example.com, IP Address:10.0.0.7, IP Address:::1, IP Address:::ffff:1.2.3.4",
    );
    const leftMs = server.validToDate.getTime() - Date.now();
    assert(leftMs > 47 * 3_600_000 && leftMs <= 48 * 3_600_000);
    assert(certificate("my-client").verify(certificate("my-ca").publicKey));
    const toml = Deno.readTextFileSync(
      join(out, "teleport-event-handler.toml"),
    );
    assertStringIncludes(toml, 'addr = "teleport.example.com:443"');
    assertStringIncludes(
      toml,
      'url = "https://logs.example.com:8888/test.log"',
    );
  }));

Deno.test("the role reads events and recordings, and writes locks only where asked", () =>
  inDirectory(async (root) => {
    const role = async (...args: string[]) => {
      const out = join(root, `${args.length}`);
      assertEquals((await runConfigure([...args, out])).code, 0);
      return Deno.readTextFileSync(
        join(out, "teleport-event-handler-role.yaml"),
      );
    };
    const plain = await role();
    assertStringIncludes(
      plain,
      "- resources: [event, session]\n        verbs: [list, read]\n---\nkind: user",
    );
    assertStringIncludes(
      await role("--lock-enabled"),
      "- resources: [lock]\n        verbs: [create, update]\n---\nkind: user",
    );
    assertMatch(
      Deno.readTextFileSync(join(root, "1", "teleport-event-handler.toml")),
      /^\[lock\]\nenabled = true$/m,
    );
  }));

Deno.test("the generated TOML is a configuration with the generated paths", () =>
  inDirectory(async (root) => {
    const out = join(root, 'a "quoted" \\ name');
    const { code, stderr } = await runConfigure([
      "--client-key-password=a secret",
      out,
      "[::1]:3025",
    ]);
    assertEquals(code, 0, stderr);
    const path = (name: string) => join(out, name);
    // What `tctl auth sign` makes, in the next step.
    await Deno.writeTextFile(path("identity"), "");
    const { teleport, target } = toConfig(readOptions({
      command: "start",
      args: ["--config", path("teleport-event-handler.toml")],
      env: {},
      readTextFile: Deno.readTextFileSync,
    }));
    assertEquals(teleport.addresses, [{ host: "::1", port: 3025 }]);
    assertEquals<unknown>(teleport.credentials, {
      kind: "identity",
      file: path("identity"),
    });
    assertEquals(teleport.refreshIntervalMs, 60_000);
    assert(target.kind === "fluentd");
    const { url, sessionUrl, caFile, client } = target.fluentd;
    assertEquals(
      { storage: target.storage, url, sessionUrl, caFile, client },
      {
        storage: path("storage"),
        url: "https://localhost:8888/test.log",
        sessionUrl: "https://localhost:8888/session",
        caFile: path("ca.crt"),
        client: {
          certFile: path("client.crt"),
          keyFile: path("client.key"),
          keyPassphraseFile: path("client.key.passphrase"),
        },
      },
    );
  }));

Deno.test("the Kubernetes Secret holds what the client needs, and no other key", () =>
  inDirectory(async (out) => {
    await runConfigure([out]);
    const { data, ...secret } = readSecret(out);
    assertEquals<unknown>(secret, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "teleport-event-handler-client-tls" },
      type: "Opaque",
    });
    assertEquals(
      data,
      Object.fromEntries(
        ["ca.crt", "client.crt", "client.key"].map((name) => [
          name,
          btoa(Deno.readTextFileSync(join(out, name))),
        ]),
      ),
    );
  }));

Deno.test("by the generated values and Secrets, the Helm chart's container has all that it needs", () =>
  inDirectory(async (out) => {
    const { code, stdout, stderr } = await runConfigure([
      "--client-key-password=a secret",
      "--lock-enabled",
      "--dns-names=fluentd.logs.svc",
      out,
      "teleport.example.com:3025",
      "my-ca",
      "my-server",
      "my-client",
    ]);
    assertEquals(code, 0, stderr);
    const { toml, env, secrets, group } = renderChart(
      Deno.readTextFileSync(join(out, "teleport-event-handler-values.yaml")),
    );
    const image = Deno.readTextFileSync(
      new URL("../../example/Containerfile", import.meta.url),
    );
    assertEquals(group, /^USER \d+:(\d+)$/m.exec(image)?.[1]);
    const { metadata: { name }, data } = readSecret(out);
    const [, identityName, identityKey] =
      /create secret generic (\S+) --from-file=(\w+)=/.exec(stdout) ?? [];
    const mounted = Object.entries(secrets).map(([path, [secret, key]]) => {
      if (secret === identityName && key === identityKey) return [path, ""];
      assertEquals(secret, name);
      assert(data[key] !== undefined, `${key} is not in the Secret`);
      return [path, atob(data[key])];
    });
    const files: Record<string, string> = Object.fromEntries(mounted);

    const { teleport, target, lock } = toConfig(readOptions({
      command: "start",
      args: ["--config=/etc/teleport-event-handler.toml"],
      env,
      readTextFile: filesOf({
        ...files,
        "/etc/teleport-event-handler.toml": toml,
      }),
    }));
    assertEquals(teleport.addresses, [
      { host: "teleport.example.com", port: 3025 },
    ]);
    assert(target.kind === "fluentd");
    const { url, caFile = "", client } = target.fluentd;
    assertEquals(url, "https://fluentd.logs.svc:8888/test.log");
    assertEquals(
      files[caFile],
      Deno.readTextFileSync(join(out, "my-ca.crt")),
    );
    const { certFile, keyFile, keyPassphraseFile = "" } = client ?? {};
    assertEquals(
      [certFile, keyFile].map((path = "") => files[path]),
      ["my-client.crt", "my-client.key"].map((name) =>
        Deno.readTextFileSync(join(out, name))
      ),
    );
    assertEquals(files[keyPassphraseFile], "a secret\n");
    assert(lock !== undefined);
  }));

function readSecret(out: string): Secret {
  const name = "teleport-event-handler-client-tls.yaml";
  return parseYaml(Deno.readTextFileSync(join(out, name))) as Secret;
}

for (
  const [kind, args, bits] of [
    ["RSA of 2048 bits", ["--key-type=rsa", "--length=2048"], "2048 bit"],
    ["ECDSA P-256", [], "256 bit"],
  ] as const
) {
  Deno.test({
    name: `OpenSSL verifies ${kind} certificates, and opens keys by password`,
    ignore: ignoreWithoutOpenssl(),
    fn: () => inDirectory((out) => checkByOpenssl(out, args, bits)),
  });
}

async function checkByOpenssl(
  out: string,
  args: readonly string[],
  bits: string,
): Promise<void> {
  const passwordFile = join(out, "password");
  await Deno.writeTextFile(passwordFile, "client pass\n");
  const { code, stdout, stderr } = await runConfigure(
    [...args, `--client-key-password=@${passwordFile}`, out],
    { stdin: "server 'pass\\\n" },
  );
  assertEquals(code, 0, stderr);
  assert(!(stdout + stderr).includes("pass\\"), "the password is not shown");
  const path = (name: string) => join(out, name);

  const verify = (purpose: string, name: string) =>
    openssl([
      "verify",
      "-x509_strict",
      "-purpose",
      purpose,
      "-CAfile",
      path("ca.crt"),
      path(name),
    ]);
  assertStringIncludes(await verify("sslserver", "server.crt"), "OK");
  assertStringIncludes(await verify("sslclient", "client.crt"), "OK");
  const text = (name: string) =>
    openssl(["x509", "-in", path(name), "-noout", "-text"]);
  assertStringIncludes(await text("ca.crt"), "CA:TRUE, pathlen:0");
  const server = await text("server.crt");
  assertStringIncludes(server, bits);
  assertStringIncludes(server, "TLS Web Server Authentication");
  assertStringIncludes(server, "DNS:localhost, IP Address:127.0.0.1");
  assertStringIncludes(
    await text("client.crt"),
    "TLS Web Client Authentication",
  );

  for (
    const [name, password] of [
      ["server", "server 'pass\\"],
      ["client", "client pass"],
    ] as const
  ) {
    const key = ["pkey", "-in", path(`${name}.key`), "-pubout", "-passin"];
    assertEquals(
      await openssl([...key, `pass:${password}`]),
      await openssl(["x509", "-in", path(`${name}.crt`), "-noout", "-pubkey"]),
    );
    const wrong = await openssl([...key, "pass:wrong"]).catch(() => "refused");
    assertEquals(wrong, "refused");
  }
  assertEquals(
    Deno.readTextFileSync(path("client.key.passphrase")),
    "client pass\n",
  );
}

Deno.test("a password that is made up is shown once, and is in fluent.conf", () =>
  inDirectory(async (out) => {
    const { stdout } = await runConfigure([out], { stdin: "" });
    const shown = [...stdout.matchAll(/[\da-f]{32}/g)];
    assertEquals(shown.length, 1);
    assertStringIncludes(
      Deno.readTextFileSync(join(out, "fluent.conf")),
      `private_key_passphrase '${shown[0]}'`,
    );
  }));

Deno.test("files that exist are all named, and nothing is written", () =>
  inDirectory(async (out) => {
    await Deno.writeTextFile(join(out, "ca.key"), "precious");
    await Deno.writeTextFile(join(out, "fluent.conf"), "precious");
    const { code, stdout, stderr } = await runConfigure([out], {
      stdin: "password",
    });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(
      stderr,
      `${out} has ca.key, fluent.conf already: name another directory, or overwrite with --force`,
    );
    assertEquals(await namesIn(out), ["ca.key", "fluent.conf"]);
    assertEquals(Deno.readTextFileSync(join(out, "ca.key")), "precious");
  }));

Deno.test("--force overwrites files that exist", () =>
  inDirectory(async (out) => {
    await Deno.writeTextFile(join(out, "ca.key"), "old");
    const { code, stderr } = await runConfigure(["--force", out]);
    assertEquals(code, 0, stderr);
    assertEquals(await namesIn(out), FILES);
    assertMatch(Deno.readTextFileSync(join(out, "ca.key")), /PRIVATE KEY/);
  }));

for (
  const [typed, code, text] of [["y\n", 0, /PRIVATE/], [
    "\n",
    2,
    /^old$/,
  ]] as const
) {
  Deno.test({
    name: `a person who types ${JSON.stringify(typed)} ${
      code === 0 ? "agrees" : "does not agree"
    } to overwriting`,
    ignore: ignoreWithoutTerminal(),
    fn: () =>
      inDirectory(async (out) => {
        await Deno.writeTextFile(join(out, "ca.key"), "old");
        const outcome = await runConfigureAtTerminal([out], {
          typed,
          after: "Overwrite? [y/N]",
        });
        assertStringIncludes(outcome.stdout, "Overwrite? [y/N]");
        assertEquals(outcome.code, code, outcome.stdout);
        assertMatch(Deno.readTextFileSync(join(out, "ca.key")), text);
      }),
  });
}

Deno.test({
  name: "a person who interrupts is told that nothing is written",
  ignore: ignoreWithoutTerminal(),
  fn: () =>
    inDirectory(async (out) => {
      await Deno.writeTextFile(join(out, "ca.key"), "old");
      const { code, stdout } = await runConfigureAtTerminal([out], {
        typed: "\x03",
        after: "Overwrite? [y/N]",
      });
      assertEquals(code, 130, stdout);
      assertStringIncludes(
        stdout,
        "\nteleport-event-handler: stopped by SIGINT while configuring: nothing is written\r\n",
      );
      assertEquals(await namesIn(out), ["ca.key"]);
      assertEquals(Deno.readTextFileSync(join(out, "ca.key")), "old");
    }),
});

Deno.test({
  name: "a person who waits sees one key after the other",
  ignore: ignoreWithoutTerminal(),
  fn: () =>
    inDirectory(async (out) => {
      const { code, stdout } = await runConfigureAtTerminal([out], {
        typed: "",
        after: "",
      });
      assertEquals(code, 0, stdout);
      assertMatch(
        stdout,
        /^Making three keys \(ecdsa-p256\).*\r\n {2}1 of 3: ca\r\n {2}2 of 3: (server|client)\r\n {2}3 of 3: (server|client)\r\nWritten to /,
      );
    }),
});

Deno.test("a directory that cannot be made is named, with the reason", () =>
  inDirectory(async (root) => {
    const file = join(root, "file");
    await Deno.writeTextFile(file, "");
    const { code, stderr } = await runConfigure([join(file, "out")]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `cannot write to ${join(file, "out")}`);
    assertMatch(stderr, /not a directory/i);
    assertEquals(await namesIn(root), ["file"]);
  }));

Deno.test({
  name: "a directory that cannot be written to is named, with the reason",
  // Nothing is forbidden to root.
  ignore: Deno.uid() === 0,
  fn: () =>
    inDirectory(async (out) => {
      await Deno.chmod(out, 0o500);
      const { code, stderr } = await runConfigure([out]);
      await Deno.chmod(out, 0o700);
      assertEquals(code, 2);
      assertStringIncludes(stderr, `cannot write to ${out}`);
      assertEquals(await namesIn(out), []);
    }),
});

Deno.test("a failure in the middle leaves what was there, and nothing else", () =>
  inDirectory(async (out) => {
    await Deno.writeTextFile(join(out, "ca.key"), "old");
    await Deno.mkdir(join(out, "fluent.conf"));
    const { code, stderr } = await runConfigure(["--force", out]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "nothing is written");
    assertEquals(await namesIn(out), ["ca.key", "fluent.conf"]);
    assertEquals(Deno.readTextFileSync(join(out, "ca.key")), "old");
  }));

const NAMELESS =
  "Fluentd needs a name without a star, or an address: give --dns-names or --ip";

const REFUSALS: readonly [
  args: readonly string[],
  problem: string,
  stdin?: string,
][] = [
  [["host:"], 'addr: "host:" has no port'],
  [["a:1", "../ca"], 'ca-name: "../ca" is not a plain file name'],
  [["a:1", "x", "x"], "ca-name, server-name and client-name have to differ"],
  [["--ip=fluentd"], '--ip: "fluentd" is not an IP address'],
  [["--dns-names=10.0.0.7"], "is an IP address: give it with ip"],
  [["--dns-names=a b"], '--dns-names: "a b" is not a host name'],
  [["--dns-names=", "--ip="], NAMELESS],
  [["--dns-names=*.example.com", "--ip="], NAMELESS],
  [["--length=512"], '"512" is not one of 1024, 2048, 4096'],
  [["--key-type=dsa"], '"dsa" is not one of rsa, ecdsa-p256'],
  [["--ttl=1s"], "is too short"],
  [
    ["--client-key-password=abc"],
    "--client-key-password: the password is too short",
  ],
  [["--client-key-password=@/nowhere"], "cannot read /nowhere"],
  [
    [],
    "cannot take the password from standard input: the password is too short",
    "abc\n",
  ],
  [[], "control character", "a\tbcdef\n"],
];

for (const [args, problem, stdin] of REFUSALS) {
  Deno.test(`configure refuses ${JSON.stringify(stdin ?? args)}`, () =>
    inDirectory(async (root) => {
      const out = join(root, "out");
      const { code, stderr } = await runConfigure(
        [out, ...args],
        stdin === undefined ? {} : { stdin },
      );
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, problem);
      assertEquals(await namesIn(root), []);
    }));
}

Deno.test("who asks for keys that are too short to be used is told so", () =>
  inDirectory(async (out) => {
    const rsa = (length: number) =>
      runConfigure(["--key-type=rsa", `--length=${length}`, "--force", out]);
    const short = await rsa(1024);
    assertEquals(short.code, 0, short.stderr);
    assertStringIncludes(
      short.stderr,
      "keys of 1024 bits are too short for this program",
    );
    assertEquals((await rsa(2048)).stderr, "");
  }));

Deno.test("a directory whose name Fluentd would take for a placeholder is refused", () =>
  inDirectory(async (root) => {
    const names = {
      "a*b": "*",
      "${x}": "${",
      "100%sure": "%s",
      "%-d": "%-d",
      "two\nlines": "\n",
    };
    for (const [name, placeholder] of Object.entries(names)) {
      const { code, stderr } = await runConfigure([join(root, name, "out")]);
      assertEquals(code, 2, stderr);
      const told = JSON.stringify(placeholder);
      assertStringIncludes(stderr, `configure: out: ${told} in "${root}/`);
    }
    assertEquals(await namesIn(root), []);
  }));

Deno.test("a password that is not UTF-8, or cut off within a character, is refused", () =>
  inDirectory(async (root) => {
    const start = new TextEncoder().encode("pass");
    for (const rest of [[0xe4, 0x0a], [0xc3]]) {
      const { code, stderr } = await runConfigure([join(root, "out")], {
        stdin: new Uint8Array([...start, ...rest]),
      });
      assertEquals(code, 2, stderr);
      assertStringIncludes(
        stderr,
        "configure: cannot take the password from standard input: the password is not written in UTF-8: convert it",
      );
      assertEquals(await namesIn(root), []);
    }
  }));
