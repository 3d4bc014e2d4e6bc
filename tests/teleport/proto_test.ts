import {
  type DescField,
  type DescMessage,
  ScalarType,
} from "@bufbuild/protobuf";
import * as proto from "../../lib/teleport/proto/teleport_pb.ts";
import { assertEquals } from "../assert.ts";

/**
 * As in Teleport's own files; what is between program and stand-in would fit
 * together with any other numbers, too.
 */
const MESSAGES: readonly (readonly [DescMessage, string])[] = [
  [
    proto.GetUnstructuredEventsRequestSchema,
    "string namespace = 1; Timestamp start_date = 2; Timestamp end_date = 3; " +
    "repeated string event_types = 4; int32 limit = 5; string start_key = 6; Order order = 7",
  ],
  [
    proto.EventsUnstructuredSchema,
    "repeated EventUnstructured items = 1; string last_key = 2",
  ],
  [
    proto.EventUnstructuredSchema,
    // A Struct, the raw bytes of it.
    "string type = 1; string id = 2; Timestamp time = 3; int64 index = 4; bytes unstructured = 5",
  ],
  [
    proto.StreamUnstructuredSessionEventsRequestSchema,
    "string session_id = 1; int32 start_index = 2",
  ],
  [proto.GetEventExportChunksRequestSchema, "Timestamp date = 1"],
  [proto.EventExportChunkSchema, "string chunk = 1"],
  [
    proto.ExportUnstructuredEventsRequestSchema,
    "Timestamp date = 1; string chunk = 2; string cursor = 3",
  ],
  [
    proto.ExportEventUnstructuredSchema,
    "EventUnstructured event = 1; string cursor = 2",
  ],
  [proto.PingRequestSchema, ""],
  [
    proto.PingResponseSchema,
    "string cluster_name = 1; string server_version = 2",
  ],
  [
    proto.LockV2Schema,
    "string kind = 1; string sub_kind = 2; string version = 3; LockMetadata metadata = 4; LockSpec spec = 5",
  ],
  [proto.LockMetadataSchema, "string name = 1"],
  [
    proto.LockSpecSchema,
    "LockTarget target = 1; string message = 2; Timestamp expires = 3",
  ],
  [proto.LockTargetSchema, "string user = 1; string login = 3"],
  [proto.EmptySchema, ""],
];

for (const [message, fields] of MESSAGES) {
  Deno.test(`${message.name} is on the wire what it is to Teleport`, () => {
    assertEquals(message.fields.map(asWritten).join("; "), fields);
  });
}

Deno.test("the order of a page is on the wire what it is to Teleport", () => {
  assertEquals([proto.Order.DESCENDING, proto.Order.ASCENDING], [0, 1]);
});

/** A field as a .proto file has it. */
function asWritten(field: DescField): string {
  const repeated = field.fieldKind === "list" ? "repeated " : "";
  const type = field.scalar !== undefined
    ? ScalarType[field.scalar].toLowerCase()
    : (field.message ?? field.enum)?.name;
  return `${repeated}${type} ${field.name} = ${field.number}`;
}
