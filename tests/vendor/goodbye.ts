/**
 * Calls a Teleport that says GOAWAY again and again: what Deno's own HTTP/2 does
 * then ends the whole process, and so this is one of its own.
 *
 * @module
 */

import { AuditLog } from "../fakes/audit_log.ts";
import { startTeleport } from "../fakes/teleport.ts";
import { callTeleport } from "../fakes/teleport_caller.ts";

const ROUNDS = 60;

await using teleport = await startTeleport({ log: new AuditLog() });
for (let round = 0; round < ROUNDS; round++) {
  await using caller = await callTeleport(teleport);
  await caller.ask("Ping", {});
  await teleport.restart({ goodbye: true });
}
await Deno.stdout.write(new TextEncoder().encode("survived\n"));
