/**
 * docs/receivers.md: the configurations of this program that it shows, run as they
 * stand there but for host names and directories.
 */

import { join } from "node:path";
import { assert, assertEquals } from "../assert.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { fluentdPki } from "../fakes/pki.ts";
import { writeSecret } from "../fakes/pki_files.ts";
import { runProgram } from "../fakes/program.ts";
import {
  type ReceiverKind,
  SPLUNK_AUTHORIZATION,
  startReceiver,
} from "../fakes/receiver.ts";
import { setStage, type Stage } from "./stage.ts";

const PAGE = new URL("../../docs/receivers.md", import.meta.url);

/** Where audit events, and the events of a recording, have to turn up. */
const STREAMS: Readonly<
  Record<
    ReceiverKind,
    readonly [audit: string, session: (id: string) => string]
  >
> = {
  "Fluent Bit": [
    "test.log",
    (id) => `session.${id.replaceAll("-", "_")}.log`,
  ],
  Vector: ["/test.log", (id) => `/session.${id}.log`],
  Logstash: ["/test.log", (id) => `/session.${id}.log`],
  "Splunk HTTP Event Collector": ["teleport", (id) => `session.${id}.log`],
  "Grafana Alloy": ["", (id) => `?session=session.${id}.log`],
};

for (const kind of Object.keys(STREAMS).filter(isKind)) {
  Deno.test(`${kind} gets every event, once and apart, by the documented TOML`, async () => {
    await using stage = await setStage({ size: 40, uploadEvery: 10 });
    await using receiver = await startReceiver(
      kind,
      fluentdTls(await fluentdPki()),
    );
    const toml = join(stage.directory, "receiver.toml");
    const documented = documentedToml(kind);
    const adapted = documented
      .replaceAll(
        /https:\/\/[\w-]+\.example\.com:\d+/g,
        `https://${receiver.host}`,
      )
      .replaceAll('"/keys/', `"${stage.directory}/keys/`)
      .replaceAll("@/keys/", `@${stage.directory}/keys/`);
    await Deno.writeTextFile(toml, adapted);
    await writeKeys(stage);

    const { code, stderr } = await runProgram([
      "start",
      `--config=${toml}`,
      `--teleport-addr=${stage.teleport.address}`,
      `--teleport-identity=${stage.paths.teleport.identity}`,
      `--storage=${stage.storage}`,
      "--start-time=2026-01-01T00:00:00Z",
      "--exit-on-last-event",
    ]);

    assertEquals(code, 0, stderr);
    assertEquals(receiver.refusals, []);
    const [audit, session] = STREAMS[kind];
    const { log } = stage.teleport;
    const sessionIds = [...log.sessionIds()];
    assert(sessionIds.length > 0);
    assertEquals(
      receiver.streams(),
      [audit, ...sessionIds.map(session)].sort(),
    );
    assertEquals(receiver.uids(audit).sort(), [...log.ids()].sort());
    for (const id of sessionIds) {
      assertEquals(receiver.uids(session(id)), [
        ...stage.expectedRecording(id),
      ]);
    }
  });
}

Deno.test("every receiver that the page shows a configuration for is tested", () => {
  const sections = Deno.readTextFileSync(PAGE).split(/^## /m);
  assertEquals(
    sections.filter((section) => section.includes("[forward.fluentd]"))
      .map((section) => section.split("\n")[0]).sort(),
    Object.keys(STREAMS).sort(),
  );
});

function isKind(name: string): name is ReceiverKind {
  return Object.hasOwn(STREAMS, name);
}

/** The TOML block of a section that is for this program. */
function documentedToml(heading: string): string {
  const page = Deno.readTextFileSync(PAGE);
  const section = page.split(/^## /m).find((it) => it.startsWith(heading));
  const blocks = (section ?? "").matchAll(/^```toml\n(.*?)^```$/gms);
  const ours = Array.from(blocks, ([, toml = ""]) => toml)
    .filter((toml) => toml.includes("[forward.fluentd]"));
  assertEquals(ours.length, 1, `${heading}: one block of TOML`);
  return ours[0] ?? "";
}

/** What the page says is in /keys. */
async function writeKeys({ directory, paths }: Stage): Promise<void> {
  const { ca, cert, key } = paths.fluentd.client;
  const keys = join(directory, "keys");
  await Deno.mkdir(keys);
  await Deno.copyFile(ca, join(keys, "ca.crt"));
  await Deno.copyFile(ca, join(keys, "splunk-ca.crt"));
  await Deno.copyFile(cert, join(keys, "client.crt"));
  await writeSecret(join(keys, "client.key"), await Deno.readTextFile(key));
  await writeSecret(
    join(keys, "splunk-authorization"),
    `${SPLUNK_AUTHORIZATION}\n`,
  );
}
