import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import type { IdentitySource } from "../../lib/credentials.ts";
import { ConfigError } from "../../lib/errors.ts";
import {
  loadIdentity,
  parseIdentityFile,
} from "../../lib/teleport/identity.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";
import { identityText } from "../fakes/identity_file.ts";
import {
  EXPIRED,
  issueClient,
  strangerPki,
  teleportPki,
  VALID,
} from "../fakes/pki.ts";
import {
  type TeleportPaths,
  writeSecret,
  writeTeleportPki,
} from "../fakes/pki_files.ts";
import { convertPrivateKey } from "../fakes/private_key.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const FILE = { path: "/etc/identity", nowMs: NOW_MS };
const NO_IDENTITY =
  "teleport-identity: /etc/identity is no identity file: it does not begin " +
  "with a private key; make one with: tctl auth sign --format=file " +
  "--user=<user> --out=<file>";

Deno.test("an identity file holds key, certificate and CAs, in that order, and SSH lines that are ignored", async () => {
  const { client, authority } = await teleportPki();
  const stranger = (await strangerPki()).authority;
  const text = await identityText() + stranger.certificatePem;
  assertEquals(parseIdentityFile(text, FILE), {
    certificate: {
      pem: client.certificatePem,
      notBeforeMs: VALID.notBefore.getTime(),
      notAfterMs: VALID.notAfter.getTime(),
      path: FILE.path,
      role: "teleport-identity",
    },
    privateKey: client.privateKeyPem,
    authorities: [authority, stranger].map((ca) => ca.certificatePem.trim()),
    authoritiesPath: FILE.path,
  });
});

Deno.test("an identity file may have CRLF line ends", async () => {
  const text = (await identityText()).replaceAll("\n", "\r\n");
  const { client } = await teleportPki();
  const { privateKey, certificate, authorities } = parseIdentityFile(
    text,
    FILE,
  );
  assert(
    createPrivateKey(privateKey)
      .equals(createPrivateKey(client.privateKeyPem)),
  );
  assertEquals(certificate.notAfterMs, VALID.notAfter.getTime());
  assertEquals(authorities.length, 1);
});

Deno.test("an identity file may hold any kind of key", async () => {
  const pki = await teleportPki();
  for (
    const [keyType, form] of [
      ["rsa-2048", "pkcs1"],
      ["ecdsa-p256", "sec1"],
      ["ed25519", "pkcs8"],
    ] as const
  ) {
    const client = await issueClient(pki, { keyType });
    const privateKeyPem = convertPrivateKey(client.privateKeyPem, { form });
    const text = await identityText({ client, privateKeyPem });
    assertEquals(parseIdentityFile(text, FILE).privateKey, privateKeyPem);
  }
});

Deno.test("what is no identity file is told, with how to make one", async () => {
  const { client } = await teleportPki();
  for (
    const text of [
      "",
      "\n\n",
      "\u007fELF\u0002\u0001\uFFFD\uFFFD",
      client.certificatePem,
      client.certificatePem + client.privateKeyPem,
    ]
  ) {
    assertProblem(
      assertThrows(() => parseIdentityFile(text, FILE)),
      NO_IDENTITY,
    );
  }
});

Deno.test("an incomplete identity file is told by what it lacks", async () => {
  const { client } = await teleportPki();
  for (
    const [text, missing] of [
      [client.privateKeyPem, "TLS certificate"],
      [client.privateKeyPem + client.certificatePem, "CA certificate"],
    ] as const
  ) {
    assertProblem(
      assertThrows(() => parseIdentityFile(text, FILE)),
      `teleport-identity: /etc/identity is incomplete: it holds no ${missing}; ` +
        "was it made with --format=file?",
    );
  }
});

Deno.test("a half-written identity file is told, wherever it ends", async () => {
  const { authority } = await teleportPki();
  const text = await identityText() + authority.certificatePem;
  const firstCaEnd = text.length - authority.certificatePem.length;
  for (let length = 0; length < text.length - 2; length += 97) {
    if (Math.abs(length - firstCaEnd) <= "-----BEGIN ".length) continue;
    assertThrows(
      () => parseIdentityFile(text.slice(0, length), FILE),
      ConfigError,
      "/etc/identity",
    );
  }
});

Deno.test("an expired identity is told by file and date", async () => {
  const client = await issueClient(await teleportPki(), { validity: EXPIRED });
  const text = await identityText({ client });
  assertProblem(
    assertThrows(() => parseIdentityFile(text, FILE)),
    "teleport-identity: the certificate in /etc/identity expired on " +
      "2021-01-01T00:00:00.000Z: renew it and try again",
  );
});

Deno.test("an identity with an encrypted key is told, with what to do", async () => {
  const { client } = await teleportPki();
  const privateKeyPem = convertPrivateKey(client.privateKeyPem, {
    form: "pkcs8",
    passphrase: "x",
  });
  const text = await identityText({ privateKeyPem });
  assertProblem(
    assertThrows(() => parseIdentityFile(text, FILE)),
    "teleport-identity: the private key in /etc/identity is encrypted: Teleport " +
      "issues unencrypted keys; decrypt it (openssl pkey) or issue a new one",
  );
});

