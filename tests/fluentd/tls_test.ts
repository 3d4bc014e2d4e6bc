import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { TlsFiles } from "../../lib/credentials.ts";
import { ConfigError } from "../../lib/errors.ts";
import { AUDIT } from "../../lib/event.ts";
import { loadTls } from "../../lib/fluentd/tls.ts";
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { lengthened } from "../credentials_setup.ts";
import { auditEvents } from "../fakes/audit_events.ts";
import { EXPIRED, fluentdPki, issueClient, strangerPki } from "../fakes/pki.ts";
import { writeFluentdPki, writeSecret } from "../fakes/pki_files.ts";
import { convertPrivateKey } from "../fakes/private_key.ts";
import { NEVER, sinkTo, startTlsFluentd } from "./setup.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const PASSPHRASE = "correct horse";
const WRONG_PASSPHRASE = "wrong horse";

/** Files of a client that Fluentd trusts, in a directory that is removed after. */
interface Files extends AsyncDisposable {
  readonly directory: string;
  readonly files: TlsFiles & { client: NonNullable<TlsFiles["client"]> };
}

async function writeFiles(): Promise<Files> {
  const directory = await Deno.makeTempDir();
  const { client } = await writeFluentdPki(directory);
  return {
    directory,
    files: {
      caFile: client.ca,
      client: {
        certFile: client.cert,
        keyFile: client.key,
        keyPassphraseFile: undefined,
      },
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** The one problem that loading the files has. */
async function problemWith(files: TlsFiles): Promise<string> {
  const error = await assertRejects(() => loadTls(files, NOW_MS), ConfigError);
  assertEquals(error.problems.length, 1);
  return error.problems[0] ?? "";
}

async function encrypt(
  directory: string,
  passphrase: string | Buffer = PASSPHRASE,
): Promise<string> {
  const { client } = await fluentdPki();
  const path = join(directory, "encrypted.key");
  const encrypted = convertPrivateKey(client.privateKeyPem, {
    form: "pkcs8",
    passphrase,
    wrong: [WRONG_PASSPHRASE],
  });
  await writeSecret(path, encrypted);
  return path;
}

Deno.test("the files that were written are what Fluentd lets in", async () => {
  await using fluentd = await startTlsFluentd();
  await using written = await writeFiles();
  const tls = await loadTls(written.files, NOW_MS);
  using sink = await sinkTo(fluentd, { tls: () => tls });
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});

Deno.test("an encrypted key is opened with the passphrase of its file", async () => {
  await using fluentd = await startTlsFluentd();
  await using written = await writeFiles();
  const { directory, files } = written;
  const keyPassphraseFile = join(directory, "passphrase");
  await writeSecret(keyPassphraseFile, `${PASSPHRASE}\n`);
  const tls = await loadTls({
    ...files,
    client: {
      ...files.client,
      keyFile: await encrypt(directory),
      keyPassphraseFile,
    },
  }, NOW_MS);
  using sink = await sinkTo(fluentd, { tls: () => tls });
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});

Deno.test("a passphrase is what its file holds but for the line end, in any encoding", async () => {
  await using written = await writeFiles();
  const { directory, files } = written;
  const latin1 = Buffer.from("gr\u00fcn", "latin1");
  const keyFile = await encrypt(directory, latin1);
  const keyPassphraseFile = join(directory, "passphrase");
  for (const end of ["", "\n", "\r\n"]) {
    await Deno.writeFile(
      keyPassphraseFile,
      new Uint8Array([...latin1, ...Buffer.from(end)]),
    );
    const { client } = await loadTls(
      { ...files, client: { ...files.client, keyFile, keyPassphraseFile } },
      NOW_MS,
    );
    assertStringIncludes(client?.key ?? "", "BEGIN PRIVATE KEY");
  }
});

Deno.test("an encrypted key without a passphrase names the option that it needs", async () => {
  await using written = await writeFiles();
  const { directory, files } = written;
  const keyFile = await encrypt(directory);
  assertEquals(
    await problemWith({ ...files, client: { ...files.client, keyFile } }),
    `fluentd-key: the private key in ${keyFile} is encrypted: name the file with its passphrase in fluentd-key-passphrase-file`,
  );
});

Deno.test("a wrong passphrase is told as one", async () => {
  await using written = await writeFiles();
  const { directory, files } = written;
  const keyPassphraseFile = join(directory, "passphrase");
  await writeSecret(keyPassphraseFile, WRONG_PASSPHRASE);
  assertStringIncludes(
    await problemWith({
      ...files,
      client: {
        ...files.client,
        keyFile: await encrypt(directory),
        keyPassphraseFile,
      },
    }),
    "is the passphrase right?",
  );
});

Deno.test("without files the system's roots are trusted and no certificate is shown", async () => {
  assertEquals(
    await loadTls({ caFile: undefined, client: undefined }, NOW_MS),
    { caCerts: [], client: undefined, terms: [] },
  );
});

Deno.test("every CA of a bundle is trusted", async () => {
  await using written = await writeFiles();
  const { directory, files } = written;
  const [pki, stranger] = [await fluentdPki(), await strangerPki()];
  const caFile = join(directory, "bundle.crt");
  await writeSecret(
    caFile,
    `# old\n${stranger.authority.certificatePem}\n# new\n${pki.authority.certificatePem}`,
  );
  const { caCerts } = await loadTls({ ...files, caFile }, NOW_MS);
  assertEquals(caCerts.length, 2);
});

Deno.test("a file that is not there is named with its option", async () => {
  await using written = await writeFiles();
  const { files } = written;
  const missing = join(written.directory, "missing");
  const { client } = files;
  for (
    const [option, changed] of [
      ["fluentd-ca", { ...files, caFile: missing }],
      ["fluentd-cert", { ...files, client: { ...client, certFile: missing } }],
      ["fluentd-key", { ...files, client: { ...client, keyFile: missing } }],
      ["fluentd-key-passphrase-file", {
        ...files,
        client: { ...client, keyPassphraseFile: missing },
      }],
    ] as const
  ) {
    assertEquals(
      await problemWith(changed),
      `${option}: cannot read ${missing}: there is no such file`,
    );
  }
});

Deno.test("an expired client certificate is told with its date before anything is sent", async () => {
  await using written = await writeFiles();
  const { files } = written;
  const expired = await issueClient(await fluentdPki(), { validity: EXPIRED });
  await writeSecret(files.client.certFile, expired.certificatePem);
  await writeSecret(files.client.keyFile, expired.privateKeyPem);
  assertStringIncludes(
    await problemWith(files),
    `${files.client.certFile} expired on 2021-01-01T00:00:00.000Z`,
  );
});

Deno.test("a key of another certificate is told as one", async () => {
  await using written = await writeFiles();
  const { files } = written;
  const { client } = await strangerPki();
  await writeSecret(files.client.keyFile, client.privateKeyPem);
  assertStringIncludes(await problemWith(files), "does not belong to");
});

/** A key by openssl pkcs8 -topk8 -v2 des3, with `PASSPHRASE`. */
const BY_3DES = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAj/JhgpItQHuQICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIYr9bqmP4lRoEgZCRqkS0mLKD4ldw
bqK6CTxfizdNekB8sMDSvdtV/kX4ZdCXf9UopBdl4xVRT5Zp/DoZBrAD4EQz5kOd
3o1CQRG1VX2A0xJGiP7z9dXergzBnGkLAUSUUqz3Mev5tHCpH7wQ5tnP4c/Swrlt
bmPzb8sDv1Jn2wDcAvCbEk1GCcNhPXb0HmXmCxM+0b9/6XqJ+0s=
-----END ENCRYPTED PRIVATE KEY-----
`;

Deno.test("a key whose cipher is unknown here does not only put the blame on the passphrase", async () => {
  await using written = await writeFiles();
  const { directory, files } = written;
  const keyPassphraseFile = join(directory, "passphrase");
  await writeSecret(keyPassphraseFile, PASSPHRASE);
  await writeSecret(files.client.keyFile, BY_3DES);
  assertStringIncludes(
    await problemWith({
      ...files,
      client: { ...files.client, keyPassphraseFile },
    }),
    "is the passphrase right, and the cipher one of today, as with openssl pkcs8 -topk8 -v2 aes-256-cbc?",
  );
});

Deno.test("files with something else in them are told as such", async () => {
  await using written = await writeFiles();
  const { files } = written;
  const other = join(written.directory, "other");
  await writeSecret(other, "not a certificate\n");
  assertStringIncludes(
    await problemWith({ ...files, caFile: other }),
    `fluentd-ca: ${other} holds no CA certificate in PEM`,
  );
  assertStringIncludes(
    await problemWith({
      ...files,
      client: { ...files.client, certFile: other },
    }),
    `fluentd-cert: ${other} holds no certificate in PEM`,
  );
});

Deno.test("a CA that TLS alone finds damaged is told as such, before anything is sent", async () => {
  await using written = await writeFiles();
  const { files, directory } = written;
  const { authority } = await fluentdPki();
  const caFile = join(directory, "damaged-ca.crt");
  await writeSecret(
    caFile,
    authority.certificatePem + lengthened(authority.certificatePem),
  );
  assertStringIncludes(
    await problemWith({ ...files, caFile }),
    `fluentd-ca: a certificate in ${caFile} is damaged: `,
  );
});

Deno.test("what is wrong with the CA and with the client certificate is told at once", async () => {
  await using written = await writeFiles();
  const { files, directory } = written;
  const missing = join(directory, "missing");
  const { problems } = await assertRejects(
    () =>
      loadTls({
        caFile: missing,
        client: { ...files.client, certFile: missing },
      }, NOW_MS),
    ConfigError,
  );
  assertEquals(
    problems.map((problem) => problem.split(":")[0]),
    ["fluentd-ca", "fluentd-cert"],
  );
});
