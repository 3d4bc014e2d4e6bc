import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  type Authority,
  createAuthority,
  issueCertificate,
  type KeyType,
} from "../../lib/configure/certificates.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "../assert.ts";

const VALIDITY = {
  notBefore: new Date("2020-01-01T00:00:00Z"),
  notAfter: new Date("2050-01-01T00:00:00.999Z"),
};

// RSA keys of 4096 bits take seconds to make, and differ from 2048 in nothing else.
const KEY_TYPES: KeyType[] = ["rsa-2048", "ecdsa-p256", "ed25519"];

const hasOpenssl = await openssl(["version"], "").then(
  () => true,
  () => false,
);

for (const keyType of KEY_TYPES) {
  Deno.test(`an ${keyType} authority issues certificates that verify against it`, async () => {
    const authority = await createAuthority({
      commonName: "CA",
      keyType,
      validity: VALIDITY,
    });
    const issued = await issueCertificate(authority, {
      commonName: "localhost",
      keyType,
      validity: VALIDITY,
      usages: ["server"],
      dnsNames: ["localhost", "*.example.com"],
      ipAddresses: ["127.0.0.1", "::1"],
    });
    const ca = new X509Certificate(authority.certificatePem);
    const certificate = new X509Certificate(issued.certificatePem);

    assert(certificate.verify(ca.publicKey));
    assert(certificate.checkIssued(ca));
    assert(ca.verify(ca.publicKey));
    assert(ca.ca);
    assert(!certificate.ca);
    assert(
      certificate.checkPrivateKey(createPrivateKey(issued.privateKeyPem)),
      "the private key belongs to the certificate",
    );
    assertEquals(
      certificate.subjectAltName,
      "DNS:localhost, DNS:*.example.com, IP Address:127.0.0.1, IP Address:::1",
    );
    assertEquals(certificate.validToDate, new Date("2050-01-01T00:00:00Z"));
  });

  Deno.test(`openssl accepts an ${keyType} certificate for its usage alone`, {
    ignore: !hasOpenssl,
  }, async () => {
    const { authority, issued } = await clientCertificate(keyType);

    const forClients = await opensslVerify(authority, {
      certificatePem: issued.certificatePem,
      purpose: "sslclient",
    });
    const forServers = await opensslVerify(authority, {
      certificatePem: issued.certificatePem,
      purpose: "sslserver",
    });
    assertMatch(forClients, /: OK/);
    assertMatch(
      forServers,
      /suitable certificate purpose|unsupported certificate purpose/,
    );
  });
}

Deno.test("the key pair's length is what was asked for", async () => {
  const authority = await ca("rsa-1024");
  const { publicKey } = new X509Certificate(authority.certificatePem);
  assertEquals(publicKey.asymmetricKeyDetails?.modulusLength, 1024);
});

Deno.test("a certificate carries what tells apart keys, issuers and usages", {
  ignore: !hasOpenssl,
}, async () => {
  const { authority, issued } = await clientCertificate("ecdsa-p256");
  const text = await openssl(
    ["x509", "-noout", "-text"],
    issued.certificatePem,
  );
  const caText = await openssl(
    ["x509", "-noout", "-text"],
    authority.certificatePem,
  );
  const caKeyId = keyIdentifier(caText, "Subject");
  assertEquals(keyIdentifier(text, "Authority"), caKeyId);
  assertNotEquals(keyIdentifier(text, "Subject"), caKeyId);
  assertMatch(text, /Key Usage: critical\s+Digital Signature\n/);
  assertMatch(text, /TLS Web Client Authentication\n/);
  assertMatch(caText, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assertMatch(caText, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
});

Deno.test("serial numbers are positive, 16 bytes, and never the same", async () => {
  const authority = await ca("ecdsa-p256");
  const serials = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const { certificatePem } = await issue(authority, "ecdsa-p256");
    const { serialNumber } = new X509Certificate(certificatePem);
    assertMatch(serialNumber, /^[4-7][0-9A-F]{31}$/);
    serials.add(serialNumber);
  }
  assertEquals(serials.size, 20);
});

Deno.test("a common name is taken literally", async () => {
  const commonName = `Ünï "quoted", +=\\ #1`;
  const authority = await createAuthority({
    commonName,
    keyType: "ecdsa-p256",
    validity: VALIDITY,
  });
  const { certificatePem } = await issue(authority, "ecdsa-p256");
  assertEquals(authority.certificate.subjectName.getField("CN"), [commonName]);
  assert(
    new X509Certificate(certificatePem)
      .checkIssued(new X509Certificate(authority.certificatePem)),
  );
});

function ca(keyType: KeyType): Promise<Authority> {
  return createAuthority({ commonName: "CA", keyType, validity: VALIDITY });
}

function issue(authority: Authority, keyType: KeyType) {
  return issueCertificate(authority, {
    commonName: "client",
    keyType,
    validity: VALIDITY,
    usages: ["client"],
  });
}

async function clientCertificate(keyType: KeyType) {
  const authority = await ca(keyType);
  return { authority, issued: await issue(authority, keyType) };
}

function keyIdentifier(text: string, whose: "Subject" | "Authority") {
  const found = new RegExp(`${whose} Key Identifier: *\\n\\s+([0-9A-F:]{59})`)
    .exec(text);
  assert(found, `no ${whose} Key Identifier`);
  return found[1];
}

async function opensslVerify(
  authority: Authority,
  options: { certificatePem: string; purpose: "sslclient" | "sslserver" },
): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(path, authority.certificatePem);
    const { purpose, certificatePem } = options;
    return await openssl(
      ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", path],
      certificatePem,
    );
  } finally {
    await Deno.remove(path);
  }
}

/** What openssl says, on either stream. */
async function openssl(args: string[], input: string): Promise<string> {
  const process = new Deno.Command("openssl", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await process.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
