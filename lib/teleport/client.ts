/**
 * Teleport's API as the handler uses it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import {
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { EventBatch } from "../event.ts";
import type {
  Call,
  Channel,
  StreamCall,
  StreamOptions,
  UnaryOptions,
} from "./channel.ts";
import {
  type Cluster,
  Connection,
  type ConnectionOptions,
} from "./connection.ts";
import { TeleportError } from "./errors.ts";
import { decodePage, type Page } from "./decode_events.ts";
import {
  type ChunkEvents,
  DecodedMessages,
  ExportedEvents,
  RecordedEvents,
} from "./event_batches.ts";
import type { Identity } from "./identity.ts";
import { type Lock, LOCK_OF_NOBODY, toLockV2 } from "./lock.ts";
import {
  EmptySchema,
  EventExportChunkSchema,
  ExportUnstructuredEventsRequestSchema,
  GetEventExportChunksRequestSchema,
  GetUnstructuredEventsRequestSchema,
  LockV2Schema,
  Order,
  PingRequestSchema,
  PingResponseSchema,
  StreamUnstructuredSessionEventsRequestSchema,
} from "./proto/teleport_pb.ts";

/** What a range of the audit log is asked for. */
export interface PageRequest {
  /** Range from `startMs` up to, not including, `endMs`: milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** Only these event types; all where empty. */
  readonly types: readonly string[];
  /** Most events of the page. */
  readonly limit: number;
  /** The `last_key` of the page before; "" for the first. */
  readonly cursor: string;
  /** Whether to begin at the end of the range; default false. */
  readonly descending?: boolean;
}

/** A part of one day's events, and how far it was read. */
export interface ChunkRequest {
  /** Any time of the day in UTC, milliseconds since the epoch. */
  readonly dayMs: number;
  /** The chunk's name, as the day's list has it. */
  readonly chunk: string;
  /** The cursor that came with the last event that was read; "" for the first. */
  readonly cursor: string;
}

const AUDIT_LOG = "/teleport.auditlog.v1.AuditLogService";
const AUTH = "/proto.AuthService";

/** How long a cluster may take to say who it is once it is connected. */
const GREETING_TIMEOUT_MS = 15_000;
/**
 * How long a page may take: some servers look at each event of the range for those
 * that are asked for. At most, that is less than what counts as hanging.
 */
const PAGE_TIMEOUT_MS = 60_000;
const MAX_PAGE_TIMEOUT_MS = 4 * PAGE_TIMEOUT_MS;
/** Bulk export is tried with the day that is so far ahead, as the Go handler does. */
const PROBE_AHEAD_MS = 2 * 24 * 60 * 60_000;
/** The API asks for indices so high, and has events with higher ones. */
const MAX_START_INDEX = 2 ** 31 - 1;

/** Asks a cluster who it is. */
const PING: Call<typeof PingRequestSchema, Cluster> = {
  path: `${AUTH}/Ping`,
  requestSchema: PingRequestSchema,
  request: {},
  decode(bytes) {
    const answer = fromBinary(PingResponseSchema, bytes);
    return { name: answer.clusterName, version: answer.serverVersion };
  },
};

/** Teleport's auth service, reached in whatever way is open. */
export class TeleportClient implements Disposable {
  readonly #connection: Connection;
  #pageTimeoutMs = PAGE_TIMEOUT_MS;

