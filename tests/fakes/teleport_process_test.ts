import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { AuditLog } from "./audit_log.ts";
import { withDirectory } from "./directory.ts";
import { logEvent } from "./log_event.ts";
import { writeTeleportPki } from "./pki_files.ts";
import { callTeleport, type TeleportCaller } from "./teleport_caller.ts";
import { startTeleportProcess } from "./teleport_process.ts";

Deno.test("a process of its own serves the log that its options say, and obeys", async () => {
  await withDirectory(async (directory) => {
    const { server } = await writeTeleportPki(directory);
    const options = { seed: 3, size: 500, uploadEvery: 50 };
    const log = new AuditLog(options);
    await using teleport = await startTeleportProcess({
      ...options,
      ...server,
      prepare: true,
    });
    await using caller = await callTeleport(teleport);
    assertEquals(await allIds(caller), [...log.ids()]);

    const made = logEvent("exec", { timeMs: Date.UTC(2026, 5, 1) });
    await teleport.grow(5);
    await teleport.append(made);
    log.grow(5);
    log.append(made);
    assertEquals(await allIds(caller), [...log.ids()]);

    const [sessionId = ""] = log.sessionIds();
    await teleport.resizeRecording(sessionId, 123);
    const recording = await Array.fromAsync(
      caller.stream("StreamUnstructuredSessionEvents", { sessionId }),
    );
    assertEquals(recording.length, 123);

    await teleport.setFaults({ kind: "status", code: "INTERNAL", times: 1 });
    await assertRejects(() => caller.ask("Ping", {}), Error, "INTERNAL");
    await teleport.setFaults();
    await caller.ask("UpsertLock", {
      metadata: { name: "a-lock" },
      spec: { target: { user: "bob" } },
    });
    await teleport.stop();
    await assertRejects(() => caller.ask("Ping", {}), Error, "UNAVAILABLE");
    await teleport.start();
    await teleport.restart();

    const { served, ...report } = await teleport.report();
    assertEquals([served.pageEvents, served.recordingEvents], [1_006, 123]);
    assertEquals(report, {
      size: 506,
      openCalls: 0,
      requests: {
        GetUnstructuredEvents: 2,
        StreamUnstructuredSessionEvents: 1,
        GetEventExportChunks: 0,
        ExportUnstructuredEvents: 0,
        Ping: 1,
        UpsertLock: 1,
      },
      locks: ["a-lock"],
    });
  });
});

Deno.test("a process that is killed is gone, and can be started again on its port", async () => {
  await withDirectory(async (directory) => {
    const { server } = await writeTeleportPki(directory);
    await using first = await startTeleportProcess({ ...server, size: 3 });
    const { port } = first;
    await first.kill();
    const error = await assertRejects(() => first.report(), Error);
    assertStringIncludes(error.message, "ended");
    await using second = await startTeleportProcess({
      ...server,
      size: 3,
      port,
    });
    assert(second.pid !== first.pid);
    await using caller = await callTeleport(first);
    assertEquals((await allIds(caller)).length, 3);
  });
});

async function allIds(caller: TeleportCaller): Promise<string[]> {
  const { items, lastKey } = await caller.ask("GetUnstructuredEvents", {
    startDate: { seconds: 0n, nanos: 0 },
    endDate: { seconds: BigInt(Date.UTC(2030, 0) / 1_000), nanos: 0 },
    limit: 1_000,
    order: 1,
  });
  assertEquals(lastKey, "");
  return items.map(({ id }) => id);
}