Deno.test("an identity with the key of another certificate is told", async () => {
  const other = await issueClient(await teleportPki());
  const text = await identityText({ privateKeyPem: other.privateKeyPem });
  assertProblem(
    assertThrows(() => parseIdentityFile(text, FILE)),
    "teleport-identity: the private key in /etc/identity does not belong to " +
      "the certificate in /etc/identity",
  );
});

Deno.test("an identity is the same from one file or from three", async () => {
  await withFiles(async ({ identity, client }) => {
    const one = await load({ kind: "identity", file: identity });
    const three = await load({
      kind: "files",
      caFile: client.ca,
      certFile: client.cert,
      keyFile: client.key,
    });
    assertEquals(three, {
      ...one,
      certificate: {
        ...one.certificate,
        path: client.cert,
        role: "teleport-cert",
      },
      authoritiesPath: client.ca,
    });
  });
});

Deno.test("each file of three is told by its own option", async () => {
  await withFiles(async ({ client }, directory) => {
    const good = {
      caFile: client.ca,
      certFile: client.cert,
      keyFile: client.key,
    };
    const missing = join(directory, "missing");
    const empty = join(directory, "empty");
    await writeSecret(empty, "");
    for (
      const [files, problem] of [
        [
          { caFile: missing },
          `teleport-ca: cannot read ${missing}: there is no such file`,
        ],
        [
          { certFile: directory },
          `teleport-cert: cannot read ${directory}: it is a directory, not a file`,
        ],
        [
          { keyFile: missing },
          `teleport-key: cannot read ${missing}: there is no such file`,
        ],
        [
          { caFile: empty },
          `teleport-ca: ${empty} holds no CA certificate in PEM`,
        ],
        [
          { certFile: empty },
          `teleport-cert: ${empty} holds no certificate in PEM`,
        ],
        [
          { keyFile: empty },
          `teleport-key: ${empty} holds no private key in PEM`,
        ],
      ] as const
    ) {
      assertProblem(
        await assertRejects(() => load({ kind: "files", ...good, ...files })),
        problem,
      );
    }
  });
});

Deno.test("what is wrong with several of three files is told at once", async () => {
  await withFiles(async (_, directory) => {
    const missing = join(directory, "missing");
    const { problems } = await assertRejects(
      () =>
        load({
          kind: "files",
          caFile: missing,
          certFile: missing,
          keyFile: missing,
        }),
      ConfigError,
    );
    assertEquals(
      problems.map((problem) => problem.split(":")[0]),
      ["teleport-cert", "teleport-key", "teleport-ca"],
    );
  });
});

Deno.test("an identity file that is missing is told as such", async () => {
  await withFiles(async (_paths, directory) => {
    const missing = join(directory, "missing");
    assertProblem(
      await assertRejects(() => load({ kind: "identity", file: missing })),
      `teleport-identity: cannot read ${missing}: there is no such file`,
    );
  });
});

Deno.test("a directory that tbot writes does as well as its files", async () => {
  await withFiles(async ({ identity, client }, directory) => {
    const expected = await load({ kind: "identity", file: identity });
    const application = join(directory, "application");
    await Deno.mkdir(application);
    const files = {
      "tlscert": client.cert,
      "key": client.key,
      "teleport-host-ca.crt": client.ca,
    };
    for (const [name, path] of Object.entries(files)) {
      await Deno.copyFile(path, join(application, name));
    }
    for (
      const [output, certificateName, caName] of [
        [directory, "identity", "identity"],
        [application, "tlscert", "teleport-host-ca.crt"],
      ] as const
    ) {
      const path = join(output, certificateName);
      const found = await load({ kind: "identity", file: output });
      assertEquals(found, {
        ...expected,
        certificate: { ...expected.certificate, path },
        authoritiesPath: join(output, caName),
      });
    }
  });
});

Deno.test("a directory that tbot writes is told to be incomplete by its own option", async () => {
  await withFiles(async ({ client }, directory) => {
    const output = join(directory, "output");
    await Deno.mkdir(output);
    assertProblem(
      await assertRejects(() => load({ kind: "identity", file: output })),
      `teleport-identity: ${output} is a directory without tbot's identity, or tlscert, key and ` +
        "teleport-host-ca.crt: name the destination of a tbot output, or an identity file",
    );
    await Deno.copyFile(client.cert, join(output, "tlscert"));
    await Deno.copyFile(client.key, join(output, "key"));
    assertProblem(
      await assertRejects(() => load({ kind: "identity", file: output })),
      `teleport-identity: cannot read ${output}/teleport-host-ca.crt: there is no such file`,
    );
  });
});

Deno.test("a binary file is told to be no identity", async () => {
  await withFiles(async (_paths, directory) => {
    const file = join(directory, "binary");
    await Deno.writeFile(file, Uint8Array.from({ length: 4_096 }, (_, i) => i));
    await assertRejects(
      () => load({ kind: "identity", file }),
      ConfigError,
      `teleport-identity: ${file} is no identity file`,
    );
  });
});

function load(source: IdentitySource) {
  return loadIdentity(source, NOW_MS);
}

async function withFiles(
  use: (paths: TeleportPaths, directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await use(await writeTeleportPki(directory), directory);
  });
}

function assertProblem(error: unknown, problem: string): void {
  assert(error instanceof ConfigError, String(error));
  assertEquals(error.problems, [problem]);
}
