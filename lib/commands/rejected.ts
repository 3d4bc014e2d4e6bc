/**
 * `rejected list|retry|drop`: what a receiver refused for good.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { systemClock } from "../clock.ts";
import type { FluentdTarget, StateConfig } from "../config/config.ts";
import { ConfigError, describe } from "../errors.ts";
import { type AuditEvent, wholePayload } from "../event.ts";
import { DirectoryLock } from "../state/directory_lock.ts";
import type { RejectedEvent } from "../state/rejected.ts";
import { readRejected, removeRejected } from "../state/rejected_files.ts";
import { encodeStruct } from "../struct/encode_struct.ts";
import { ExitStatus } from "./exit_status.ts";
import { openFluentdSink } from "./fluentd_sink.ts";
import { print } from "./print.ts";
import { stateDirectory } from "./state_directory.ts";

type Where = Pick<StateConfig, "storage" | "addresses">;

/** `rejected list`: one line, or with `json` one JSON object, for each event. */
export async function runRejectedList(
  { storage, addresses }: Where,
  { json }: { json: boolean },
): Promise<number> {
  const events = await readRejected(stateDirectory(storage, addresses));
  print(
    events.map((event) => (json ? JSON.stringify(event) : formatLine(event)))
      .map((line) => `${line}\n`).join(""),
  );
  return ExitStatus.Done;
}

/** `rejected drop`: deletes the events with these ids. */
export async function runRejectedDrop(
  { storage, addresses }: Where,
  ids: readonly string[],
): Promise<number> {
  const directory = stateDirectory(storage, addresses);
  using _lock = await DirectoryLock.acquire(directory, systemClock.now());
  const wanted = findWanted(await readRejected(directory), ids);
  const removed = await removeRejected(directory, ({ id }) => wanted.has(id));
  print(`${removed} dropped\n`);
  return ExitStatus.Done;
}

/**
 * `rejected retry`: sends events again, one at a time, and takes those off the
 * list that arrive. What is refused again stays, and its reason is printed.
 */
export async function runRejectedRetry(
  { storage, fluentd }: FluentdTarget,
  options: {
    addresses: Where["addresses"];
    ids: readonly string[];
    kill: AbortSignal;
  },
): Promise<number> {
  const clock = systemClock;
  const directory = stateDirectory(storage, options.addresses);
  using _lock = await DirectoryLock.acquire(directory, clock.now());
  const events = await readRejected(directory);
  const wanted = findWanted(events, options.ids);
  const { sink } = await openFluentdSink(fluentd, { clock });
  // By their text: an event may have been set aside more than once.
  const delivered = new Set<string>();
  let refused = 0;
  try {
    for (const event of events.filter(({ id }) => wanted.has(id))) {
      try {
        if (event.between !== undefined) {
          throw new Error(
            "Teleport has not sent it, so there is nothing to send",
          );
        }
        await sink.send(event.destination, [toAuditEvent(event)], options.kill);
        delivered.add(JSON.stringify(event));
      } catch (error) {
        if (options.kill.aborted) throw error;
        refused++;
        print(`${event.id}: ${describe(error)}\n`);
      }
    }
  } finally {
    sink.close();
    await removeRejected(
      directory,
      (event) => delivered.has(JSON.stringify(event)),
    );
  }
  print(`${delivered.size} delivered, ${refused} still refused\n`);
  return refused === 0 ? ExitStatus.Done : ExitStatus.SetAside;
}

/** The ids that are meant: those given, which must be there, or all. */
function findWanted(
  events: readonly RejectedEvent[],
  ids: readonly string[],
): ReadonlySet<string> {
  const known = new Set(events.map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new ConfigError(
      unknown.map((id) => `no event with the id ${id} is set aside`),
    );
  }
  return ids.length === 0 ? known : new Set(ids);
}

function toAuditEvent(rejected: RejectedEvent): AuditEvent {
  const { type, id, event, payload } = rejected;
  return {
    type,
    id,
    timeMs: 0,
    index: 0,
    ...wholePayload(
      payload === undefined
        ? encodeStruct(event ?? null)
        : Buffer.from(payload, "base64"),
    ),
    sessionId: undefined,
  };
}

function formatLine({ time, id, type, reason }: RejectedEvent): string {
  return `${time}  ${id === "" ? "(no id)" : id}  ${type}  ${reason}`;
}
