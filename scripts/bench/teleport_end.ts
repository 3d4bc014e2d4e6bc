/**
 * Teleport as a benchmark needs it: what it answers is encoded beforehand, and
 * gRPC is spoken by hand, so that what is measured is the reader. One JSON
 * argument, {@linkcode TeleportOptions}; see `json_lines_process.ts` for the rest.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  EventExportChunkSchema,
  ExportUnstructuredEventsRequestSchema,
  GetEventExportChunksRequestSchema,
  GetUnstructuredEventsRequestSchema,
  PingResponseSchema,
  StreamUnstructuredSessionEventsRequestSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import { grpcMessage } from "../../tests/fakes/grpc_message.ts";
import { obeyJsonLines } from "../../tests/fakes/json_lines_process.ts";
import { listening } from "../../tests/fakes/listening.ts";
import { type Call, GrpcConnection } from "./grpc_server.ts";
import {
  type EncodedEvent,
  EncodedPage,
  EncodedPart,
  encodeEvent,
  exportedMessage,
  POOL,
  sampleEvent,
  SPACING_MS,
  uploadEvent,
} from "./sample_log.ts";

/** The log, and paths of what to serve it with. */
export interface TeleportOptions {
  /** Time of the first event, milliseconds since the epoch. */
  readonly startMs: number;
  /** How many events there are, where there are no recordings. */
  readonly events: number;
  /** How many events each recording has: the log holds their announcements alone. */
  readonly recordings: readonly number[];
  /** How many events each chunk of a bulk export has; 0: there is none. */
  readonly chunkEvents: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The first line on standard output. */
export interface TeleportReady {
  readonly address: string;
}

/** The id of the recording at that place in the list. */
export function sessionIdOf(place: number): string {
  return `7c3f0000-0000-4000-8000-${String(place).padStart(12, "0")}`;
}

/** Events of a stream that are written at once. */
const STREAM_PART = 100;
const DAY_MS = 24 * 60 * 60_000;

class Log {
  readonly #options: TeleportOptions;
  readonly #length: number;
  /** By size; each begins with the first event of the pool. */
  readonly #pages = new Map<number, EncodedPage>();
  readonly #pool: readonly EncodedEvent[];
  /** By place in the pool and size: what recordings are made of. */
  readonly #parts = new Map<string, EncodedPart>();
  /** By place in the pool: what chunks are made of. */
  readonly #exported = new Map<number, Buffer>();

  constructor(options: TeleportOptions) {
    this.#options = options;
    this.#length = options.recordings.length || options.events;
    this.#pool = options.recordings.length > 0
      ? options.recordings.map((_, i) =>
        encodeEvent(uploadEvent(sessionIdOf(i)))
      )
      : Array.from({ length: POOL }, (_, i) => encodeEvent(sampleEvent(i)));
  }

