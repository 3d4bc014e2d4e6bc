import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { decodeEvent, wholeMessage } from "../../lib/teleport/decode_events.ts";
import {
  ExportedEvents,
  RecordedEvents,
} from "../../lib/teleport/event_batches.ts";
import {
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import { takeMemory } from "../../lib/own_memory.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { withPayload } from "../fakes/audit_events.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";

/** An event whose message takes about so many bytes. */
function eventMessage(i: number, bytes: number): Buffer {
  const event = create(EventUnstructuredSchema, {
    type: "exec",
    id: String(i),
    index: BigInt(i),
    unstructured: encodeStruct({ i, text: "x".repeat(bytes) }),
  });
  return Buffer.from(toBinary(EventUnstructuredSchema, event));
}

Deno.test("what is collected is what was added, whatever its size, and whatever becomes of the messages", () => {
  const sizes = [0, 10, 20_000, 3, 300_000, 5, 700, 1_000_000, 1];
  const messages = Array.from(
    { length: 2_000 },
    (_, i) => eventMessage(i, sizes[i % 90] ?? 400),
  );
  const expected = messages.map((message) =>
    withPayload(decodeEvent(wholeMessage(Buffer.from(message))))
  );
  const collector = new RecordedEvents();
  let bytes = 0;
  for (const message of messages) {
    collector.add(message);
    bytes += message.length;
    message.fill(0);
  }
  assertEquals([collector.count, collector.bytes], [messages.length, bytes]);
  assertEquals(collector.batch().events.map(withPayload), expected);
});

Deno.test("a message counts for what it held, also where its memory is freed", () => {
  const collector = new RecordedEvents();
  let bytes = 0;
  for (let i = 0; i < 10; i++) {
    const plain = eventMessage(i, 300_000);
    const message = takeMemory(plain.length);
    message.set(plain);
    bytes += message.length;
    collector.add(message);
    assertEquals(message.length, 0);
  }
  assertEquals(collector.bytes, bytes);
});

Deno.test("an event that ends within a number does not go on into what lies behind it", () => {
  const collector = new RecordedEvents();
  const cut = Buffer.from([0x12, 0x01, 0x61, 0x20]);
  const behind = Buffer.from([0x05, 0x05]);
  const memory = Buffer.concat([cut, behind]);
  const message = { ...wholeMessage(memory), end: cut.length };
  assertThrows(() => decodeEvent(message));
  assertThrows(() => collector.add(cut));
});

Deno.test("events of a batch share memory, which goes when the batch is released", () => {
  const collector = new RecordedEvents();
  for (let i = 0; i < 1_000; i++) collector.add(eventMessage(i, 300));
  const { events, release } = collector.batch();
  const memories = new Set(events.map(({ message }) => message.buffer));
  assert(memories.size < 10, `${memories.size} blocks`);
  release?.();
  assert(events.every(({ message }) => message.length === 0));
  release?.();
});

Deno.test("a batch of a chunk ends with its last cursor", () => {
  const collector = new ExportedEvents();
  for (const cursor of ["1", "2"]) {
    const event = { type: "exec", id: cursor };
    const message = create(ExportEventUnstructuredSchema, { event, cursor });
    collector.add(
      Buffer.from(toBinary(ExportEventUnstructuredSchema, message)),
    );
  }
  const alone = create(ExportEventUnstructuredSchema, { cursor: "3" });
  collector.add(Buffer.from(toBinary(ExportEventUnstructuredSchema, alone)));
  const { events, cursor } = collector.batch();
  assertEquals(events.map(({ id }) => id), ["1", "2"]);
  assertEquals([cursor, collector.count], ["3", 3]);
});

Deno.test("of a chunk, what is refused alone is no batch, which would lead back to where it began", () => {
  const collector = new ExportedEvents();
  assertThrows(() => collector.add(Buffer.from([0x0a, 0x7f])));
  assertEquals([collector.count, collector.bytes], [0, 0]);
});

Deno.test("what is no message is refused, and nothing of it is in the batch", () => {
  const collector = new RecordedEvents();
  collector.add(eventMessage(1, 10));
  assertThrows(() => collector.add(Buffer.from([0x0a, 0x7f])));
  assertEquals(collector.count, 1);
  assertEquals(collector.batch().events.map(({ id }) => id), ["1"]);
});
