import type {
  Batch,
  ExportPosition,
  PagePosition,
  Position,
} from "../../lib/event.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { auditSource } from "../../lib/teleport/audit_source.ts";
import { assertEquals } from "../assert.ts";
import { auditEvents, idsOf, position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";

const EXPORT: ExportPosition = {
  kind: "export",
  days: { "2026-02-28": { done: ["a"], cursors: {} } },
  newest: null,
};
const READ: PagePosition = {
  ...position("next"),
  newest: { time: "2026-03-01T12:00:00Z", keys: [] },
};
const FRESH = position("");

interface Options {
  readonly hasExport?: boolean;
  /** Whether each page leads to another one. */
  readonly more?: readonly boolean[];
}

/** What is read from a position, by which way, and what is told. */
async function readFrom(from: Position, options: Options = {}) {
  const { hasExport = true, more = [true, false, false] } = options;
  const asked: Position[] = [];
  const told: string[] = [];
  let open = 0;
  const source = <At extends Position>(
    batches: readonly Batch<At>[],
  ): Source<At> => ({
    async *read(from) {
      asked.push(from);
      open++;
      try {
        yield* batches;
      } finally {
        open--;
      }
    },
  });
  const audit = auditSource({
    pages: source(more.map((more, i) => ({
      events: auditEvents(1, { first: i, prefix: "page" }),
      position: READ,
      more,
    }))),
    chunks: hasExport
      ? source([{
        events: auditEvents(1, { prefix: "chunk" }),
        position: EXPORT,
        more: false,
      }])
      : undefined,
    startTime: "2026-01-01T00:00:00Z",
    clock: new FakeClock(),
    observer: {
      tookOver: () => told.push("took over"),
      fellBack: (since) => told.push(`fell back ${since}`),
    },
  });
  const read: string[] = [];
  const stop = never();
  for await (const { events } of audit.read(from, stop)) {
    read.push(...idsOf(events));
  }
  assertEquals(open, 0);
  return { read, asked: asked.map(({ kind }) => kind), told };
}

Deno.test("where nothing is read yet, bulk export is the way, if there is one", async () => {
  assertEquals(await readFrom(FRESH), {
    read: ["chunk0"],
    asked: ["export"],
    told: [],
  });
  assertEquals(await readFrom(FRESH, { hasExport: false }), {
    read: ["page0", "page1", "page2"],
    asked: ["page"],
    told: [],
  });
});

Deno.test("a position in chunks goes on in chunks", async () => {
  assertEquals(await readFrom(EXPORT), {
    read: ["chunk0"],
    asked: ["export"],
    told: [],
  });
});

for (
  const [name, from] of [
    ["a page", READ],
    ["a cursor", position("from the user")],
    ["another program's last event", { ...FRESH, after: "id" }],
    ["events that were seen", { ...FRESH, seen: ["id"] }],
  ] as const
) {
  Deno.test(`${name} is gone on from until pages have caught up, and then in chunks`, async () => {
    assertEquals(await readFrom(from), {
      read: ["page0", "page1", "chunk0"],
      asked: ["page", "export"],
      told: ["took over"],
    });
  });
}

Deno.test("bulk export goes on where pages have caught up, and not where they began", async () => {
  let from: Position | undefined;
  const audit = auditSource({
    pages: {
      async *read(position) {
        yield { events: [], position, more: true };
        yield { events: [], position: READ, more: false };
      },
    },
    chunks: {
      async *read(position) {
        from = position;
        yield* [];
      },
    },
    startTime: "2026-01-01T00:00:00Z",
    clock: new FakeClock(),
    observer: { tookOver() {}, fellBack() {} },
  });
  const old = { ...READ, newest: { time: "2026-02-01T00:00:00Z", keys: [] } };
  await Array.fromAsync(audit.read(old, never()));
  assertEquals(from?.newest, { time: "2026-03-01T12:00:00Z" });
});

Deno.test("pages that end without having caught up were stopped", async () => {
  assertEquals(await readFrom(READ, { more: [true] }), {
    read: ["page0"],
    asked: ["page"],
    told: [],
  });
});

Deno.test("where bulk export is gone, pages go on with the days that were not done", async () => {
  assertEquals(await readFrom(EXPORT, { hasExport: false }), {
    read: ["page0", "page1", "page2"],
    asked: ["page"],
    told: ["fell back 2026-02-28T00:00:00Z"],
  });
});

Deno.test("what came while a page was waited for is not taken to be before the user's cursor", async () => {
  const clock = new FakeClock();
  const audit = auditSource({
    pages: {
      async *read(position) {
        const askedMs = clock.now();
        await clock.advance(60 * 60_000);
        yield { events: [], position, more: false, askedMs };
      },
    },
    chunks: {
      async *read(position) {
        yield { events: [], position, more: false };
      },
    },
    startTime: "2026-01-01T00:00:00Z",
    clock,
    observer: { tookOver() {}, fellBack() {} },
  });
  const reading = audit.read(position("from the user"), never());
  const batches = await Array.fromAsync(reading);
  assertEquals(batches.at(-1)?.position, {
    kind: "export",
    days: { "2026-03-01": { done: [], cursors: {} } },
    newest: null,
    pages: { until: "2026-03-01T11:50:00Z", keys: [] },
  });
});
