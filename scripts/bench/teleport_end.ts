/**
 * Teleport as a benchmark needs it: pages encoded beforehand, so that what is
 * measured is the reader. One JSON argument, {@linkcode TeleportEndOptions}; one
 * JSON line on standard output when it listens; ends with its standard input.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import {
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  GetUnstructuredEventsRequestSchema,
  PingResponseSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import type { JsonObject } from "../../tests/fakes/json.ts";
import { encodeStruct } from "../../tests/fakes/struct_bytes.ts";

/** How many events, and the certificates to serve them with. */
export interface TeleportEndOptions {
  readonly events: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Different events; longer logs repeat them. */
const POOL = 1_000;
const START_MS = Date.parse("2026-03-01T00:00:00Z");

/** A realistic event: nested, 20 fields, about 580 bytes of JSON. */
function sampleEvent(i: number): JsonObject {
  const id = i.toString(16).padStart(12, "0");
  return {
    ei: i % 7,
    event: "db.session.query",
    uid: `6e1f6c1e-5a0a-4a2e-9a93-${id}`,
    code: "TDB02I",
    time: new Date(START_MS + i).toISOString(),
    cluster_name: "tele.example.com",
    user: `alice-${i % 50}@example.com`,
    user_kind: 1,
    sid: `2d1b7f6a-0000-4000-8000-${id}`,
    success: true,
    private_key_policy: "none",
    db_service: "orders-postgres",
    db_protocol: "postgres",
    db_uri: "orders.example.com:5432",
    db_name: "orders",
    db_user: "readonly",
    db_query:
      `SELECT id, "customer" FROM orders WHERE created > '2026-01-01' LIMIT ${i}`,
    db_query_parameters: ["1", "größer", null],
    db_labels: { env: "prod", team: "orders", critical: true },
    "addr.remote": "10.0.0.7:51022",
  };
}

function encodePool(): Uint8Array[] {
  return Array.from({ length: POOL }, (_, i) => {
    const event = sampleEvent(i);
    return toBinary(
      EventUnstructuredSchema,
      create(EventUnstructuredSchema, {
        type: String(event.event),
        id: String(event.uid),
        time: timestampFromMs(START_MS + i),
        index: 0n,
        unstructured: encodeStruct(event),
      }),
    );
  });
}

/** `EventsUnstructured.items`, one after the other: field 1, length-delimited. */
function encodeItems(pool: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const bytes of pool) {
    parts.push(Uint8Array.of(0x0a, ...varint(bytes.length)), bytes);
  }
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  return value < 0x80
    ? [value]
    : [value & 0x7f | 0x80, ...varint(Math.floor(value / 0x80))];
}

const options: TeleportEndOptions = JSON.parse(Deno.args[0] ?? "{}");
const pool = encodePool();
/** Encoded pages without their `last_key`, by size. */
const pages = new Map<number, Buffer>();
const read = (path: string) => Buffer.from(Deno.readTextFileSync(path));

function page(offset: number, limit: number): Buffer {
  const size = Math.min(limit, POOL, options.events - offset);
  let items = pages.get(size);
  if (items === undefined) {
    items = encodeItems(pool.slice(0, size));
    pages.set(size, items);
  }
  const end = offset + size;
  const lastKey = end < options.events ? String(end) : "";
  const tail = toBinary(
    EventsUnstructuredSchema,
    create(EventsUnstructuredSchema, { lastKey }),
  );
  return Buffer.concat([items, tail]);
}

const raw = (value: Buffer) => value;
const server = new Server({ "grpc.max_send_message_length": -1 });
server.addService({
  getEvents: {
    path: "/teleport.auditlog.v1.AuditLogService/GetUnstructuredEvents",
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: (bytes: Buffer) =>
      fromBinary(GetUnstructuredEventsRequestSchema, bytes),
    responseSerialize: raw,
    responseDeserialize: raw,
  },
  ping: {
    path: "/proto.AuthService/Ping",
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
}, {
  getEvents: (
    call: { request: { startKey: string; limit: number } },
    answer: (error: null, page: Buffer) => void,
  ) => {
    const { startKey, limit } = call.request;
    answer(null, page(Number(startKey || "0"), limit));
  },
  ping: (_call: unknown, answer: (error: null, pong: Buffer) => void) => {
    const pong = create(PingResponseSchema, {
      clusterName: "tele.example.com",
      serverVersion: "17.0.0",
    });
    answer(null, Buffer.from(toBinary(PingResponseSchema, pong)));
  },
});
server.bindAsync(
  "127.0.0.1:0",
  ServerCredentials.createSsl(read(options.ca), [{
    cert_chain: read(options.cert),
    private_key: read(options.key),
  }], true),
  (error, port) => {
    if (error !== null) throw error;
    const line = JSON.stringify({ address: `127.0.0.1:${port}` }) + "\n";
    Deno.stdout.writeSync(new TextEncoder().encode(line));
  },
);
for await (const _chunk of Deno.stdin.readable) {
  // Until it ends.
}
Deno.exit();
