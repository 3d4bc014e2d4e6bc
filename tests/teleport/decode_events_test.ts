import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { payloadOf, sizeOf } from "../../lib/event.ts";
import { toAuditEvent } from "../../lib/teleport/audit_event.ts";
import {
  decodeEvent,
  decodeExportedEvent,
  decodePage,
  wholeMessage,
} from "../../lib/teleport/decode_events.ts";
import {
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import { takeMemory } from "../../lib/own_memory.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "../assert.ts";
import { withPayload } from "../fakes/audit_events.ts";
import { Random } from "../fakes/random.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";
import { bytes, field, varint, varintField } from "../struct/wire.ts";

type EventInit = MessageInitShape<typeof EventUnstructuredSchema>;

const EVENT: EventInit = {
  type: "session.upload",
  id: "6e1f6c1e-größer-🙂",
  time: { seconds: 1_700_000_000n, nanos: 123_999_999 },
  index: 7n,
  unstructured: encodeStruct({ sid: "3f1c" }),
};

/** What protobuf-es, which knows every legal encoding, makes of the bytes. */
const generically = {
  page(message: Buffer) {
    const { items, lastKey } = fromBinary(
      EventsUnstructuredSchema,
      plain(message),
    );
    return { events: items.map(toAuditEvent).map(withPayload), lastKey };
  },
  event: (message: Buffer) =>
    withPayload(
      toAuditEvent(fromBinary(EventUnstructuredSchema, plain(message))),
    ),
  exported(message: Buffer) {
    const { event, cursor } = fromBinary(
      ExportEventUnstructuredSchema,
      plain(message),
    );
    return { event: event && withPayload(toAuditEvent(event)), cursor };
  },
};

/** The same of what is tested. */
const decoded = {
  page(message: Buffer) {
    const { events, lastKey } = decodePage(message);
    return { events: events.map(withPayload), lastKey };
  },
  event: (message: Buffer) => withPayload(decodeEvent(wholeMessage(message))),
  exported(message: Buffer) {
    const { event, cursor } = decodeExportedEvent(wholeMessage(message));
    return { event: event && withPayload(event), cursor };
  },
};

Deno.test("an event says all that the pipeline asks for, and keeps its payload as it came", () => {
  assertEquals(decoded.event(encode(EventUnstructuredSchema, EVENT)), {
    type: "session.upload",
    id: "6e1f6c1e-größer-🙂",
    timeMs: 1_700_000_000_123,
    index: 7,
    payload: encodeStruct({ sid: "3f1c" }),
    sessionId: "3f1c",
  });
});

Deno.test("a page is its events in order, and where the next one begins", () => {
  const items = Array.from(
    { length: 300 },
    (_, i) => ({ ...EVENT, id: String(i), index: BigInt(i) }),
  );
  const message = encode(EventsUnstructuredSchema, { items, lastKey: "next" });
  const { events, lastKey } = decoded.page(message);
  assertStrictEquals(lastKey, "next");
  assertEquals(events.map(({ id }) => id), items.map(({ id }) => id));
  assertEquals({ events, lastKey }, generically.page(message));
});

Deno.test("an exported event comes with the cursor behind it", () => {
  const message = { event: EVENT, cursor: "42" };
  const { event, cursor } = decoded.exported(
    encode(ExportEventUnstructuredSchema, message),
  );
  assertStrictEquals(cursor, "42");
  assertStrictEquals(event?.id, EVENT.id);
});

Deno.test("what is missing has protobuf's defaults", () => {
  const nothing = Buffer.alloc(0);
  assertEquals(decoded.page(nothing), { events: [], lastKey: "" });
  assertEquals(decoded.event(nothing), generically.event(nothing));
  assertEquals(decoded.exported(nothing), { event: undefined, cursor: "" });
});

Deno.test("a payload is a view of the message, not more than it", () => {
  const message = encode(EventUnstructuredSchema, EVENT);
  const payload = payloadOf(decodeEvent(wholeMessage(message)));
  assertStrictEquals(payload.buffer, message.buffer);
  assertEquals(payload, encodeStruct({ sid: "3f1c" }));
});

Deno.test("a page that has its memory for itself can free it; one that shares it leaves it alone", () => {
  const items = Array.from({ length: 3 }, () => EVENT);
  const message = create(EventsUnstructuredSchema, { items });
  const bytes = toBinary(EventsUnstructuredSchema, message);
  const framed = takeMemory(5 + bytes.length).subarray(5);
  framed.set(bytes);
  const own = decodePage(framed);
  own.release?.();
  assertEquals(own.events.map(sizeOf), items.map(() => 15));
  assertStrictEquals(own.events[0]?.message.length, 0);
  assertThrows(() => own.events[0]?.id, Error, "after it was freed");
  own.release?.();
  const shared = Buffer.from(new ArrayBuffer(1_000)).subarray(0, bytes.length);
  shared.set(bytes);
  assertStrictEquals(decodePage(shared).release, undefined);
});

Deno.test("every legal encoding says what protobuf says", () => {
  const time = bytes(varintField(1, varint(1_700_000_000)));
  const cases: Record<string, Uint8Array<ArrayBuffer>> = {
    "fields in another order": bytes(
      field(5, "payload"),
      varintField(4, 3),
      field(3, time),
      field(2, "id"),
      field(1, "type"),
    ),
    "an unknown field": bytes(field(1, "type"), field(9, "new")),
    "an unknown number": bytes(varintField(9, 3), field(1, "type")),
    "a field twice": bytes(field(1, "old"), field(1, "new")),
    "a time in pieces": bytes(
      field(3, time),
      field(3, varintField(2, 500_000_000)),
    ),
    "an unknown field in a time": field(3, time, field(9, "new")),
    "a time before 1970": field(
      3,
      varintField(1, Uint8Array.of(...Array(9).fill(0xff), 0x01)),
    ),
    "a negative index": varintField(
      4,
      Uint8Array.of(...Array(9).fill(0xff), 0x01),
    ),
    "an index of 50 bits": varintField(
      4,
      Uint8Array.of(...Array(7).fill(0xff), 0x01),
    ),
    "a length in more bytes than it takes": bytes(
      Uint8Array.of(0x0a),
      varint(4, 4),
      "type",
    ),
    "an empty time": field(3),
    "nanoseconds of more than 32 bits": field(
      3,
      varintField(2, Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x3c)),
    ),
  };
  for (const [name, event] of Object.entries(cases)) {
    const message = Buffer.from(event);
    assertEquals(decoded.event(message), generically.event(message), name);
    const page = Buffer.from(bytes(field(1, event), field(2, "key")));
    assertEquals(decoded.page(page), generically.page(page), name);
    const exported = Buffer.from(bytes(field(1, event), field(2, "cursor")));
    assertEquals(
      decoded.exported(exported),
      generically.exported(exported),
      name,
    );
  }
  const pieces = Buffer.from(
    bytes(field(1, field(1, "type")), field(1, field(2, "id"))),
  );
  assertEquals(decoded.exported(pieces), generically.exported(pieces));
});

