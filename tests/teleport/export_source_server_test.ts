import { systemClock } from "../../lib/clock.ts";
import type { ExportPosition } from "../../lib/event.ts";
import { TeleportClient } from "../../lib/teleport/client.ts";
import { dateOf } from "../../lib/teleport/export_position.ts";
import { ExportSource } from "../../lib/teleport/export_source.ts";
import { assert, assertEquals } from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { never } from "../fakes/never.ts";
import { startTeleport } from "../fakes/teleport.ts";
import type { Fault } from "../fakes/teleport_faults.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { identityOf } from "./identity_of.ts";

const DAY_MS = 24 * 60 * 60_000;
const START_MS = Date.now() - 3 * DAY_MS;
const SIZE = 3_000;

const FAULTS: readonly {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** Failures that are told of at least. */
  readonly failures: number;
}[] = [
  { name: "nothing goes wrong", faults: [], failures: 0 },
  {
    name: "each chunk and each list is cut, some of them twice",
    faults: [
      { kind: "cut", after: 70, times: 1 },
      { kind: "cut", after: 1, times: 1 },
    ],
    failures: 20,
  },
  {
    name: "chunks break at their first event",
    faults: [{ kind: "cut", after: 0, times: 1, code: "INTERNAL" }],
    failures: 10,
  },
  {
    name: "the server is away now and then",
    faults: [
      {
        kind: "status",
        code: "UNAVAILABLE",
        method: "ExportUnstructuredEvents",
        times: 7,
      },
      {
        kind: "status",
        code: "UNIMPLEMENTED",
        method: "GetEventExportChunks",
        times: 2,
      },
    ],
    failures: 9,
  },
];

for (const { name, faults, failures } of FAULTS) {
  Deno.test(`a server's chunks are read once and whole where ${name}`, async () => {
    const log = new AuditLog({
      size: SIZE,
      startMs: START_MS,
      spacingMs: 3 * DAY_MS / SIZE,
      exportChunkEvents: 150,
    });
    await using teleport = await startTeleport({ log, exportSupported: true });
    teleport.faults.add(...faults);
    using client = new TeleportClient({
      addresses: [teleport],
      identity: await identityOf(),
    });
    let failed = 0;
    const source = createSource(client, () => failed++);
    const ids: string[] = [];
    const stop = never();
    for await (const { events } of source.read(START, stop)) {
      ids.push(...events.map(({ id }) => id));
    }
    assertEquals(ids.length, SIZE);
    assertEquals(ids.sort(), [...log.ids()].sort());
    assert(failed >= failures, `${failed} failures`);
    await waitUntil("all streams to end", () => teleport.openCalls === 0);
  });
}

const START: ExportPosition = {
  kind: "export",
  days: { [dateOf(START_MS)]: { done: [], cursors: {} } },
  newest: null,
};

function createSource(
  client: TeleportClient,
  failed: () => void,
): ExportSource {
  return new ExportSource({
    listChunks: (dayMs, signal) => client.listChunks(dayMs, signal),
    exportEvents: (request, signal) => client.exportEvents(request, signal),
    types: [],
    startTime: new Date(START_MS).toISOString(),
    concurrency: 4,
    pollMs: 10,
    follow: false,
    policy: { initialMs: 10, maxMs: 100, timeoutMs: undefined },
    clock: systemClock,
    observer: { ...UNWATCHED.chunks, failed },
  });
}
