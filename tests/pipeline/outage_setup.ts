/**
 * A whole pipeline in faked time, between two ends that can be away.
 *
 * @module
 */

import type { AuditEvent } from "../../lib/event.ts";
import { Accounts } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { run } from "../../lib/pipeline/run.ts";
import { auditSource } from "../../lib/teleport/audit_source.ts";
import { ExportSource } from "../../lib/teleport/export_source.ts";
import { PageSource } from "../../lib/teleport/page_source.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import { sampleEvent } from "../teleport/sample_event.ts";
import { ScriptedLog } from "../teleport/scripted_log.ts";

export const MAX_REQUESTS = 4;
export const MAX_EVENTS = 500;
export const CONCURRENCY = 5;
/** The longest wait between two attempts. */
export const STEP_MS = 30_000;
/** Events of a chunk, and how many of them come together. */
const CHUNK = 1_000;
const STREAMED = 50;
const POLICY = { initialMs: 500, maxMs: STEP_MS, timeoutMs: undefined };

/** One end: what it throws while it is away, and how often it was asked. */
export interface End {
  away: Error | undefined;
  asked: number;
}

/**
 * Starts a run that follows a log with so many events, one in `uploadEvery` an
 * upload, by pages or by chunks of a bulk export.
 */
export function startBetween(
  { events, uploadEvery = Infinity, by = "pages" }: {
    readonly events: number;
    readonly uploadEvery?: number;
    readonly by?: "pages" | "chunks";
  },
) {
  const clock = new FakeClock();
  const startMs = clock.now() - 60 * 60_000;
  const startTime = new Date(startMs).toISOString().slice(0, 19) + "Z";
  const log = new ScriptedLog();
  const teleport: End = { away: undefined, asked: 0 };
  const fluentd = {
    audit: { away: undefined, asked: 0 } as End,
    recording: { away: undefined, asked: 0 } as End,
  };
  const streams = { open: 0, most: 0 };
  const delivered: string[] = [];
  const counts = { read: 0, recordings: 0 };
  const appended: { readonly atMs: number; readonly events: number }[] = [];
  const caughtUp: { readonly askedMs: number; readonly read: number }[] = [];
  const random = new Random(1, 0);
  const stop = new AbortController();

  const append = (count: number): void => {
    const first = log.events.length;
    const timeMs = first === 0 ? startMs : clock.now() - count;
    log.add(...Array.from({ length: count }, (_, i) => {
      const id = `e${first + i}`;
      return sampleEvent({
        id,
        timeMs: timeMs + i,
        sessionId: i % uploadEvery === uploadEvery - 1 ? id : undefined,
      });
    }));
    appended.push({ atMs: clock.now(), events: log.events.length });
  };
  append(events);

  const createPages = () =>
    new PageSource({
      getEvents(request, signal) {
        teleport.asked++;
        return teleport.away === undefined
          ? log.getEvents(request, signal)
          : Promise.reject(teleport.away);
      },
      types: [],
      pageSize: undefined,
      startTime: "2026-01-01T00:00:00Z",
      windowMs: 24 * 60 * 60_000,
      pollMs: 5_000,
      follow: true,
      policy: POLICY,
      clock,
      observer: UNWATCHED.pages,
    });

  const createChunks = () =>
    new ExportSource({
      listChunks: () =>
        Promise.resolve(
          Array.from(
            { length: Math.ceil(log.events.length / CHUNK) },
            (_, i) => String(i),
          ),
        ),
      async *exportEvents({ chunk, cursor }) {
        const first = Number(chunk) * CHUNK;
        for (let from = Number(cursor); from < CHUNK; from += STREAMED) {
          teleport.asked++;
          if (teleport.away !== undefined) throw teleport.away;
          const end = Math.min(from + STREAMED, CHUNK);
          yield {
            events: log.events.slice(first + from, first + end),
            cursor: String(end),
          };
        }
      },
      types: [],
      startTime,
      concurrency: CONCURRENCY,
      pollMs: 5_000,
      follow: true,
      policy: POLICY,
      clock,
      observer: UNWATCHED.chunks,
    });

  const progress = new Progress({
    position: {
      kind: "page",
      start: startTime,
      cursor: "",
      seen: [],
      newest: null,
    },
    recordings: {},
  }, { clock, onChange: () => {} });
  const ended = run({
    progress,
    saver: {
      keepSaved: () => Promise.resolve(),
      saved: () => Promise.resolve(),
      save: () => Promise.resolve(),
    },
    accounts: new Accounts(),
    delivery: {
      sink: {
        send({ kind }, events) {
          const end = fluentd[kind];
          end.asked++;
          if (end.away !== undefined) return Promise.reject(end.away);
          if (kind === "audit") delivered.push(...idsOf(events));
          return Promise.resolve(events.length);
        },
        close: () => {},
      },
      quarantine: { setAside: () => Promise.resolve() },
      policy: POLICY,
      clock,
      random: () => random.next() / 2 ** 32,
      observer: UNWATCHED.delivery,
    },
    events: {
      source: auditSource({
        pages: createPages(),
        chunks: by === "chunks" ? createChunks() : undefined,
        startTime,
        clock,
        observer: { tookOver() {}, fellBack() {} },
      }),
      filter: typeFilter([], []),
      maxEvents: MAX_EVENTS,
      maxBytes: 1024 * 1024,
      maxRequests: MAX_REQUESTS,
      observer: {
        ...UNWATCHED.events,
        read: (count) => counts.read += count,
        caughtUp(askedMs = clock.now()) {
          caughtUp.push({ askedMs, read: counts.read });
          return () => {};
        },
      },
    },
    recordings: {
      source: {
        async *stream(sessionId) {
          streams.most = Math.max(streams.most, ++streams.open);
          try {
            for await (const event of recordingOf(sessionId)) {
              yield { events: [event] };
            }
          } finally {
            streams.open--;
          }
        },
      },
      filter: typeFilter([], []),
      concurrency: CONCURRENCY,
      maxEvents: MAX_EVENTS,
      maxBytes: 1024 * 1024,
      follow: true,
      clock,
      observer: {
        ...UNWATCHED.recordings,
        finished: () => counts.recordings++,
      },
    },
  }, { stop: stop.signal, kill: never() });

  return {
    clock,
    log,
    teleport,
    fluentd,
    progress,
    streams,
    delivered,
    counts,
    /** When how many events were in the log. */
    appended,
    /** When there was nothing newer than so many events, as the source says. */
    caughtUp,
    append,
    async [Symbol.asyncDispose]() {
      stop.abort();
      // What was in flight is delivered at the end, however a test ended.
      fluentd.audit.away = fluentd.recording.away = undefined;
      await clock.runUntil(ended);
    },
  };
}

function* recordingOf(sessionId: string): Generator<AuditEvent> {
  for (let index = 0; index < 3; index++) {
    yield sampleEvent({ id: `${sessionId}-${index}`, index });
  }
}
