import { join } from "node:path";
import {
  parseAuthorities,
  parseCertificate,
  pemBlocks,
  readCredentialFile,
  readTerm,
  termOfAuthorities,
} from "../lib/credentials.ts";
import { createAuthority } from "../lib/configure/certificates.ts";
import { ConfigError } from "../lib/errors.ts";
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import {
  assertProblem,
  crlf,
  FILE,
  garbage,
  NOW_MS,
  shortened,
} from "./credentials_setup.ts";
import { withDirectory } from "./fakes/directory.ts";
import { EXPIRED, issueClient, teleportPki, VALID } from "./fakes/pki.ts";

Deno.test("a file that cannot be read is told by name, with the reason", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "missing");
    assertProblem(
      await assertRejects(() => readCredentialFile(missing, "fluentd-key")),
      `fluentd-key: cannot read ${missing}: there is no such file`,
    );
    assertProblem(
      await assertRejects(() => readCredentialFile(directory, "fluentd-key")),
      `fluentd-key: cannot read ${directory}: it is a directory, not a file`,
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

/** A certificate, of any kind, that ends with the year before. */
async function ending(year: number): Promise<string> {
  const { certificatePem } = await createAuthority({
    commonName: `until ${year}`,
    keyType: "ecdsa-p256",
    validity: {
      notBefore: new Date(`${year - 5}-01-01T00:00:00Z`),
      notAfter: new Date(`${year}-01-01T00:00:00Z`),
    },
  });
  return certificatePem;
}

Deno.test("a bundle of CAs ends with the last of them", async () => {
  const bundle = [await ending(2027), await ending(2031), await ending(2029)];
  const named = { name: "fluentd-ca", path: "/etc/ca.pem" };
  assertEquals(termOfAuthorities(bundle, named), {
    ...named,
    notBeforeMs: Date.UTC(2026, 0, 1),
    notAfterMs: Date.UTC(2031, 0, 1),
  });
});

Deno.test("a file ends with the first certificate of our own in it, or with the last of its CAs, over or not", async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, "chain.pem");
    await Deno.writeTextFile(file, await ending(2021) + await ending(2031));
    const endOf = async (kind: "own" | "authorities") =>
      (await readTerm({ name: "fluentd-cert", file, kind })).notAfterMs;
    assertStrictEquals(await endOf("own"), Date.UTC(2021, 0, 1));
    assertStrictEquals(await endOf("authorities"), Date.UTC(2031, 0, 1));
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