Deno.test("a number that runs over the end of its message is what protobuf-es makes of it", () => {
  const cases = [
    [0x1a, 0x01, 0x08, 0x05],
    [0x0a, 0x01, 0x20, 0x05],
    [0x0a, 0x03, 0x1a, 0x01, 0x08, 0x05],
  ].map((message) => Buffer.from(message));
  for (const message of cases) {
    compare(message, decoded.event, generically.event, message.toString("hex"));
    compare(message, decoded.page, generically.page, message.toString("hex"));
  }
});

Deno.test("a name that is no UTF-8 does not cost a page, however that is encoded", () => {
  const name = Uint8Array.of(0x61, 0xff);
  const event = bytes(field(1, name), field(2, name));
  const unknown = varintField(9, 1);
  for (const more of [bytes(), bytes(unknown)]) {
    const page = Buffer.from(bytes(field(1, event), field(2, "key"), more));
    const { events: [first], lastKey } = decodePage(page);
    assertStrictEquals(first?.type, "a\ufffd");
    assertStrictEquals(first?.id, "a\ufffd");
    assertStrictEquals(lastKey, "key");
  }
});

Deno.test("damaged messages are read as protobuf reads them, or refused", () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  const items = [EVENT, { ...EVENT, index: 300n }, {}];
  const messages = {
    page: encode(EventsUnstructuredSchema, { items, lastKey: "next" }),
    event: encode(EventUnstructuredSchema, EVENT),
    exported: encode(ExportEventUnstructuredSchema, {
      event: EVENT,
      cursor: "42",
    }),
  };
  for (let position = 0; position < 3_000; position++) {
    const random = new Random(seed, position);
    const damaged = (message: Buffer) => {
      const copy = Buffer.from(message);
      for (let times = random.below(3); times >= 0; times--) {
        copy[random.below(copy.length)] = random.below(256);
      }
      return copy.subarray(0, copy.length - random.below(5));
    };
    const hint = `seed ${seed}, position ${position}`;
    compare(damaged(messages.page), decoded.page, generically.page, hint);
    compare(damaged(messages.event), decoded.event, generically.event, hint);
    compare(
      damaged(messages.exported),
      decoded.exported,
      generically.exported,
      hint,
    );
  }
});

/** Either both give the same, or both throw. */
function compare(
  message: Buffer,
  decode: (message: Buffer) => unknown,
  decodeGenerically: (message: Buffer) => unknown,
  hint: string,
): void {
  let expected;
  try {
    expected = decodeGenerically(message);
  } catch {
    assertThrows(() => decode(message), Error, undefined, hint);
    return;
  }
  assertEquals(decode(message), expected, hint);
}

/** Whose parts are no Buffers. */
function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function encode<Schema extends DescMessage>(
  schema: Schema,
  init: MessageInitShape<Schema>,
): Buffer {
  // Within a larger buffer, as messages come.
  const message = toBinary(schema, create(schema, init));
  return Buffer.concat([Buffer.alloc(3), message]).subarray(3);
}
