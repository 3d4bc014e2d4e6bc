import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
} from "../assert.ts";
import { modeOf, namesIn, withDirectory } from "./directory.ts";
import { identityText } from "./identity_file.ts";
import {
  EXPIRED,
  fluentdPki,
  issueClient,
  strangerPki,
  teleportPki,
} from "./pki.ts";
import { writeFluentdPki, writeTeleportPki } from "./pki_files.ts";
import { convertPrivateKey } from "./private_key.ts";

const PEM_LINES = String.raw`\n(?:[A-Za-z0-9+/=]+\n)+`;

Deno.test("each certificate is signed by its own authority", async () => {
  for (const pki of [teleportPki, fluentdPki, strangerPki]) {
    const { authority, server, client } = await pki();
    const ca = new X509Certificate(authority.certificatePem);
    for (const { certificatePem } of [server, client]) {
      assert(new X509Certificate(certificatePem).verify(ca.publicKey));
    }
  }
  const stranger = await strangerPki();
  const teleport = await teleportPki();
  const ca = new X509Certificate(teleport.authority.certificatePem);
  const strange = new X509Certificate(stranger.client.certificatePem);
  assertEquals(strange.issuer, ca.subject);
  assert(!strange.verify(ca.publicKey));
});

Deno.test("certificates are made once", async () => {
  assertStrictEquals(await teleportPki(), await teleportPki());
});

Deno.test("a client certificate can be expired, or have another key", async () => {
  const pki = await teleportPki();
  const expired = await issueClient(pki, { validity: EXPIRED });
  const { validToDate } = new X509Certificate(expired.certificatePem);
  assertEquals(validToDate, new Date("2021-01-01T00:00:00Z"));
  const { privateKeyPem } = await issueClient(pki, { keyType: "ed25519" });
  const key = createPrivateKey(privateKeyPem);
  assertEquals(key.asymmetricKeyType, "ed25519");
});

Deno.test("an identity file has its five parts in Teleport's order", async () => {
  assertMatch(
    await identityText(),
    new RegExp(
      [
        `^-----BEGIN PRIVATE KEY-----${PEM_LINES}-----END PRIVATE KEY-----\n`,
        "ecdsa-sha2-nistp256-cert-v01@openssh\\.com [A-Za-z0-9+/=]+ teleport-event-handler\n",
        `-----BEGIN CERTIFICATE-----${PEM_LINES}-----END CERTIFICATE-----\n`,
        "@cert-authority tele\\.example\\.com,\\S+ ecdsa-sha2-nistp256 \\S+ type=host\n",
        `-----BEGIN CERTIFICATE-----${PEM_LINES}-----END CERTIFICATE-----\n$`,
      ].join(""),
    ),
  );
});

Deno.test("a private key stays the same in every form", async () => {
  const pki = await teleportPki();
  const rsa = await issueClient(pki, { keyType: "rsa-2048" });
  const cases = [
    { pem: rsa.privateKeyPem, form: "pkcs1", label: "RSA PRIVATE KEY" },
    { pem: pki.client.privateKeyPem, form: "sec1", label: "EC PRIVATE KEY" },
    { pem: rsa.privateKeyPem, form: "pkcs8", label: "PRIVATE KEY" },
  ] as const;
  for (const { pem, form, label } of cases) {
    const plain = convertPrivateKey(pem, { form });
    const encrypted = convertPrivateKey(pem, { form, passphrase: "secret" });
    assertMatch(plain, new RegExp(`^-----BEGIN ${label}-----\n`));
    assertMatch(encrypted, /ENCRYPTED/);
    assertEquals(convertPrivateKey(plain, { form: "pkcs8" }), pem);
    const decrypted = createPrivateKey({
      key: encrypted,
      passphrase: "secret",
    });
    assert(decrypted.equals(createPrivateKey(pem)));
  }
});

Deno.test("files are readable by their owner alone", async () => {
  await withDirectory(async (directory) => {
    const { identity } = await writeTeleportPki(directory);
    await writeFluentdPki(directory);
    const names = await namesIn(directory);
    for (const name of names) {
      assertEquals(await modeOf(`${directory}/${name}`), 0o600, name);
    }
    assertEquals(names, [
      "fluentd-ca.crt",
      "fluentd-client.crt",
      "fluentd-client.key",
      "fluentd-server.crt",
      "fluentd-server.key",
      "identity",
      "teleport-ca.crt",
      "teleport-client.crt",
      "teleport-client.key",
      "teleport-server.crt",
      "teleport-server.key",
    ]);
    assertEquals(await Deno.readTextFile(identity), await identityText());
  });
});
