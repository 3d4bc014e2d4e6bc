/**
 * The methods of Teleport's API that the stand-in has.
 *
 * @module
 */

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  ExportUnstructuredEventsRequestSchema,
  GetEventExportChunksRequestSchema,
  GetUnstructuredEventsRequestSchema,
  LockV2Schema,
  PingRequestSchema,
  StreamUnstructuredSessionEventsRequestSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";

const AUDIT_LOG = "/teleport.auditlog.v1.AuditLogService";
const AUTH = "/proto.AuthService";

/** Where each method is, and what it is asked with. */
export const METHODS = {
  GetUnstructuredEvents: {
    path: `${AUDIT_LOG}/GetUnstructuredEvents`,
    request: GetUnstructuredEventsRequestSchema,
  },
  StreamUnstructuredSessionEvents: {
    path: `${AUDIT_LOG}/StreamUnstructuredSessionEvents`,
    request: StreamUnstructuredSessionEventsRequestSchema,
  },
  GetEventExportChunks: {
    path: `${AUDIT_LOG}/GetEventExportChunks`,
    request: GetEventExportChunksRequestSchema,
  },
  ExportUnstructuredEvents: {
    path: `${AUDIT_LOG}/ExportUnstructuredEvents`,
    request: ExportUnstructuredEventsRequestSchema,
  },
  Ping: { path: `${AUTH}/Ping`, request: PingRequestSchema },
  UpsertLock: { path: `${AUTH}/UpsertLock`, request: LockV2Schema },
} as const satisfies Record<string, { path: string; request: DescMessage }>;

/** A method by name. */
export type Method = keyof typeof METHODS;

/** What a method is asked with. */
export type RequestOf<M extends Method> = MessageShape<
  typeof METHODS[M]["request"]
>;

/** All requests so far, by method, oldest first. */
export type Requests = { readonly [M in Method]: RequestOf<M>[] };

/** No requests so far. */
export function noRequests(): Requests {
  return {
    GetUnstructuredEvents: [],
    StreamUnstructuredSessionEvents: [],
    GetEventExportChunks: [],
    ExportUnstructuredEvents: [],
    Ping: [],
    UpsertLock: [],
  };
}
