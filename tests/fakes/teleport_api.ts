/**
 * What the Teleport stand-in answers: the methods of the API over an audit log,
 * and what the fault dial makes of them.
 *
 * @module
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  EmptySchema,
  EventExportChunkSchema,
  type ExportUnstructuredEventsRequest,
  type GetEventExportChunksRequest,
  type GetUnstructuredEventsRequest,
  type LockV2,
  Order,
  PingResponseSchema,
  type StreamUnstructuredSessionEventsRequest,
} from "../../lib/teleport/proto/teleport_pb.ts";
import { systemClock } from "../../lib/clock.ts";
import type { AuditLog } from "./audit_log.ts";
import { CLUSTER_NAME, timeText } from "./log_event.ts";
import { hang } from "./never.ts";
import {
  emptyPage,
  type FoundPage,
  InvalidKeyError,
  type PageQuery,
  searchPage,
} from "./page_search.ts";
import { type Fault, FaultDial } from "./teleport_faults.ts";
import {
  type Method,
  METHODS,
  noRequests,
  type RequestOf,
  type Requests,
} from "./teleport_methods.ts";
import { CallError, type TeleportServer } from "./teleport_server.ts";
import { encodeEvent, encodeExported, encodePage } from "./wire.ts";

/** What was sent so far. */
export interface Served {
  readonly pages: number;
  readonly pageEvents: number;
  /** Streams that were begun. */
  readonly recordings: number;
  readonly recordingEvents: number;
  readonly chunks: number;
  readonly chunkEvents: number;
}

/** The cluster's version. */
export const SERVER_VERSION = "18.2.1";

const DEFAULT_LIMIT = 1_000;

