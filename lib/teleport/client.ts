/**
 * Teleport's API as the handler uses it. The only file that knows grpc-js.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Client,
  type ClientReadableStream,
  credentials,
  type ServiceError,
  status as grpcStatus,
} from "@grpc/grpc-js";
import type { AuditEvent } from "../event.ts";
import { guardHttp2 } from "../vendor/http2_guard.ts";
import { toAuditEvent } from "./audit_event.ts";
import { explainFailure, type StatusName, TeleportError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { type Lock, toLockV2 } from "./lock.ts";
import { batchesOf } from "./stream_batches.ts";
import {
  EmptySchema,
  EventExportChunkSchema,
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
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
}

/** One page of the audit log. */
export interface Page {
  readonly events: readonly AuditEvent[];
  /** Where the next page begins; "" where there is none yet. */
  readonly lastKey: string;
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

/** Some events of a chunk, in its order. */
export interface ChunkEvents {
  readonly events: readonly AuditEvent[];
  /** Where the chunk goes on behind them. */
  readonly cursor: string;
}

/** What a cluster says of itself. */
export interface Cluster {
  readonly name: string;
  readonly version: string;
}

/** The name in the certificate of every auth server, whatever its address. */
const AUTH_SERVER_NAME = "teleport.cluster.local";
const AUDIT_LOG = "/teleport.auditlog.v1.AuditLogService";
const AUTH = "/proto.AuthService";

const CALL_TIMEOUT_MS = 60_000;
/** A stream that says nothing for so long, while we wait for it, is dead. */
const STREAM_STALL_MS = 60_000;
const STALL_CHECK_MS = 5_000;
/** Bulk export is tried with the day that is so far ahead, as the Go handler does. */
const PROBE_AHEAD_MS = 2 * 24 * 60 * 60_000;
/** What of a stream is held until it is asked for, so that memory stays flat. */
const MAX_STREAM_ITEMS = 500;
const MAX_STREAM_BYTES = 1024 * 1024;
/** gRPC's default of 4 MiB is what servers send by default; events may exceed it. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** HTTP/2's default of 64 KiB has a page of 600 KiB wait ten times for leave to go on. */
const FLOW_CONTROL_WINDOW_BYTES = 4 * 1024 * 1024;
/** Retries are ours to time: the channel only has to be ready for them. */
const RECONNECT_MS = 500;
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** A connection to Teleport's auth service. */
export class TeleportClient {
  readonly #client: Client;
  readonly #address: string;
  readonly #identity: Identity;

  /** @param address `host:port` of the auth service, dialled on first use */
  constructor(address: string, identity: Identity) {
    guardHttp2();
    this.#address = address;
    this.#identity = identity;
    this.#client = new Client(
      address,
      credentials.createSsl(
        Buffer.from(identity.authorities.join("\n")),
        Buffer.from(identity.privateKey),
        Buffer.from(identity.certificate.pem),
      ),
      {
        "grpc.ssl_target_name_override": AUTH_SERVER_NAME,
        "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
        "grpc.initial_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.max_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.keepalive_time_ms": KEEPALIVE_MS,
        "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
        "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW_BYTES,
        "grpc.enable_retries": 0,
        "grpc.service_config_disable_resolution": 1,
      },
    );
  }