  /**
   * @param options Nothing is connected before the first call
   * @throws {ConfigError} where the environment names an HTTP proxy that cannot be used
   */
  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options, greet);
  }

  /** The credentials in use: others after a renewal. */
  get identity(): Identity {
    return this.#connection.identity;
  }

  /**
   * Shows other credentials from now on, once they have proved to work; calls under
   * way end with the old ones. Only where those have expired, there is no trial.
   *
   * @throws {TeleportError} where they do not work
   * @throws `signal.reason`
   */
  async renew(identity: Identity, signal: AbortSignal): Promise<void> {
    await this.#connection.renew(identity, signal);
  }

  /**
   * Asks the cluster for its name and version.
   *
   * @throws {TeleportError}
   */
  async ping(signal: AbortSignal): Promise<Cluster> {
    return await this.#unary(PING, { signal });
  }

  /**
   * Asks for one page of the audit log, oldest first unless told otherwise. One that
   * does not come in time is waited for twice as long when it is asked for again.
   *
   * @throws {TeleportError}
   */
  async getEvents(request: PageRequest, signal: AbortSignal): Promise<Page> {
    const startedMs = performance.now();
    try {
      const page = await this.#unary({
        path: `${AUDIT_LOG}/GetUnstructuredEvents`,
        requestSchema: GetUnstructuredEventsRequestSchema,
        request: {
          namespace: "default",
          startDate: timestampFromMs(request.startMs),
          endDate: justBefore(request.endMs),
          eventTypes: [...request.types],
          limit: request.limit,
          startKey: request.cursor,
          order: request.descending ? Order.DESCENDING : Order.ASCENDING,
        },
        decode: decodePage,
      }, { signal, timeoutMs: this.#pageTimeoutMs });
      this.#allowPages(2 * (performance.now() - startedMs));
      return page;
    } catch (error) {
      if (
        error instanceof TeleportError && error.status === "DEADLINE_EXCEEDED"
      ) this.#allowPages(2 * this.#pageTimeoutMs);
      throw error;
    }
  }

  /**
   * Streams a session recording from the event with index `startIndex` on, or from
   * before it, where that is more than can be asked for.
   *
   * @param firstMs How long it may take until the first event; a minute by default
   * @throws {TeleportError} from the iteration
   */
  async *streamSessionEvents(
    sessionId: string,
    startIndex: number,
    signal: AbortSignal,
    firstMs?: number,
  ): AsyncGenerator<EventBatch> {
    yield* this.#stream({
      path: `${AUDIT_LOG}/StreamUnstructuredSessionEvents`,
      requestSchema: StreamUnstructuredSessionEventsRequestSchema,
      request: { sessionId, startIndex: Math.min(startIndex, MAX_START_INDEX) },
    }, { begin: () => new RecordedEvents(), firstMs, signal });
  }

  /** Whether the cluster has bulk export; not each kind of its storage allows it. */
  async hasExport(nowMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      // An empty day, whatever the clocks say.
      await this.listChunks(nowMs + PROBE_AHEAD_MS, signal);
      return true;
    } catch (error) {
      if (!(error instanceof TeleportError)) throw error;
      if (error.status === "UNIMPLEMENTED") return false;
      throw error;
    }
  }

  /**
   * Asks for the names of the chunks that a day's events are in. There may be
   * more of them later, and they come in no order.
   *
   * @param dayMs Any time of the day in UTC, milliseconds since the epoch
   * @throws {TeleportError} UNIMPLEMENTED where the server has no bulk export
   */
  async listChunks(dayMs: number, signal: AbortSignal): Promise<string[]> {
    const decode = decoderOf(EventExportChunkSchema);
    const batches = this.#stream({
      path: `${AUDIT_LOG}/GetEventExportChunks`,
      requestSchema: GetEventExportChunksRequestSchema,
      request: { date: timestampFromMs(dayMs) },
    }, { begin: () => new DecodedMessages(decode), signal });
    const names: string[] = [];
    for await (const batch of batches) {
      for (const { chunk } of batch) names.push(chunk);
    }
    return names;
  }

  /**
   * Streams a chunk's events from a cursor on, in batches of what has arrived.
   *
   * @throws {TeleportError} from the iteration
   */
  async *exportEvents(
    { dayMs, chunk, cursor }: ChunkRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ChunkEvents> {
    yield* this.#stream({
      path: `${AUDIT_LOG}/ExportUnstructuredEvents`,
      requestSchema: ExportUnstructuredEventsRequestSchema,
      request: { date: timestampFromMs(dayMs), chunk, cursor },
    }, { begin: () => new ExportedEvents(), signal });
  }

  /**
   * Locks a user's logins; a lock of the same user and login is replaced.
   *
   * @throws {TeleportError}
   */
  async upsertLock(lock: Lock, signal: AbortSignal): Promise<void> {
    await this.#unary(upsertLock(toLockV2(lock)), { signal });
  }

  /**
   * Asks whether we may lock users, and locks nobody: the server looks at the
   * right first, and then refuses a lock that is not of anybody.
   *
   * @throws {TeleportError} where we may not
   */
  async checkLockAccess(signal: AbortSignal): Promise<void> {
    try {
      await this.#unary(upsertLock(LOCK_OF_NOBODY), { signal });
    } catch (error) {
      if (!(error instanceof TeleportError)) throw error;
      if (error.status !== "INVALID_ARGUMENT") throw error;
    }
  }

  /** Takes no more calls, and closes the connection when those under way are over. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #allowPages(timeoutMs: number): void {
    this.#pageTimeoutMs = Math.min(
      Math.max(timeoutMs, PAGE_TIMEOUT_MS),
      MAX_PAGE_TIMEOUT_MS,
    );
  }

  async #unary<Request extends DescMessage, Answer>(
    call: Call<Request, Answer>,
    options: UnaryOptions,
  ): Promise<Answer> {
    const channel = await this.#connection.acquire(options.signal);
    try {
      const answer = await channel.unary(call, options);
      this.#connection.worked(channel);
      return answer;
    } catch (error) {
      this.#connection.failed(channel, error);
      throw error;
    }
  }

  async *#stream<Request extends DescMessage, Batch>(
    call: StreamCall<Request>,
    options: StreamOptions<Batch>,
  ): AsyncGenerator<Batch> {
    const channel = await this.#connection.acquire(options.signal);
    try {
      for await (const batch of channel.stream(call, options)) {
        this.#connection.worked(channel);
        yield batch;
      }
      this.#connection.worked(channel);
    } catch (error) {
      this.#connection.failed(channel, error);
      throw error;
    }
  }
}

function greet(channel: Channel, signal: AbortSignal): Promise<Cluster> {
  return channel.unary(PING, { signal, timeoutMs: GREETING_TIMEOUT_MS });
}

function upsertLock(
  request: MessageInitShape<typeof LockV2Schema>,
): Call<typeof LockV2Schema, unknown> {
  return {
    path: `${AUTH}/UpsertLock`,
    requestSchema: LockV2Schema,
    request,
    decode: decoderOf(EmptySchema),
  };
}

function decoderOf<Schema extends DescMessage>(
  schema: Schema,
): (bytes: Buffer) => MessageShape<Schema> {
  return (bytes) => fromBinary(schema, bytes);
}

/** The last nanosecond of a range: servers take both of its ends in. */
function justBefore(timeMs: number): Timestamp {
  const last = timestampFromMs(timeMs - 1);
  last.nanos += 999_999;
  return last;
}
