import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import {
  type Certificate,
  isPrivateKey,
  parseAuthorities,
  parseCertificate,
  parsePrivateKey,
  pemBlocks,
  readCredentialFile,
  termOfAuthorities,
} from "../lib/credentials.ts";
import {
  createAuthority,
  type KeyType,
} from "../lib/configure/certificates.ts";
import { ConfigError } from "../lib/errors.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { withDirectory } from "./fakes/directory.ts";
import { ignoreWithoutOpenssl, issueVersion1 } from "./fakes/openssl.ts";
import { EXPIRED, issueClient, teleportPki, VALID } from "./fakes/pki.ts";
import { convertPrivateKey, type PrivateKeyForm } from "./fakes/private_key.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const FILE = { path: "/etc/cert.pem", role: "fluentd-cert" };

Deno.test("a file that cannot be read is told by name, with the reason", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "missing");
    assertProblem(
      await assertRejects(() => readCredentialFile(missing, "fluentd-key")),
      `fluentd-key: cannot read ${missing}: there is no such file`,
    );
    assertProblem(
      await assertRejects(() => readCredentialFile(directory, "fluentd-key")),
      `fluentd-key: cannot read ${directory}: it is a directory`,
    );
  });
});

Deno.test({
  name: "a file that others may read, but not we, is told as such",
  ignore: Deno.uid() === 0,
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.chmod(path, 0);
      assertProblem(
        await assertRejects(() => readCredentialFile(path, "fluentd-key")),
        `fluentd-key: cannot read ${path}: permission denied: it must be ` +
          "readable by the user that runs this",
      );
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("PEM blocks are found among other lines, with CRLF too", () => {
  const block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const other = "-----BEGIN X-----\nBBBB\n-----END X-----";
  assertEquals(pemBlocks(`ssh-rsa AAAA\n${block}\n@cert x\n${other}`), [
    block,
    other,
  ]);
  assertEquals(pemBlocks(crlf(`${block}\n${other}\n`)), [
    crlf(block),
    crlf(other),
  ]);
  assertEquals(pemBlocks("-----BEGIN X-----\nno end"), []);
  assertEquals(pemBlocks(""), []);
});

Deno.test("private keys of every kind are told from certificates", () => {
  for (const kind of ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "]) {
    assert(isPrivateKey(`-----BEGIN ${kind}PRIVATE KEY-----\n`));
  }
  for (const kind of ["CERTIFICATE", "PUBLIC KEY", "EC PARAMETERS"]) {
    assert(!isPrivateKey(`-----BEGIN ${kind}-----\n`));
  }
});

Deno.test("a certificate is read with its chain, beginning, end and file", async () => {
  const { authority, client } = await teleportPki();
  const chain = client.certificatePem + "between\n" + authority.certificatePem;
  assertEquals(parseCertificate(chain, { ...FILE, nowMs: NOW_MS }), {
    pem: client.certificatePem + authority.certificatePem,
    notBeforeMs: VALID.notBefore.getTime(),
    notAfterMs: VALID.notAfter.getTime(),
    ...FILE,
  });
});

Deno.test("a certificate is found beside its key and other blocks", async () => {
  const { client } = await teleportPki();
  const parameters =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  const text = parameters + client.privateKeyPem + client.certificatePem;
  const { pem } = parseCertificate(text, { ...FILE, nowMs: NOW_MS });
  assertStrictEquals(pem, client.certificatePem);
});

Deno.test("an expired certificate is told by file and date", async () => {
  const client = await issueClient(await teleportPki(), { validity: EXPIRED });
  assertProblem(
    assertThrows(() =>
      parseCertificate(client.certificatePem, { ...FILE, nowMs: NOW_MS })
    ),
    "fluentd-cert: the certificate in /etc/cert.pem expired on " +
      "2021-01-01T00:00:00.000Z: renew it and try again",
  );
});

Deno.test("a certificate is good up to its end, and not from then on", async () => {
  const { client } = await teleportPki();
  const endMs = VALID.notAfter.getTime();
  const parse = (nowMs: number) =>
    parseCertificate(client.certificatePem, { ...FILE, nowMs });
  assertStrictEquals(parse(endMs - 1).notAfterMs, endMs);
  assertThrows(() => parse(endMs), ConfigError, "expired on 2049-12-31");
});

Deno.test("what holds no certificate is told as such", async () => {
  const { client } = await teleportPki();
  for (
    const text of ["", "\n", "\u0000\u0001\uFFFD", client.privateKeyPem]
  ) {
    assertProblem(
      assertThrows(() => parseCertificate(text, { ...FILE, nowMs: NOW_MS })),
      "fluentd-cert: /etc/cert.pem holds no certificate in PEM",
    );
  }
});

Deno.test("a damaged certificate is told as such", async () => {
  const { client } = await teleportPki();
  for (
    const text of [shortened(client.certificatePem), garbage("CERTIFICATE")]
  ) {
    const error = assertThrows(
      () => parseCertificate(text, { ...FILE, nowMs: NOW_MS }),
      ConfigError,
    );
    assertMatch(
      error.message,
      /^fluentd-cert: a certificate in \/etc\/cert\.pem is damaged: \S/,
    );
  }
});

Deno.test("every CA of a bundle is read, expired ones too", async () => {
  const pki = await teleportPki();
  const old = await issueClient(pki, { validity: EXPIRED });
  const bundle =
    `# old\n${old.certificatePem}# new\n${pki.authority.certificatePem}`;
  const options = { path: "/etc/ca.pem", role: "fluentd-ca" };
  assertEquals(
    parseAuthorities(bundle, options).map((pem) => `${pem}\n`),
    [old.certificatePem, pki.authority.certificatePem],
  );
});

Deno.test("a bundle without a CA, or with a broken one, is told as such", async () => {
  const { authority, client } = await teleportPki();
  const options = { path: "/etc/ca.pem", role: "fluentd-ca" };
  for (const text of ["", "no pem", client.privateKeyPem]) {
    assertProblem(
      assertThrows(() => parseAuthorities(text, options)),
      "fluentd-ca: /etc/ca.pem holds no CA certificate in PEM",
    );
  }
  const second = authority.certificatePem + garbage("CERTIFICATE");
  assertMatch(
    assertThrows(() => parseAuthorities(second, options), ConfigError).message,
    /^fluentd-ca: a certificate in \/etc\/ca\.pem is damaged: \S/,
  );
});

const FORMS: [KeyType, PrivateKeyForm[]][] = [
  ["rsa-2048", ["pkcs1", "pkcs8"]],
  ["ecdsa-p256", ["sec1", "pkcs8"]],
  ["ed25519", ["pkcs8"]],
];
for (const [keyType, forms] of FORMS) {
  for (const form of forms) {
    Deno.test(`a ${keyType} key is taken as ${form}, encrypted or not, with CRLF too`, async () => {
      const client = await issueClient(await teleportPki(), { keyType });
      const certificate = parse(client.certificatePem);
      const plain = convertPrivateKey(client.privateKeyPem, { form });
      assertStrictEquals(parseKey(plain, certificate), plain);
      assertSameKey(parseKey(crlf(plain), certificate), plain);
      const encrypted = convertPrivateKey(client.privateKeyPem, {
        form,
        passphrase: "open sesame",
      });
      const opened = parseKey(encrypted, certificate, { value: "open sesame" });
      assertSameKey(opened, plain);
      assert(!opened.includes("ENCRYPTED"));
      assertSameKey(
        parseKey(crlf(encrypted), certificate, { value: "open sesame" }),
        plain,
      );
    });
  }
}

Deno.test("blanks at the ends of lines, which OpenSSL and Go read over, are no damage", async () => {
  const { client } = await teleportPki();
  const blanks = (pem: string) => pem.replaceAll("\n", " \t\n");
  const certificate = parse(blanks(client.certificatePem));
  assertEquals(certificate.pem, client.certificatePem);
  assertEquals(
    parseKey(blanks(client.privateKeyPem), certificate),
    client.privateKeyPem,
  );
});

Deno.test("an encrypted key without a passphrase is told, with what to do", async () => {
  const { client } = await teleportPki();
  for (const form of ["sec1", "pkcs8"] as const) {
    const encrypted = convertPrivateKey(client.privateKeyPem, {
      form,
      passphrase: "x",
    });
    assertProblem(
      assertThrows(() => parseKey(encrypted, parse(client.certificatePem))),
      "fluentd-key: the private key in /etc/key.pem is encrypted: do this",
    );
  }
});

Deno.test("a wrong passphrase is told as such, and not repeated", async () => {
  const { client } = await teleportPki();
  for (const form of ["sec1", "pkcs8"] as const) {
    const encrypted = convertPrivateKey(client.privateKeyPem, {
      form,
      passphrase: "right",
    });
    for (const value of ["wrong-secret", ""]) {
      const { message } = assertThrows(
        () => parseKey(encrypted, parse(client.certificatePem), { value }),
        ConfigError,
      );
      assertMatch(
        message,
        /^fluentd-key: cannot decrypt the private key in \/etc\/key\.pem: is the passphrase right\? \(.+\)$/,
      );
      assert(!message.includes("wrong-secret"));
    }
  }
});

Deno.test("what holds no private key is told as such", async () => {
  const { client } = await teleportPki();
  const certificate = parse(client.certificatePem);
  for (const text of ["", "no pem", client.certificatePem]) {
    assertProblem(
      assertThrows(() => parseKey(text, certificate)),
      "fluentd-key: /etc/key.pem holds no private key in PEM",
    );
  }
});

Deno.test("a damaged private key is told as such", async () => {
  const { client } = await teleportPki();
  const certificate = parse(client.certificatePem);
  for (
    const text of [
      shortened(client.privateKeyPem),
      garbage("PRIVATE KEY"),
      garbage("RSA PRIVATE KEY"),
      garbage("OPENSSH PRIVATE KEY"),
    ]
  ) {
    const { message } = assertThrows(
      () => parseKey(text, certificate),
      ConfigError,
    );
    assertMatch(
      message,
      /^fluentd-key: the private key in \/etc\/key\.pem is damaged: \S/,
    );
  }
});

Deno.test("the key of another certificate is told, with both files", async () => {
  const pki = await teleportPki();
  for (const keyType of ["ecdsa-p256", "rsa-2048", "ed25519"] as const) {
    const other = await issueClient(pki, { keyType });
    assertProblem(
      assertThrows(() =>
        parseKey(other.privateKeyPem, parse(pki.client.certificatePem))
      ),
      "fluentd-key: the private key in /etc/key.pem does not belong to the " +
        "certificate in /etc/cert.pem",
    );
  }
});

Deno.test("a private key that TLS does not take is told, with those that it takes", async () => {
  const client = await issueClient(await teleportPki(), {
    keyType: "rsa-1024",
  });
  assertProblem(
    assertThrows(() =>
      parseKey(client.privateKeyPem, parse(client.certificatePem))
    ),
    "fluentd-key: TLS cannot use the private key in /etc/key.pem: " +
      "take RSA of 2048 bits or more, ECDSA with P-256, P-384 or P-521, or Ed25519",
  );
});

Deno.test({
  name: "a certificate that openssl made without extensions is told as such",
  ignore: ignoreWithoutOpenssl(),
  async fn() {
    await withDirectory(async (directory) => {
      const { authority } = await teleportPki();
      const made = await issueVersion1(authority, directory);
      const certificate = parseCertificate(made.certificatePem, {
        ...FILE,
        nowMs: Date.now(),
      });
      assertProblem(
        assertThrows(() => parseKey(made.privateKeyPem, certificate)),
        "fluentd-cert: the certificate in /etc/cert.pem is of X.509 version 1, " +
          "which nothing here takes: issue one of version 3 (openssl x509 -req needs -extfile)",
      );
    });
  },
});

function parse(text: string): Certificate {
  return parseCertificate(text, { ...FILE, nowMs: NOW_MS });
}

function parseKey(
  text: string,
  certificate: Certificate,
  passphrase: { remedy: string } | { value: string } = { remedy: "do this" },
): string {
  const options = { path: "/etc/key.pem", role: "fluentd-key" };
  return parsePrivateKey(text, { ...options, certificate, passphrase });
}

function assertProblem(error: unknown, problem: string): void {
  assert(error instanceof ConfigError, String(error));
  assertEquals(error.problems, [problem]);
}

function assertSameKey(pem: string, other: string): void {
  assert(createPrivateKey(pem).equals(createPrivateKey(other)));
}

/** The same PEM with some of its lines missing. */
function shortened(pem: string): string {
  return pem.split("\n").toSpliced(1, 1).join("\n");
}

function garbage(label: string): string {
  return `-----BEGIN ${label}-----\n${
    btoa("garbage".repeat(20))
  }\n-----END ${label}-----\n`;
}

function crlf(text: string): string {
  return text.replaceAll("\n", "\r\n");
}

Deno.test("a bundle of CAs ends with the last of them", async () => {
  const ending = async (year: number) => {
    const { certificatePem } = await createAuthority({
      commonName: `until ${year}`,
      keyType: "ecdsa-p256",
      validity: {
        notBefore: new Date(`${year - 5}-01-01T00:00:00Z`),
        notAfter: new Date(`${year}-01-01T00:00:00Z`),
      },
    });
    return certificatePem;
  };
  const bundle = [await ending(2027), await ending(2031), await ending(2029)];
  const named = { name: "fluentd-ca", path: "/etc/ca.pem" };
  assertEquals(termOfAuthorities(bundle, named), {
    ...named,
    notBeforeMs: Date.UTC(2026, 0, 1),
    notAfterMs: Date.UTC(2031, 0, 1),
  });
});

for (const parse of [parseCertificate, parseAuthorities]) {
  Deno.test(`${parse.name}: a file that somebody is still writing is incomplete`, async () => {
    const { certificatePem } = (await teleportPki()).client;
    const half = certificatePem + certificatePem.slice(0, 200);
    const error = assertThrows(
      () => parse(half, { ...FILE, nowMs: NOW_MS }),
      ConfigError,
    );
    assertMatch(error.message, /fluentd-cert: .*is incomplete/);
  });
}