/** The API; it outlives the servers that it is offered on. */
export class TeleportApi {
  readonly faults = new FaultDial();
  readonly requests: Requests = noRequests();
  /** Whether the methods of the bulk export are offered on the next server. */
  exportSupported: boolean;
  /** The locks that were made. */
  readonly locks: LockV2[] = [];
  readonly #log: AuditLog;
  readonly #cluster: string;
  readonly #served: { -readonly [Count in keyof Served]: Served[Count] } = {
    pages: 0,
    pageEvents: 0,
    recordings: 0,
    recordingEvents: 0,
    chunks: 0,
    chunkEvents: 0,
  };
  #openCalls = 0;

  constructor(
    log: AuditLog,
    { exportSupported, cluster = CLUSTER_NAME }: {
      readonly exportSupported: boolean;
      readonly cluster?: string | undefined;
    },
  ) {
    this.#log = log;
    this.exportSupported = exportSupported;
    this.#cluster = cluster;
  }

  /** How many requests are being answered, streams included. */
  get openCalls(): number {
    return this.#openCalls;
  }

  get served(): Served {
    return { ...this.#served };
  }

  /** Offers all methods on a server. */
  offer(server: TeleportServer): void {
    this.#unary(server, "GetUnstructuredEvents", (it) => this.#page(it));
    this.#unary(server, "Ping", () =>
      toBinary(
        PingResponseSchema,
        create(PingResponseSchema, {
          clusterName: this.#cluster,
          serverVersion: SERVER_VERSION,
        }),
      ));
    this.#unary(server, "UpsertLock", (it) => this.#lock(it));
    this.#stream(
      server,
      "StreamUnstructuredSessionEvents",
      (it) => this.#recording(it),
    );
    if (!this.exportSupported) return;
    this.#stream(server, "GetEventExportChunks", (it) => this.#chunks(it));
    this.#stream(server, "ExportUnstructuredEvents", (it) => this.#chunk(it));
  }

  #page(request: GetUnstructuredEventsRequest): Uint8Array {
    const query: PageQuery = {
      startUs: toMicros(request.startDate, Math.ceil),
      endUs: toMicros(request.endDate, Math.floor),
      types: request.eventTypes,
      limit: request.limit > 0 ? request.limit : DEFAULT_LIMIT,
      startKey: request.startKey,
      ascending: request.order === Order.ASCENDING,
    };
    const { positions, lastKey } = this.#findPage(query);
    this.#served.pages += 1;
    this.#served.pageEvents += positions.length;
    return encodePage(
      positions.map((position) => this.#log.encodedAt(position)),
      lastKey,
    );
  }

  #findPage(query: PageQuery): FoundPage {
    const { startKey } = query;
    const stuck = this.faults.stuckAt(startKey);
    if (stuck !== undefined) {
      return {
        positions: [],
        lastKey: stuck.lastKey === "same" ? startKey : "",
      };
    }
    try {
      if (this.faults.take("empty page")) return emptyPage(query);
      const page = searchPage(this.#log, query);
      this.#refuseTooLarge(query, page);
      return page;
    } catch (error) {
      if (!(error instanceof InvalidKeyError)) throw error;
      throw new CallError("INVALID_ARGUMENT", error.message);
    }
  }

  #refuseTooLarge({ limit }: PageQuery, { positions }: FoundPage): void {
    for (const fault of this.faults.all("page too large")) {
      const isTooLarge = fault.limit !== undefined && limit > fault.limit ||
        fault.id !== undefined &&
          positions.some((position) => this.#log.at(position).id === fault.id);
      if (!isTooLarge) continue;
      throw new CallError(
        fault.code ?? "RESOURCE_EXHAUSTED",
        "the page exceeds the maximum response size of 1048576 bytes",
      );
    }
  }

  /** As a real one: it looks at the lock only after the right to make it. */
  #lock(lock: LockV2): Uint8Array {
    const { metadata, spec } = lock;
    const { user = "", login = "" } = spec?.target ?? {};
    if (user === "" && login === "") {
      throw new CallError(
        "INVALID_ARGUMENT",
        "at least one target field must be set",
      );
    }
    if (!metadata?.name) {
      throw new CallError("INVALID_ARGUMENT", "missing parameter Name");
    }
    this.locks.push(lock);
    return toBinary(EmptySchema, create(EmptySchema));
  }

  *#recording(
    { sessionId, startIndex }: StreamUnstructuredSessionEventsRequest,
  ): Generator<Uint8Array> {
    const about = { stream: sessionId };
    this.#served.recordings += 1;
    const late = this.faults.take("late recording", about);
    if (late?.as === "empty") return;
    const recording = this.#log.recording(sessionId);
    if (late !== undefined || recording === undefined) {
      throw new CallError("NOT_FOUND", `recording ${sessionId} not found`);
    }
    const early = this.faults.take("early start", about)?.events ?? 0;
    const events = recording.events(startIndex - early);
    for (const event of this.#spoil(events, sessionId)) {
      yield encodeEvent(event);
      this.#served.recordingEvents += 1;
    }
  }

  *#chunks({ date }: GetEventExportChunksRequest): Generator<Uint8Array> {
    const timeUs = toMicros(date, Math.floor);
    const day = timeText(timeUs).slice(0, 10);
    for (const chunk of this.#spoil(this.#log.chunkNames(timeUs), day)) {
      const message = create(EventExportChunkSchema, { chunk });
      yield toBinary(EventExportChunkSchema, message);
    }
  }

  *#chunk(
    { date, chunk, cursor }: ExportUnstructuredEventsRequest,
  ): Generator<Uint8Array> {
    this.#served.chunks += 1;
    const events = this.#log.encodedChunk(chunk);
    const names = this.#log.chunkNames(toMicros(date, Math.floor));
    if (events === undefined || !names.includes(chunk)) {
      throw new CallError("NOT_FOUND", `chunk ${chunk} not found`);
    }
    // The cursor says how many events of the chunk came before.
    let before = Number(cursor);
    const rest = Iterator.from(events).drop(before);
    for (const event of this.#spoil(rest, chunk)) {
      before += 1;
      yield encodeExported(event, String(before));
      this.#served.chunkEvents += 1;
    }
  }

  /** A stream as it comes out of the fault dial. */
  #spoil<T>(items: Iterable<T>, stream: string): Iterable<T> {
    const fault = this.faults.take("cut", { stream }) ??
      this.faults.take("stall", { stream });
    return fault === undefined ? items : breakOff(items, fault);
  }

  #unary<M extends Method>(
    server: TeleportServer,
    method: M,
    answer: (request: RequestOf<M>) => Uint8Array,
  ): void {
    server.unary(METHODS[method].path, async (bytes, signal) => {
      this.#openCalls += 1;
      try {
        const request = this.#receive(method, bytes);
        await this.#misbehave(method, signal);
        return answer(request);
      } finally {
        this.#openCalls -= 1;
      }
    });
  }

  #stream<M extends Method>(
    server: TeleportServer,
    method: M,
    answer: (request: RequestOf<M>) => Iterable<Uint8Array>,
  ): void {
    const open = async function* (
      this: TeleportApi,
      bytes: Uint8Array,
      signal: AbortSignal,
    ) {
      this.#openCalls += 1;
      try {
        const request = this.#receive(method, bytes);
        await this.#misbehave(method, signal);
        yield* answer(request);
      } catch (error) {
        if (!(error instanceof StalledError)) throw error;
        await hang(signal);
      } finally {
        this.#openCalls -= 1;
      }
    };
    server.stream(METHODS[method].path, open.bind(this));
  }

  #receive<M extends Method>(method: M, bytes: Uint8Array): RequestOf<M> {
    const request = fromBinary(METHODS[method].request, bytes) as RequestOf<M>;
    this.requests[method].push(request);
    return request;
  }

  async #misbehave(method: Method, signal: AbortSignal): Promise<void> {
    const slow = this.faults.take("slow", { method });
    if (slow !== undefined) await systemClock.sleep(slow.delayMs, signal);
    const failure = this.faults.take("status", { method });
    if (failure !== undefined) {
      const { code, details = "as the fault dial says" } = failure;
      throw new CallError(code, details);
    }
    if (this.faults.take("hang", { method })) await hang(signal);
  }
}

/** The items up to where the fault says, and then what it says. */
function* breakOff<T>(
  items: Iterable<T>,
  fault: Extract<Fault, { kind: "cut" | "stall" }>,
): Generator<T> {
  let count = 0;
  for (const item of items) {
    if (count === fault.after) break;
    yield item;
    count += 1;
  }
  if (count !== fault.after) return;
  if (fault.kind === "stall") throw new StalledError();
  throw new CallError(fault.code ?? "UNAVAILABLE", "the stream was cut off");
}

/** From now on the stream says nothing. */
class StalledError extends Error {
  override readonly name = "StalledError";
}

function toMicros(
  timestamp: Timestamp | undefined,
  round: (nanos: number) => number,
): number {
  const { seconds = 0n, nanos = 0 } = timestamp ?? {};
  return Number(seconds) * 1_000_000 + round(nanos / 1_000);
}
