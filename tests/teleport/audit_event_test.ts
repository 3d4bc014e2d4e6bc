import { create } from "@bufbuild/protobuf";
import { EventUnstructuredSchema } from "../../lib/teleport/proto/teleport_pb.ts";
import { wholePayload } from "../../lib/event.ts";
import { toAuditEvent } from "../../lib/teleport/audit_event.ts";
import { assertEquals, assertStrictEquals } from "../assert.ts";
import { encodeStruct } from "../fakes/struct_bytes.ts";

Deno.test("an event keeps its envelope and its bytes", () => {
  const payload = encodeStruct({ event: "brand.new", sid: "3f1c" });
  assertEquals(
    convert({
      type: "brand.new",
      id: "1a2b",
      time: { seconds: 1_700_000_000n, nanos: 123_999_999 },
      index: 7n,
      unstructured: payload,
    }),
    {
      type: "brand.new",
      id: "1a2b",
      timeMs: 1_700_000_000_123,
      index: 7,
      ...wholePayload(payload),
      sessionId: undefined,
    },
  );
});

Deno.test("a session.upload carries the recording's id", () => {
  const unstructured = encodeStruct({ sid: "3f1c" });
  const { sessionId } = convert({ type: "session.upload", unstructured });
  assertStrictEquals(sessionId, "3f1c");
});

Deno.test("an event without time, id or payload is an event", () => {
  assertEquals(convert({ type: "session.upload" }), {
    type: "session.upload",
    id: "",
    timeMs: 0,
    index: 0,
    ...wholePayload(new Uint8Array()),
    sessionId: undefined,
  });
});

Deno.test("a time before 1970 is a time", () => {
  const { timeMs } = convert({ time: { seconds: -1n, nanos: 500_000_000 } });
  assertStrictEquals(timeMs, -500);
});

function convert(
  fields: {
    type?: string;
    id?: string;
    time?: { seconds: bigint; nanos: number };
    index?: bigint;
    unstructured?: Uint8Array<ArrayBuffer>;
  },
) {
  return toAuditEvent(create(EventUnstructuredSchema, fields));
}
