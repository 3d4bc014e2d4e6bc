import type { AuditEvent } from "../../lib/event.ts";
import { TeleportClient } from "../../lib/teleport/client.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { withPayload } from "../fakes/audit_events.ts";
import { AuditLog, type AuditLogOptions } from "../fakes/audit_log.ts";
import { logEvent } from "../fakes/log_event.ts";
import { startTeleport, type TeleportStandIn } from "../fakes/teleport.ts";
import { waitUntil, waitUntilStill } from "../fakes/wait_until.ts";
import { never } from "../fakes/never.ts";
import { identityOf } from "./identity_of.ts";

const DAY_MS = 24 * 60 * 60_000;
const START_MS = Date.UTC(2026, 0, 1);

Deno.test("a cluster says whether it has bulk export, by a day without events", async () => {
  for (const exportSupported of [true, false]) {
    await withTeleport({ exportSupported }, async ({ client, teleport }) => {
      const nowMs = Date.UTC(2026, 4, 30, 23);
      assertEquals(await client.hasExport(nowMs, never()), exportSupported);
      const days = teleport.requests.GetEventExportChunks
        .map(({ date }) => Number(date?.seconds) * 1_000);
      assertEquals(days, exportSupported ? [nowMs + 2 * DAY_MS] : []);
    });
  }
});

Deno.test("another failure than UNIMPLEMENTED says nothing of bulk export", async () => {
  await withTeleport({}, async ({ client, teleport }) => {
    teleport.faults.add({ kind: "status", code: "PERMISSION_DENIED" });
    await assertRejects(
      () => client.hasExport(START_MS, never()),
      TeleportError,
      'the role needs the rule "event: list, read"',
    );
  });
});

Deno.test("a day's chunks are listed, whatever the time of the day", async () => {
  const log = { size: 700, spacingMs: 200_000, exportChunkEvents: 100 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    for (const offsetMs of [0, 1, DAY_MS - 1]) {
      assertEquals(
        await client.listChunks(START_MS + offsetMs, never()),
        teleport.log.chunkNames(START_MS * 1_000),
      );
    }
    const empty = START_MS + 9 * DAY_MS;
    assertEquals(await client.listChunks(empty, never()), []);
  });
});

Deno.test("a list that is cut is no list", async () => {
  const log = { size: 700, exportChunkEvents: 100 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    teleport.faults.add({ kind: "cut", after: 3, stream: "2026-01-01" });
    await assertRejects(
      () => client.listChunks(START_MS, never()),
      TeleportError,
      "GetEventExportChunks",
    );
  });
});

Deno.test("a chunk comes whole, and from each cursor on what is behind it", async () => {
  const log = { size: 1_500, exportChunkEvents: 1_500 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    const [chunk = ""] = await client.listChunks(START_MS, never());
    const read = async (cursor: string) => {
      const ids: string[] = [];
      const request = { dayMs: START_MS, chunk, cursor };
      for await (const batch of client.exportEvents(request, never())) {
        assert(batch.events.length > 0 && batch.events.length <= 500);
        ids.push(...batch.events.map(({ id }) => id));
        cursor = batch.cursor;
      }
      return { ids, cursor };
    };
    const { ids, cursor } = await read("");
    assertEquals(ids.toSorted(), [...teleport.log.ids()].sort());
    assertEquals((await read("700")).ids, ids.slice(700));
    assertEquals((await read(cursor)).ids, []);
  });
});

Deno.test("events of a chunk are whole", async () => {
  const log = { size: 50, uploadEvery: 5 };
  await withTeleport({ log }, async ({ client }) => {
    const { events } = await client.getEvents({
      startMs: START_MS,
      endMs: START_MS + DAY_MS,
      types: [],
      limit: 100,
      cursor: "",
    }, never());
    const [chunk = ""] = await client.listChunks(START_MS, never());
    const request = { dayMs: START_MS, chunk, cursor: "" };
    const batches = await Array.fromAsync(
      client.exportEvents(request, never()),
    );
    const exported = batches.flatMap(({ events }) => events);
    const byId = (events: readonly AuditEvent[]) =>
      events.toSorted((a, b) => a.id < b.id ? -1 : 1).map(withPayload);
    assertEquals(byId(exported), byId(events));
    assert(exported.some(({ sessionId }) => sessionId !== undefined));
  });
});