  /**
   * Asks the cluster for its name and version.
   *
   * @throws {TeleportError}
   */
  async ping(signal: AbortSignal): Promise<Cluster> {
    const answer = await this.#unary(
      `${AUTH}/Ping`,
      PingRequestSchema,
      {},
      PingResponseSchema,
      signal,
    );
    return { name: answer.clusterName, version: answer.serverVersion };
  }

  /**
   * Asks for one page of the audit log, oldest first.
   *
   * @throws {TeleportError}
   */
  async getEvents(request: PageRequest, signal: AbortSignal): Promise<Page> {
    const answer = await this.#unary(
      `${AUDIT_LOG}/GetUnstructuredEvents`,
      GetUnstructuredEventsRequestSchema,
      {
        namespace: "default",
        startDate: timestampFromMs(request.startMs),
        endDate: justBefore(request.endMs),
        eventTypes: [...request.types],
        limit: request.limit,
        startKey: request.cursor,
        order: Order.ASCENDING,
      },
      EventsUnstructuredSchema,
      signal,
    );
    return { events: answer.items.map(toAuditEvent), lastKey: answer.lastKey };
  }

  /**
   * Streams a session recording from the event with index `startIndex` on.
   *
   * @throws {TeleportError} from the iteration
   */
  async *streamSessionEvents(
    sessionId: string,
    startIndex: number,
    signal: AbortSignal,
  ): AsyncGenerator<AuditEvent> {
    const batches = this.#stream(
      `${AUDIT_LOG}/StreamUnstructuredSessionEvents`,
      StreamUnstructuredSessionEventsRequestSchema,
      { sessionId, startIndex },
      EventUnstructuredSchema,
      { sizeOf: ({ unstructured }) => unstructured.length, signal },
    );
    for await (const events of batches) {
      for (const event of events) {
        signal.throwIfAborted();
        yield toAuditEvent(event);
      }
    }
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
    const batches = this.#stream(
      `${AUDIT_LOG}/GetEventExportChunks`,
      GetEventExportChunksRequestSchema,
      { date: timestampFromMs(dayMs) },
      EventExportChunkSchema,
      { sizeOf: ({ chunk }) => chunk.length, signal },
    );
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
    const batches = this.#stream(
      `${AUDIT_LOG}/ExportUnstructuredEvents`,
      ExportUnstructuredEventsRequestSchema,
      { date: timestampFromMs(dayMs), chunk, cursor },
      ExportEventUnstructuredSchema,
      { sizeOf: ({ event }) => event?.unstructured.length ?? 0, signal },
    );
    for await (const batch of batches) {
      const events: AuditEvent[] = [];
      for (const { event } of batch) {
        if (event !== undefined) events.push(toAuditEvent(event));
      }
      yield { events, cursor: batch.at(-1)?.cursor ?? cursor };
    }
  }

  /**
   * Locks a user's logins; a lock of the same user and login is replaced.
   *
   * @throws {TeleportError}
   */
  async upsertLock(lock: Lock, signal: AbortSignal): Promise<void> {
    await this.#unary(
      `${AUTH}/UpsertLock`,
      LockV2Schema,
      toLockV2(lock),
      EmptySchema,
      signal,
    );
  }

  /** Takes no more calls, and closes the connection when those under way are over. */
  close(): void {
    this.#client.close();
  }

  #unary<Request extends DescMessage, Answer extends DescMessage>(
    path: string,
    requestSchema: Request,
    request: MessageInitShape<Request>,
    answerSchema: Answer,
    signal: AbortSignal,
  ): Promise<MessageShape<Answer>> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        serialize(requestSchema),
        deserialize(answerSchema),
        create(requestSchema, request),
        { deadline: Date.now() + CALL_TIMEOUT_MS },
        (error, answer) => {
          signal.removeEventListener("abort", abort);
          if (answer !== undefined) resolve(answer);
          else if (signal.aborted) reject(signal.reason);
          else reject(this.#explain(path, error));
        },
      );
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  async *#stream<Request extends DescMessage, Item extends DescMessage>(
    path: string,
    requestSchema: Request,
    request: MessageInitShape<Request>,
    itemSchema: Item,
    { sizeOf, signal }: {
      sizeOf: (item: MessageShape<Item>) => number;
      signal: AbortSignal;
    },
  ): AsyncGenerator<MessageShape<Item>[]> {
    signal.throwIfAborted();
    const call: ClientReadableStream<MessageShape<Item>> = this.#client
      .makeServerStreamRequest(
        path,
        serialize(requestSchema),
        deserialize(itemSchema),
        create(requestSchema, request),
      );
    const abort = () => call.cancel();
    signal.addEventListener("abort", abort, { once: true });
    // Not reading is our own back-pressure; only waiting can be a stall.
    let waitingSinceMs = Date.now();
    let stalled = false;
    const stallTimer = setInterval(() => {
      stalled = Date.now() - waitingSinceMs > STREAM_STALL_MS;
      if (stalled) call.cancel();
    }, STALL_CHECK_MS);
    try {
      const batches = batchesOf(call, {
        maxItems: MAX_STREAM_ITEMS,
        maxBytes: MAX_STREAM_BYTES,
        sizeOf,
      });
      for await (const batch of batches) {
        waitingSinceMs = Infinity;
        yield batch;
        waitingSinceMs = Date.now();
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (stalled) {
        throw new TeleportError(
          `Teleport at ${this.#address}: ${
            methodOf(path)
          }: the stream said nothing for ${STREAM_STALL_MS / 1000} s`,
          "DEADLINE_EXCEEDED",
        );
      }
      throw this.#explain(path, error);
    } finally {
      clearInterval(stallTimer);
      signal.removeEventListener("abort", abort);
      call.cancel();
    }
  }

  #explain(path: string, error: unknown): Error {
    if (!isServiceError(error)) {
      return new TeleportError(
        `Teleport at ${this.#address}: ${methodOf(path)}: ${error}`,
        "UNKNOWN",
        { cause: error },
      );
    }
    return explainFailure(
      {
        method: methodOf(path),
        address: this.#address,
        status: statusName(error.code),
        details: error.details,
      },
      this.#identity.certificate,
      Date.now(),
    );
  }
}

function serialize<Schema extends DescMessage>(
  schema: Schema,
): (message: MessageShape<Schema>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserialize<Schema extends DescMessage>(
  schema: Schema,
): (bytes: Uint8Array) => MessageShape<Schema> {
  return (bytes) => fromBinary(schema, bytes);
}

/** The last nanosecond of a range: servers take both of its ends in. */
function justBefore(timeMs: number): Timestamp {
  const last = timestampFromMs(timeMs - 1);
  last.nanos += 999_999;
  return last;
}

function methodOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error &&
    typeof error.code === "number" && typeof error.details === "string";
}

function statusName(code: number): StatusName {
  return (grpcStatus[code] ?? "UNKNOWN") as StatusName;
}