  page(request: Uint8Array): Buffer {
    const { startDate, endDate, startKey, limit } = fromBinary(
      GetUnstructuredEventsRequestSchema,
      request,
    );
    const { startMs, recordings } = this.#options;
    // To the nanosecond: ranges end one before the next one begins.
    const placeOf = ({ seconds, nanos }: Timestamp) =>
      (Number(seconds) * 1_000 - startMs + nanos / 1e6) / SPACING_MS;
    const from = startDate === undefined ? 0 : placeOf(startDate);
    const to = endDate === undefined ? Infinity : placeOf(endDate);
    const first = startKey === ""
      ? Math.max(0, Math.ceil(from))
      : Number(startKey);
    const end = Math.min(this.#length, Math.floor(to) + 1);
    const size = Math.max(0, Math.min(limit, this.#pool.length, end - first));
    const lastKey = first + size < end ? String(first + size) : "";
    const page = recordings.length > 0
      ? new EncodedPage(this.#pool.slice(first, first + size))
      : this.#pageOf(size);
    return page.at(startMs + first * SPACING_MS, lastKey);
  }

  *recording(request: Uint8Array): Iterable<Buffer> {
    const { sessionId, startIndex } = fromBinary(
      StreamUnstructuredSessionEventsRequestSchema,
      request,
    );
    const place = Number(sessionId.slice(-12));
    const events = this.#options.recordings[place] ?? 0;
    for (let from = startIndex; from < events; from += STREAM_PART) {
      yield this.#partOf(from, Math.min(events, from + STREAM_PART));
    }
  }

  /** Whether it has bulk export. */
  get hasExport(): boolean {
    return this.#options.chunkEvents > 0;
  }

  /** The chunks that begin on a day; each is called by the place of its first event. */
  *chunks(request: Uint8Array): Iterable<Buffer> {
    const { date } = fromBinary(GetEventExportChunksRequestSchema, request);
    const { startMs, chunkEvents } = this.#options;
    const day = Math.floor(
      (date === undefined ? 0 : timestampMs(date)) / DAY_MS,
    );
    for (let first = 0; first < this.#length; first += chunkEvents) {
      const timeMs = startMs + first * SPACING_MS;
      if (Math.floor(timeMs / DAY_MS) !== day) continue;
      const chunk = create(EventExportChunkSchema, { chunk: String(first) });
      yield grpcMessage(toBinary(EventExportChunkSchema, chunk));
    }
  }

  /** A chunk; all its events are of the log's beginning. */
  *chunk(request: Uint8Array): Iterable<Buffer> {
    const { chunk } = fromBinary(
      ExportUnstructuredEventsRequestSchema,
      request,
    );
    const first = Number(chunk);
    const end = Math.min(this.#length, first + this.#options.chunkEvents);
    for (let from = first; from < end; from += STREAM_PART) {
      const size = Math.min(end - from, STREAM_PART);
      yield size === STREAM_PART
        ? this.#exportedPart(from % POOL)
        : Buffer.concat(this.#exportedMessages(from % POOL, size));
    }
  }

  #exportedPart(place: number): Buffer {
    let part = this.#exported.get(place);
    if (part === undefined) {
      part = Buffer.concat(this.#exportedMessages(place, STREAM_PART));
      this.#exported.set(place, part);
    }
    return part;
  }

  #exportedMessages(place: number, size: number): Buffer[] {
    const { startMs } = this.#options;
    return Array.from(
      { length: size },
      (_, i) =>
        exportedMessage(encodeEvent(sampleEvent((place + i) % POOL)), startMs),
    );
  }

  #pageOf(size: number): EncodedPage {
    let page = this.#pages.get(size);
    if (page === undefined) {
      page = new EncodedPage(this.#pool.slice(0, size));
      this.#pages.set(size, page);
    }
    return page;
  }

  #partOf(from: number, to: number): Buffer {
    const size = to - from;
    const place = from % POOL;
    const key = `${place} ${size}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = new EncodedPart(Array.from(
        { length: size },
        (_, i) => encodeEvent(sampleEvent(place + i), { recorded: true }),
      ));
      this.#parts.set(key, part);
    }
    return part.at(from);
  }
}

/** Answers a call; what methods there are depends on the log. */
function answer(
  log: Log,
  { method, message }: Call,
): Iterable<Buffer> | undefined {
  switch (method) {
    case "GetUnstructuredEvents":
      return [log.page(message)];
    case "StreamUnstructuredSessionEvents":
      return log.recording(message);
    case "GetEventExportChunks":
      return log.hasExport ? log.chunks(message) : undefined;
    case "ExportUnstructuredEvents":
      return log.hasExport ? log.chunk(message) : undefined;
    case "Ping": {
      const pong = create(PingResponseSchema, {
        clusterName: "tele.example.com",
        serverVersion: "17.0.0",
      });
      return [grpcMessage(toBinary(PingResponseSchema, pong))];
    }
    default:
      return undefined;
  }
}

if (import.meta.main) {
  const options: TeleportOptions = JSON.parse(Deno.args[0] ?? "{}");
  const log = new Log(options);
  const server = createServer({
    ca: Deno.readTextFileSync(options.ca),
    cert: Deno.readTextFileSync(options.cert),
    key: Deno.readTextFileSync(options.key),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
  }, (socket) => {
    new GrpcConnection(socket, (call) => answer(log, call));
  });
  const { port } = await listening(server);
  await obeyJsonLines(
    { address: `127.0.0.1:${port}` } satisfies TeleportReady,
    () => {},
  );
  Deno.exit();
}
