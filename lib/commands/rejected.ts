/**
 * `rejected list|retry|drop`: what a receiver refused for good.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { systemClock } from "../clock.ts";
import type {
  DeliveryConfig,
  LogConfig,
  StateConfig,
} from "../config/config.ts";
import {
  ConfigError,
  describe,
  GaveUpError,
  RejectedError,
} from "../errors.ts";
import { type AuditEvent, wholePayload } from "../event.ts";
import { setUpLogging } from "../log.ts";
import { StateError } from "../state/document.ts";
import { DirectoryLock } from "../state/directory_lock.ts";
import type { RejectedEvent } from "../state/rejected.ts";
import { readRejected, removeRejected } from "../state/rejected_files.ts";
import type { FluentdSink } from "../fluentd/sink.ts";
import { encodeStruct } from "../struct/encode_struct.ts";
import { ExitStatus } from "./exit_status.ts";
import { openFluentdSink } from "./fluentd_sink.ts";
import { print, tell } from "./print.ts";
import { printable } from "../printable.ts";
import { settleNetwork } from "./network.ts";
import { existingDirectory } from "./state_directory.ts";

/** `rejected list`: one line, or with `json` one JSON object, for each event. */
export async function runRejectedList(
  { storage, addresses }: StateConfig,
  { json }: { json: boolean },
): Promise<number> {
  const directory = await existingDirectory(storage, addresses);
  for await (const event of readRejected(directory)) {
    const line = json ? JSON.stringify(event) : printable(formatLine(event));
    print(`${line}\n`);
  }
  return ExitStatus.Done;
}

/** `rejected drop`: deletes the events with these ids. */
export async function runRejectedDrop(
  { storage, addresses }: StateConfig,
  ids: readonly string[],
): Promise<number> {
  const directory = await existingDirectory(storage, addresses);
  using _lock = await DirectoryLock.acquire(directory, systemClock.now());
  const removed = await removeRejected(
    directory,
    await findWanted(directory, ids),
  );
  print(`${removed} dropped\n`);
  return ExitStatus.Done;
}

/**
 * `rejected retry`: sends events again, one at a time, and takes those off the
 * list that arrive. What is refused again stays, and its reason is printed.
 *
 * @throws {GaveUpError} where the receiver does not say what becomes of one
 */
export async function runRejectedRetry(
  delivery: DeliveryConfig,
  options: {
    addresses: StateConfig["addresses"];
    ids: readonly string[];
    log: LogConfig;
    kill: AbortSignal;
  },
): Promise<number> {
  await setUpLogging({ ...options.log, write: tell });
  const { storage, fluentd } = delivery;
  const clock = systemClock;
  const directory = await existingDirectory(storage, options.addresses);
  using _lock = await DirectoryLock.acquire(directory, clock.now());
  const isWanted = await findWanted(directory, options.ids);
  settleNetwork([], delivery);
  const { sink } = await openFluentdSink(fluentd, { clock });
  // By their text: an event may have been set aside more than once.
  const delivered = new Set<string>();
  let refused = 0;
  try {
    for await (const event of readRejected(directory)) {
      if (!isWanted(event)) continue;
      const reason = await refusal(event, sink, options.kill);
      if (reason === undefined) {
        delivered.add(digestOf(event));
      } else {
        refused++;
        print(printable(`${idOf(event)}: ${reason}`) + "\n");
      }
    }
  } catch (error) {
    if (options.kill.aborted) throw error;
    throw new GaveUpError(
      `${delivered.size} delivered, ${refused} still refused; the others could not be sent and stay set aside`,
      { cause: error },
    );
  } finally {
    sink.close();
    await takeOffList(directory, delivered);
  }
  print(`${delivered.size} delivered, ${refused} still refused\n`);
  return refused === 0 ? ExitStatus.Done : ExitStatus.SetAside;
}

/** @param delivered Digests of the events that are not to be sent again */
async function takeOffList(
  directory: string,
  delivered: ReadonlySet<string>,
): Promise<void> {
  try {
    await removeRejected(directory, (event) => delivered.has(digestOf(event)));
  } catch (cause) {
    throw new StateError(
      `${delivered.size} delivered, but what stays on the list would be sent again`,
      { cause },
    );
  }
}

/** Why an event is not taken; undefined: it is delivered. */
async function refusal(
  event: RejectedEvent,
  sink: FluentdSink,
  kill: AbortSignal,
): Promise<string | undefined> {
  if (event.between !== undefined) {
    return "Teleport has not sent it, so there is nothing to send";
  }
  try {
    await sink.send(event.destination, [toAuditEvent(event)], kill);
    return undefined;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return describe(error);
  }
}

/**
 * Which events are meant: those with the ids given, which must be there, or all.
 * Everything is read once for it: of files that are damaged, nothing is sent.
 */
async function findWanted(
  directory: string,
  ids: readonly string[],
): Promise<(event: RejectedEvent) => boolean> {
  const unknown = new Set(ids);
  for await (const event of readRejected(directory)) {
    unknown.delete(idOf(event));
  }
  if (unknown.size > 0) {
    throw new ConfigError(
      [...unknown].map((id) => `no event with the id ${id} is set aside`),
    );
  }
  const wanted = new Set(ids);
  return (event) => wanted.size === 0 || wanted.has(idOf(event));
}

/** Stands for the text of an event, of which there may be more than memory. */
function digestOf(event: RejectedEvent): string {
  return createHash("sha256").update(JSON.stringify(event)).digest("base64");
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

function formatLine(event: RejectedEvent): string {
  const { time, type, reason } = event;
  return `${time}  ${idOf(event)}  ${type}  ${reason}`;
}

/** What an event is called here; Teleport gives some of a recording's none. */
function idOf({ id }: RejectedEvent): string {
  return id === "" ? "(no id)" : id;
}
