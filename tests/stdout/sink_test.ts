import { GaveUpError, RejectedError } from "../../lib/errors.ts";
import { AUDIT } from "../../lib/event.ts";
import { StdoutSink } from "../../lib/stdout/sink.ts";
import {
  assertEquals,
  assertGreater,
  assertNotMatch,
  assertRejects,
} from "../assert.ts";
import { auditEvent, auditEvents } from "../fakes/audit_events.ts";

/** Nothing is killed. */
const { signal: NEVER } = new AbortController();

/** A sink, and what it has written. */
function createSink(bytesAtOnce = Infinity, isTerminal = false) {
  const chunks: Uint8Array[] = [];
  const sink = new StdoutSink((bytes) => {
    const part = bytes.slice(0, bytesAtOnce);
    chunks.push(part);
    return Promise.resolve(part.length);
  }, { isTerminal });
  const text = () =>
    chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  return { sink, chunks, text };
}

Deno.test("each event is a JSON object on a line of its own", async () => {
  const { sink, text } = createSink();
  assertEquals(await sink.send(AUDIT, auditEvents(3), NEVER), 3);
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
  assertEquals(
    text(),
    '{"uid":"e0"}\n{"uid":"e1"}\n{"uid":"e2"}\n{"uid":"e0"}\n',
  );
});

Deno.test("events of recordings are lines among the others", async () => {
  const { sink, text } = createSink();
  const recording = { kind: "recording", sessionId: "s1" } as const;
  await sink.send(recording, auditEvents(1), NEVER);
  assertEquals(text(), '{"uid":"e0"}\n');
});

Deno.test("a line break within an event does not break its line", async () => {
  const { sink, text } = createSink();
  await sink.send(
    AUDIT,
    [auditEvent("e0", { fields: { text: "a\nb" } })],
    NEVER,
  );
  assertEquals(text(), '{"uid":"e0","text":"a\\nb"}\n');
});

Deno.test("an output that takes few bytes at once gets all of them, in order", async () => {
  const { sink, chunks, text } = createSink(7);
  await sink.send(AUDIT, auditEvents(100), NEVER);
  assertEquals(text().split("\n").length, 101);
  assertEquals(JSON.parse(text().split("\n")[99] ?? ""), { uid: "e99" });
  assertGreater(chunks.length, 100);
});

Deno.test("the lines of requests that are sent together do not mix", async () => {
  const { sink, text } = createSink(7);
  const requests = Array.from({ length: 5 }, () => auditEvents(20));
  await Promise.all(requests.map((events) => sink.send(AUDIT, events, NEVER)));
  const lines = text().trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    lines,
    requests.flatMap((events) => events.map(({ id }) => ({ uid: id }))),
  );
});

Deno.test("who is killed while nobody reads does not wait for it", async () => {
  const kill = new AbortController();
  const reason = new Error("killed");
  const written = Promise.withResolvers<number>();
  const sink = new StdoutSink(() => {
    kill.abort(reason);
    return written.promise;
  });
  const sent = [1, 2].map(() => sink.send(AUDIT, auditEvents(1), kill.signal));
  for (const { status, ...how } of await Promise.allSettled(sent)) {
    assertEquals({ status, ...how }, { status: "rejected", reason });
  }
  written.reject(new Deno.errors.BrokenPipe());
});

Deno.test("what is in events commands no terminal, and is the same JSON", async () => {
  const fields = { "\u009b2J": "\u001b[31m\u007f\u0085\u009b31m\u202e\u2028ü" };
  const events = [auditEvent("e0", { fields }), ...auditEvents(1)];
  const terminal = createSink(7, true);
  await terminal.sink.send(AUDIT, events, NEVER);
  assertNotMatch(
    terminal.text().replaceAll("\n", ""),
    /[\p{Cc}\p{Bidi_Control}\u2028]/u,
  );
  const file = createSink();
  await file.sink.send(AUDIT, events, NEVER);
  const parse = (text: string) =>
    text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(parse(terminal.text()), parse(file.text()));
  assertEquals(parse(file.text())[0], { uid: "e0", ...fields });
});

Deno.test("what is too much at once is left for the next time", async () => {
  const { sink } = createSink();
  const fields = { text: "x".repeat(600 * 1024) };
  const large = [0, 1, 2].map((i) => auditEvent(`e${i}`, { fields }));
  assertEquals(await sink.send(AUDIT, large, NEVER), 1);
});

Deno.test("an event that is no Struct is refused by itself", async () => {
  const { sink, text } = createSink();
  const broken = auditEvent("broken", { payload: new Uint8Array([0xff]) });
  const error = await assertRejects(
    () => sink.send(AUDIT, [broken, ...auditEvents(1)], NEVER),
    RejectedError,
  );
  assertEquals(error.count, 1);
  assertEquals(text(), "");
});

Deno.test("an output that is closed ends the run instead of being tried for ever", async () => {
  const sink = new StdoutSink(() =>
    Promise.reject(new Deno.errors.BrokenPipe("Broken pipe (os error 32)"))
  );
  await assertRejects(
    () => sink.send(AUDIT, auditEvents(1), NEVER),
    GaveUpError,
    "cannot write to standard output: Broken pipe (os error 32)",
  );
});