Deno.test("a chunk that is cut goes on behind the cursor of what came before", async () => {
  const log = { size: 300 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    const [chunk = ""] = await client.listChunks(START_MS, never());
    teleport.faults.add({ kind: "cut", after: 120, times: 1 });
    const ids: string[] = [];
    let cursor = "";
    const read = async () => {
      const request = { dayMs: START_MS, chunk, cursor };
      for await (const batch of client.exportEvents(request, never())) {
        ids.push(...batch.events.map(({ id }) => id));
        cursor = batch.cursor;
      }
    };
    await assertRejects(read, TeleportError, "ExportUnstructuredEvents");
    assert(ids.length < 300);
    await read();
    assertEquals(ids.toSorted(), [...teleport.log.ids()].sort());
  });
});

Deno.test("chunks that are left early, or stopped, are cancelled", async () => {
  const log = { size: 20_000, exportChunkEvents: 20_000 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    const [chunk = ""] = await client.listChunks(START_MS, never());
    const request = { dayMs: START_MS, chunk, cursor: "" };
    for await (const _ of client.exportEvents(request, never())) {
      assertEquals(teleport.openCalls, 1);
      break;
    }
    await waitUntil("the stream's end", () => teleport.openCalls === 0);
    teleport.faults.add({ kind: "stall", after: 10 });
    const stop = new AbortController();
    const reason = new Error("stopped");
    let events = 0;
    await assertRejects(
      async () => {
        for await (
          const batch of client.exportEvents(request, stop.signal)
        ) {
          events += batch.events.length;
          if (events === 10) stop.abort(reason);
        }
      },
      Error,
      "stopped",
    );
    await waitUntil("the stream's end", () => teleport.openCalls === 0);
  });
});

Deno.test("while nobody asks, a chunk is not read on and on", async () => {
  const log = { size: 40_000, exportChunkEvents: 40_000 };
  await withTeleport({ log }, async ({ client, teleport }) => {
    const [chunk = ""] = await client.listChunks(START_MS, never());
    const request = { dayMs: START_MS, chunk, cursor: "" };
    const batches = client.exportEvents(request, never());
    await batches.next();
    await untilHeldUp(teleport);
    const { chunkEvents } = teleport.served;
    assert(chunkEvents < 30_000, String(chunkEvents));
    await batches.return(undefined);
    await waitUntil("the stream's end", () => teleport.openCalls === 0);
  });
});

Deno.test("while nobody asks, only a few large events of a chunk are held", async () => {
  await withTeleport({}, async ({ client, teleport }) => {
    const fields = { data: "x".repeat(1024 * 1024) };
    teleport.log.append(
      ...Array.from(
        { length: 40 },
        (_, i) => logEvent("exec", { timeMs: START_MS + i, fields }),
      ),
    );
    const [chunk = ""] = await client.listChunks(START_MS, never());
    const request = { dayMs: START_MS, chunk, cursor: "" };
    const batches = client.exportEvents(request, never());
    const first = await batches.next();
    await untilHeldUp(teleport);
    const { chunkEvents } = teleport.served;
    assert(chunkEvents < 15, String(chunkEvents));
    let events = first.value?.events.length ?? 0;
    for await (const batch of batches) events += batch.events.length;
    assertEquals(events, 40);
  });
});

/** Until the server sends no more of a chunk, as nobody takes it. */
async function untilHeldUp(teleport: TeleportStandIn): Promise<void> {
  await waitUntilStill(
    "the server to be held up",
    () => teleport.served.chunkEvents,
  );
}

async function withTeleport(
  { log, exportSupported = true }: {
    log?: AuditLogOptions;
    exportSupported?: boolean;
  },
  use: (
    connected: { teleport: TeleportStandIn; client: TeleportClient },
  ) => Promise<void>,
): Promise<void> {
  await using teleport = await startTeleport({
    log: new AuditLog({ startMs: START_MS, exportChunkEvents: 1_000, ...log }),
    exportSupported,
  });
  using client = new TeleportClient({
    addresses: [teleport],
    identity: await identityOf(),
  });
  await client.ping(never());
  await use({ teleport, client });
}
