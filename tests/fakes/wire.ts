/**
 * Events as they go over the wire, encoded once and put into answers as they are.
 *
 * @module
 */

import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import type { LogEvent } from "./log_event.ts";
import { encodeStruct } from "./struct_bytes.ts";

/** The bytes of an `EventUnstructured`. */
export function encodeEvent(event: LogEvent): Uint8Array {
  const { type, id, timeUs, index, json } = event;
  return toBinary(
    EventUnstructuredSchema,
    create(EventUnstructuredSchema, {
      type,
      id,
      time: {
        seconds: BigInt(Math.floor(timeUs / 1_000_000)),
        nanos: timeUs % 1_000_000 * 1_000,
      },
      index: BigInt(index),
      unstructured: encodeStruct(json),
    }),
  );
}

/** The bytes of an `EventsUnstructured` with these events. */
export function encodePage(
  events: readonly Uint8Array[],
  lastKey: string,
): Uint8Array {
  const writer = new BinaryWriter();
  const { number } = EventsUnstructuredSchema.field.items;
  for (const event of events) {
    writer.tag(number, WireType.LengthDelimited).bytes(event);
  }
  const rest = create(EventsUnstructuredSchema, { lastKey });
  return writer.raw(toBinary(EventsUnstructuredSchema, rest)).finish();
}

/** The bytes of an `ExportEventUnstructured` with this event. */
export function encodeExported(event: Uint8Array, cursor: string): Uint8Array {
  const { number } = ExportEventUnstructuredSchema.field.event;
  const rest = create(ExportEventUnstructuredSchema, { cursor });
  return new BinaryWriter()
    .tag(number, WireType.LengthDelimited).bytes(event)
    .raw(toBinary(ExportEventUnstructuredSchema, rest)).finish();
}
