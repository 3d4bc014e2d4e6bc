/**
 * Reads the audit log as fast as grpc-js does, by Deno's HTTP/2 or by the program's
 * own, and throws it away: one JSON argument, {@linkcode ReadingOptions}; prints the
 * number of bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Client, credentials } from "@grpc/grpc-js";
import { freeMemory, isOwnMemory } from "../../lib/own_memory.ts";
import {
  GetUnstructuredEventsRequestSchema,
  Order,
} from "../../lib/teleport/proto/teleport_pb.ts";
import { useOwnHttp2 } from "../../lib/vendor/grpc_http2.ts";

/** What to read, and paths of the credentials. */
export interface ReadingOptions {
  readonly address: string;
  readonly startMs: number;
  readonly events: number;
  readonly pageSize: number;
  /** Whether HTTP/2 is spoken as by the program. */
  readonly ownHttp2: boolean;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const PATH = "/teleport.auditlog.v1.AuditLogService/GetUnstructuredEvents";
const WINDOW_BYTES = 4 * 1024 * 1024;

const options: ReadingOptions = JSON.parse(Deno.args[0] ?? "{}");
const { address, startMs, events, pageSize, ca, cert, key } = options;
if (options.ownHttp2) useOwnHttp2();
const read = (path: string) => Buffer.from(Deno.readTextFileSync(path));
const client = new Client(
  address,
  credentials.createSsl(read(ca), read(key), read(cert)),
  {
    "grpc.ssl_target_name_override": "teleport.cluster.local",
    "grpc.max_receive_message_length": -1,
    "grpc-node.flow_control_window": WINDOW_BYTES,
  },
);

function page(first: number): Promise<Buffer> {
  const request = create(GetUnstructuredEventsRequestSchema, {
    startDate: timestampFromMs(startMs),
    endDate: timestampFromMs(Date.now()),
    limit: pageSize,
    startKey: first === 0 ? "" : String(first),
    order: Order.ASCENDING,
  });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      PATH,
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes: Buffer) => bytes,
      toBinary(GetUnstructuredEventsRequestSchema, request),
      (error, bytes) => bytes === undefined ? reject(error) : resolve(bytes),
    );
  });
}

let bytes = 0;
for (let first = 0; first < events; first += pageSize) {
  const answer = await page(first);
  bytes += answer.length;
  if (isOwnMemory(answer)) freeMemory(answer);
}
client.close();
Deno.stdout.writeSync(new TextEncoder().encode(`${bytes}\n`));
Deno.exit();
