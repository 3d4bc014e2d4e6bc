import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import type { KeyType } from "../lib/configure/certificates.ts";
import { type Certificate, parseCertificate } from "../lib/credentials.ts";
import { ConfigError } from "../lib/errors.ts";
import { isPrivateKey, parsePrivateKey } from "../lib/private_key.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import {
  assertProblem,
  crlf,
  FILE,
  garbage,
  lengthened,
  parseIssued,
  shortened,
} from "./credentials_setup.ts";
import { withDirectory } from "./fakes/directory.ts";
import {
  ignoreWithoutOpenssl,
  issueVersion1,
  openssl,
} from "./fakes/openssl.ts";
import { issueClient, teleportPki } from "./fakes/pki.ts";
import { convertPrivateKey, type PrivateKeyForm } from "./fakes/private_key.ts";

Deno.test("private keys of every kind are told from certificates", () => {
  for (const kind of ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "]) {
    assert(isPrivateKey(`-----BEGIN ${kind}PRIVATE KEY-----\n`));
  }
  for (const kind of ["CERTIFICATE", "PUBLIC KEY", "EC PARAMETERS"]) {
    assert(!isPrivateKey(`-----BEGIN ${kind}-----\n`));
  }
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
      const certificate = parseIssued(client.certificatePem);
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
  const certificate = parseIssued(blanks(client.certificatePem));
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
      assertThrows(() =>
        parseKey(encrypted, parseIssued(client.certificatePem))
      ),
      "fluentd-key: the private key in /etc/key.pem is encrypted: do this",
    );
  }
});

Deno.test("a wrong passphrase is told as such, and not repeated", async () => {
  const { client } = await teleportPki();
  for (const form of ["sec1", "pkcs8"] as const) {
    const wrong = ["wrong-secret", ""];
    const encrypted = convertPrivateKey(client.privateKeyPem, {
      form,
      passphrase: "right",
      wrong,
    });
    for (const value of wrong) {
      const { message } = assertThrows(
        () =>
          parseKey(encrypted, parseIssued(client.certificatePem), { value }),
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
  const certificate = parseIssued(client.certificatePem);
  for (const text of ["", "no pem", client.certificatePem]) {
    assertProblem(
      assertThrows(() => parseKey(text, certificate)),
      "fluentd-key: /etc/key.pem holds no private key in PEM",
    );
  }
});

Deno.test("a damaged private key is told as such", async () => {
  const { client } = await teleportPki();
  const certificate = parseIssued(client.certificatePem);
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
        parseKey(other.privateKeyPem, parseIssued(pki.client.certificatePem))
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
      parseKey(client.privateKeyPem, parseIssued(client.certificatePem))
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

Deno.test({
  name:
    "an encrypted key that cannot even be written down is one that TLS does not take",
  ignore: ignoreWithoutOpenssl(),
  async fn() {
    await withDirectory(async (directory) => {
      const key = join(directory, "pss.key");
      await openssl(["genpkey", "-algorithm", "RSA-PSS", "-out", key]);
      const certificatePem = await openssl(
        ["req", "-x509", "-key", key, "-days", "1", "-subj", "/CN=localhost"],
      );
      const encrypted = await openssl(
        ["pkcs8", "-topk8", "-in", key, "-passout", "pass:open sesame"],
      );
      const certificate = parseIssued(certificatePem);
      assertProblem(
        assertThrows(() =>
          parseKey(encrypted, certificate, { value: "open sesame" })
        ),
        "fluentd-key: TLS cannot use the private key in /etc/key.pem: " +
          "take RSA of 2048 bits or more, ECDSA with P-256, P-384 or P-521, or Ed25519",
      );
    });
  },
});

Deno.test("a certificate, or one of its chain, that TLS finds damaged is told as such", async () => {
  const { authority, client } = await teleportPki();
  const noBase64 = authority.certificatePem.replace("\n", "\n!");
  for (
    const text of [
      lengthened(client.certificatePem),
      client.certificatePem + noBase64,
    ]
  ) {
    assertMatch(
      assertThrows(
        () => parseKey(client.privateKeyPem, parseIssued(text)),
        ConfigError,
      ).message,
      /^fluentd-cert: a certificate in \/etc\/cert\.pem is damaged: \S/,
    );
  }
});

function parseKey(
  text: string,
  certificate: Certificate,
  passphrase: { remedy: string } | { value: string } = { remedy: "do this" },
): string {
  const options = { path: "/etc/key.pem", role: "fluentd-key" };
  return parsePrivateKey(text, { ...options, certificate, passphrase });
}

function assertSameKey(pem: string, other: string): void {
  assert(createPrivateKey(pem).equals(createPrivateKey(other)));
}
