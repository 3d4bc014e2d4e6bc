import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import {
  type OpenTeleport,
  openTeleport,
} from "../../lib/commands/teleport_client.ts";
import type { TeleportConfig } from "../../lib/config/config.ts";
import type { IssuedCertificate } from "../../lib/configure/certificates.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { withDirectory } from "../fakes/directory.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { identityText } from "../fakes/identity_file.ts";
import { never } from "../fakes/never.ts";
import { issueClient, teleportPki, VALID } from "../fakes/pki.ts";
import { writeSecret, writeTeleportPki } from "../fakes/pki_files.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { changeWatched } from "../fakes/watching_clock.ts";
import { captureLog } from "../operate/captured_log.ts";

const HOUR_MS = 3_600_000;

interface Opened extends OpenTeleport {
  /** Stands still, so that only watching can notice a change. */
  readonly clock: FakeClock;
  readonly directory: string;
  /** Serial number of the certificate that a call is made with. */
  call(): Promise<string>;
}

/** A client whose credentials are looked after, and what is in its directory. */
async function opened(
  credentials: (directory: string) => TeleportConfig["credentials"],
  use: (opened: Opened) => Promise<void>,
  { prepare }: {
    readonly prepare?: (directory: string) => Promise<void>;
  } = {},
): Promise<void> {
  await withDirectory(async (directory) => {
    await using teleport = await startTeleport({ log: new AuditLog() });
    const clock = new FakeClock();
    const stop = new AbortController();
    await writeTeleportPki(directory);
    await prepare?.(directory);
    const open = await openTeleport({
      addresses: [teleport],
      credentials: credentials(directory),
      refreshIntervalMs: HOUR_MS,
    }, clock);
    const fresh = open.keepFresh(stop.signal);
    const call = async () => {
      await open.client.ping(never());
      return teleport.callers.at(-1) ?? "";
    };
    try {
      await use({ ...open, clock, directory, call });
    } finally {
      stop.abort();
      await fresh;
      open.client.close();
    }
  });
}

function identityIn(directory: string) {
  return { kind: "identity" as const, file: join(directory, "identity") };
}

/** Publishes a new certificate, with which the next call has to be made. */
async function renew(
  { clock, call }: Pick<Opened, "clock" | "call">,
  publish: (client: IssuedCertificate) => Promise<void>,
): Promise<void> {
  const client = await issueClient(await teleportPki());
  await changeWatched(clock, () => publish(client));
  assertEquals(await call(), serialOf(client));
}

Deno.test("the log says of the server's certificate that it is the server's, not ours", async () => {
  await using log = await captureLog();
  await opened(identityIn, async ({ call }) => {
    await call();
    const connected = log.records.find(({ message }) =>
      message === "connected to Teleport"
    );
    assertEquals(
      connected?.["server_certificate_until"],
      VALID.notAfter.toISOString(),
    );
  });
});

Deno.test("an identity file that is written anew is used at once", async () => {
  await opened(identityIn, async (opened) => {
    await renew(opened, async (client) => {
      await writeSecret(
        join(opened.directory, "identity"),
        await identityText({ client }),
      );
    });
  });
});

Deno.test("an identity file that another one replaces is used at once", async () => {
  await opened(identityIn, async (opened) => {
    const path = join(opened.directory, "identity");
    await renew(opened, async (client) => {
      await writeSecret(`${path}.new`, await identityText({ client }));
      await Deno.rename(`${path}.new`, path);
    });
  });
});

Deno.test("an identity in a Kubernetes secret is used as soon as its link leads elsewhere", async () => {
  let version = 0;
  const publish = async (directory: string, client?: IssuedCertificate) => {
    const data = join(directory, `..${++version}`);
    await Deno.mkdir(data);
    await writeSecret(
      join(data, "identity"),
      await identityText(client && { client }),
    );
    await Deno.symlink(`..${version}`, join(directory, "..new"));
    await Deno.rename(join(directory, "..new"), join(directory, "..data"));
  };
  await opened(identityIn, async (opened) => {
    await renew(opened, (client) => publish(opened.directory, client));
  }, {
    async prepare(directory) {
      await publish(directory);
      const path = join(directory, "identity");
      await Deno.remove(path);
      await Deno.symlink(join("..data", "identity"), path);
    },
  });
});

Deno.test("what tbot writes into its directory is used at once", async () => {
  const directoryOf = (directory: string) => ({
    kind: "identity" as const,
    file: directory,
  });
  await opened(directoryOf, async (opened) => {
    await renew(opened, async (client) => {
      await writeSecret(
        join(opened.directory, "identity"),
        await identityText({ client }),
      );
    });
  });
});

Deno.test("three files are used once all of them are written anew", async () => {
  const filesOf = (directory: string) => ({
    kind: "files" as const,
    caFile: join(directory, "teleport-ca.crt"),
    certFile: join(directory, "teleport-client.crt"),
    keyFile: join(directory, "teleport-client.key"),
  });
  await opened(filesOf, async (opened) => {
    const { certFile, keyFile } = filesOf(opened.directory);
    await renew(opened, async (client) => {
      await writeSecret(certFile, client.certificatePem);
      await writeSecret(keyFile, client.privateKeyPem);
    });
  });
});

Deno.test("a half-written identity is not used, and the whole one is", async () => {
  await opened(identityIn, async (opened) => {
    const path = join(opened.directory, "identity");
    const before = await opened.call();
    const whole = await identityText({
      client: await issueClient(await teleportPki()),
    });
    const terms = opened.terms();
    await changeWatched(
      opened.clock,
      () => writeSecret(path, whole.slice(0, whole.length / 2)),
    );
    assertEquals(await opened.call(), before);
    assertEquals(opened.terms(), terms);
    await renew(opened, async (client) => {
      await writeSecret(path, await identityText({ client }));
    });
  });
});

Deno.test("the certificate in use is always the one that is told", async () => {
  await opened(identityIn, async (opened) => {
    const [before] = opened.terms();
    assertStrictEquals(before?.notAfterMs, VALID.notAfter.getTime());
    const notAfter = new Date("2048-01-01T00:00:00Z");
    const path = join(opened.directory, "identity");
    const client = await issueClient(await teleportPki(), {
      validity: { ...VALID, notAfter },
    });
    await changeWatched(
      opened.clock,
      async () => writeSecret(path, await identityText({ client })),
    );
    assertEquals(opened.terms()[0]?.notAfterMs, notAfter.getTime());
  });
});

function serialOf({ certificatePem }: IssuedCertificate): string {
  return new X509Certificate(certificatePem).serialNumber;
}
