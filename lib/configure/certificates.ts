/**
 * Makes certificate authorities, and certificates signed by them. The only file
 * that knows the X.509 library; the keys are WebCrypto's.
 *
 * @module
 */

// The X.509 library's container looks for this polyfill when it is loaded.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** What kind of key a certificate is made for. */
export type KeyType =
  | "rsa-1024"
  | "rsa-2048"
  | "rsa-4096"
  | "ecdsa-p256"
  | "ed25519";

/** What a certificate may be used for: TLS server, TLS client, or both. */
export type Usage = "server" | "client";

/** From when to when a certificate is good; cut to whole seconds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What an authority is made from. */
export interface AuthorityOptions {
  readonly commonName: string;
  readonly keyType: KeyType;
  readonly validity: Validity;
}

/** What a certificate is made from. */
export interface CertificateOptions {
  readonly commonName: string;
  readonly keyType: KeyType;
  readonly validity: Validity;
  readonly usages: readonly Usage[];
  /** Subject alternative names, e.g. `localhost` or `*.example.com`. */
  readonly dnsNames?: readonly string[];
  /** Subject alternative addresses, IPv4 or IPv6. */
  readonly ipAddresses?: readonly string[];
}

/** A certificate and its private key, as they go to disk. */
export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS#8, not encrypted. */
  readonly privateKeyPem: string;
}

/** A self-signed authority, and what it takes to issue certificates with it. */
export interface Authority extends IssuedCertificate {
  readonly certificate: X509Certificate;
  readonly signingKey: CryptoKey;
}

/** How WebCrypto makes the keys, and signs with them. */
const ALGORITHMS: Readonly<Record<KeyType, KeyAlgorithmParams>> = {
  "rsa-1024": rsa(1024),
  "rsa-2048": rsa(2048),
  "rsa-4096": rsa(4096),
  "ecdsa-p256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "ed25519": { name: "Ed25519" },
};

type KeyAlgorithmParams =
  | RsaHashedKeyGenParams
  | (EcKeyGenParams & EcdsaParams)
  | { readonly name: "Ed25519" };

const EXTENDED_KEY_USAGES: Readonly<Record<Usage, ExtendedKeyUsage>> = {
  server: ExtendedKeyUsage.serverAuth,
  client: ExtendedKeyUsage.clientAuth,
};

/** Makes a self-signed authority that may issue certificates, but no further authorities. */
export async function createAuthority(
  options: AuthorityOptions,
): Promise<Authority> {
  const { commonName, keyType, validity } = options;
  const keys = await generateKeys(keyType);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...serialAndValidity(validity),
    name: distinguishedName(commonName),
    keys,
    signingAlgorithm: ALGORITHMS[keyType],
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    ...await toPem(certificate, keys.privateKey),
    certificate,
    signingKey: keys.privateKey,
  };
}

/** Makes a key, and a certificate for it that `authority` signed. */
export async function issueCertificate(
  authority: Authority,
  options: CertificateOptions,
): Promise<IssuedCertificate> {
  const { commonName, keyType, validity, usages } = options;
  const keys = await generateKeys(keyType);
  const issuer = authority.certificate;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(keyUsage(keyType), true),
    new ExtendedKeyUsageExtension(
      usages.map((usage) => EXTENDED_KEY_USAGES[usage]),
    ),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  const names = alternativeNames(options);
  if (names.length > 0) {
    extensions.push(new SubjectAlternativeNameExtension(names));
  }
  const certificate = await X509CertificateGenerator.create({
    ...serialAndValidity(validity),
    subject: distinguishedName(commonName),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: signingAlgorithm(authority.signingKey),
    extensions,
  });
  return await toPem(certificate, keys.privateKey);
}

function rsa(modulusLength: number): RsaHashedKeyGenParams {
  return {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
}

async function generateKeys(keyType: KeyType): Promise<CryptoKeyPair> {
  const usages: KeyUsage[] = ["sign", "verify"];
  const keys = await crypto.subtle.generateKey(
    ALGORITHMS[keyType],
    true,
    usages,
  );
  if ("privateKey" in keys) return keys;
  throw new TypeError(`Cannot make a ${keyType} key pair: got a single key`);
}

/** A key's own algorithm names no hash for ECDSA, and signing needs one. */
function signingAlgorithm(key: CryptoKey): Algorithm | EcdsaParams {
  return key.algorithm.name === "ECDSA"
    ? { name: "ECDSA", hash: "SHA-256" }
    : key.algorithm;
}

/** An RSA key may also be asked to decrypt the key exchange of older TLS versions. */
function keyUsage(keyType: KeyType): KeyUsageFlags {
  return keyType.startsWith("rsa")
    ? KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
    : KeyUsageFlags.digitalSignature;
}

/** Given as UTF8String: a plain string would be parsed for quotes and escapes. */
function distinguishedName(commonName: string): Name {
  return new Name([{ CN: [{ utf8String: commonName }] }]);
}

function alternativeNames(options: CertificateOptions): JsonGeneralName[] {
  const { dnsNames = [], ipAddresses = [] } = options;
  return [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
  ];
}

function serialAndValidity(validity: Validity) {
  return {
    serialNumber: randomSerialNumber(),
    notBefore: wholeSeconds(validity.notBefore),
    notAfter: wholeSeconds(validity.notAfter),
  };
}

/** RFC 5280, 4.1.2.5: times in certificates have no fraction. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

/** 16 bytes in hexadecimal: positive, and no shorter for a leading zero. */
function randomSerialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toHex();
}

async function toPem(
  certificate: X509Certificate,
  privateKey: CryptoKey,
): Promise<IssuedCertificate> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  return {
    certificatePem: pem("CERTIFICATE", certificate.rawData),
    privateKeyPem: pem("PRIVATE KEY", pkcs8),
  };
}

/** RFC 7468: base64 in lines of 64 characters. */
function pem(label: string, der: ArrayBuffer): string {
  const lines = new Uint8Array(der).toBase64().replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
