/**
 * The tests' own certificates: a Teleport cluster's, its website's, a Fluentd's,
 * and a stranger's who claims the same names. Each is made once per process.
 *
 * @module
 */

import {
  type Authority,
  type CertificateOptions,
  createAuthority,
  issueCertificate,
  type IssuedCertificate,
  type KeyType,
  type Usage,
  type Validity,
} from "../../lib/configure/certificates.ts";

/** An authority, and what it signed for the two ends of a connection. */
export interface Pki {
  readonly authority: Authority;
  readonly server: IssuedCertificate;
  readonly client: IssuedCertificate;
}

/** What a client certificate is to be like; by default like those of a `Pki`. */
export interface ClientOptions {
  readonly keyType?: KeyType;
  readonly validity?: Validity;
}

/** The user that Teleport's client certificate is for. */
export const CLIENT_NAME = "teleport-event-handler";

/** Whatever the day on which the tests run. */
export const VALID: Validity = {
  notBefore: new Date("2020-01-01T00:00:00Z"),
  notAfter: new Date("2049-12-31T00:00:00Z"),
};

/** Ended long ago. */
export const EXPIRED: Validity = {
  notBefore: new Date("2020-01-01T00:00:00Z"),
  notAfter: new Date("2021-01-01T00:00:00Z"),
};

/** Begins long after these tests were written. */
export const NOT_YET_VALID: Validity = {
  notBefore: new Date("2049-01-01T00:00:00Z"),
  notAfter: new Date("2049-12-31T00:00:00Z"),
};

// The fastest to make, and to shake hands with.
const KEY_TYPE: KeyType = "ecdsa-p256";

/** Of an auth service, which carries these names whatever its address is. */
export const teleportPki = once(() =>
  createPki("tele.example.com", {
    dnsNames: ["teleport.cluster.local", "*.teleport.cluster.local"],
    usages: ["server", "client"],
  })
);

/** Of a Fluentd on this machine. */
export const fluentdPki = once(() =>
  createPki("Fluentd CA", {
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    usages: ["server"],
  })
);

/** Of a proxy's website, by an authority that has nothing to do with the cluster. */
export const webPki = once(() =>
  createPki("Web CA", {
    dnsNames: ["proxy.example.com", "localhost"],
    usages: ["server"],
  })
);

/** The same names as Teleport and Fluentd, signed by an authority that nobody knows. */
export const strangerPki = once(() =>
  createPki("tele.example.com", {
    dnsNames: [
      "teleport.cluster.local",
      "*.teleport.cluster.local",
      "localhost",
    ],
    ipAddresses: ["127.0.0.1"],
    usages: ["server", "client"],
  })
);

/** Another client certificate of the same authority. */
export function issueClient(
  { authority }: Pick<Pki, "authority">,
  { keyType = KEY_TYPE, validity = VALID }: ClientOptions = {},
): Promise<IssuedCertificate> {
  return issueCertificate(authority, {
    commonName: CLIENT_NAME,
    keyType,
    validity,
    usages: ["client"],
  });
}

/** Another server certificate of the same authority, good but for the changes. */
export function issueServer(
  { authority }: Pick<Pki, "authority">,
  name: string,
  changes: Partial<CertificateOptions> = {},
): Promise<IssuedCertificate> {
  return issueCertificate(authority, {
    commonName: name,
    keyType: KEY_TYPE,
    validity: VALID,
    usages: ["server"],
    dnsNames: [name],
    ...changes,
  });
}

interface ServerOptions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly Usage[];
}

async function createPki(
  authorityName: string,
  serverOptions: ServerOptions,
): Promise<Pki> {
  const authority = await createAuthority({
    commonName: authorityName,
    keyType: KEY_TYPE,
    validity: VALID,
  });
  const [server, client] = await Promise.all([
    issueCertificate(authority, {
      ...serverOptions,
      commonName: serverOptions.dnsNames[0] ?? authorityName,
      keyType: KEY_TYPE,
      validity: VALID,
    }),
    issueClient({ authority }),
  ]);
  return { authority, server, client };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
