/**
 * An audit log in memory that is exported in chunks, with mistakes by script.
 *
 * @module
 */

import type { AuditEvent } from "../../lib/event.ts";
import type { ChunkRequest } from "../../lib/teleport/client.ts";
import type { ChunkEvents } from "../../lib/teleport/event_batches.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { dateOf } from "../../lib/teleport/export_position.ts";
import { sampleEvent } from "./sample_event.ts";

/** Events of one batch. */
const BATCH = 2;

/** Chunks by day, and what they were asked for. */
export class ScriptedChunks {
  /** Days that were listed, in order. */
  readonly listed: string[] = [];
  /** Chunks that were opened, in order, with the cursor where there was one. */
  readonly opened: string[] = [];
  /** Asked before a day is listed; throws or waits in its place. */
  listFault: ((day: string, signal: AbortSignal) => unknown) | undefined;
  /** Asked before each batch of a chunk, with the number of events before it. */
  chunkFault:
    | ((chunk: string, before: number, signal: AbortSignal) => unknown)
    | undefined;
  /** Streams that are open, and the most that were. */
  open = 0;
  mostOpen = 0;
  /** Events that were taken out of streams. */
  taken = 0;
  readonly #days = new Map<string, Map<string, AuditEvent[]>>();

  /** Adds a chunk with so many events at the beginning of its day. */
  add(day: string, chunk: string, count: number): AuditEvent[] {
    return this.put(
      day,
      chunk,
      Array.from({ length: count }, (_, i) =>
        sampleEvent({
          id: `${chunk}${i}`,
          timeMs: Date.parse(day) + 1_000 * i,
        })),
    );
  }

  /** Adds a chunk of these events. */
  put(day: string, chunk: string, events: AuditEvent[]): AuditEvent[] {
    const chunks = this.#days.get(day) ?? new Map();
    this.#days.set(day, chunks.set(chunk, events));
    return events;
  }

  /** Takes a chunk away. */
  remove(day: string, chunk: string): void {
    this.#days.get(day)?.delete(chunk);
  }

  /** The ids of all events, sorted. */
  get ids(): string[] {
    return this.#days.values()
      .flatMap((chunks) => chunks.values().flatMap((events) => events))
      .map(({ id }) => id).toArray().sort();
  }

  readonly listChunks = async (
    dayMs: number,
    signal: AbortSignal,
  ): Promise<string[]> => {
    signal.throwIfAborted();
    const day = dateOf(dayMs);
    this.listed.push(day);
    await this.listFault?.(day, signal);
    return [...this.#days.get(day)?.keys() ?? []].reverse();
  };

  readonly exportEvents = (
    request: ChunkRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ChunkEvents> => this.#stream(request, signal);

  async *#stream(
    { dayMs, chunk, cursor }: ChunkRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ChunkEvents> {
    this.opened.push(cursor === "" ? chunk : `${chunk} after ${cursor}`);
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      const events = this.#days.get(dateOf(dayMs))?.get(chunk);
      if (events === undefined) {
        throw new TeleportError(`no chunk ${chunk}`, "NOT_FOUND");
      }
      for (let from = Number(cursor); from < events.length;) {
        signal.throwIfAborted();
        await this.chunkFault?.(chunk, from, signal);
        const batch = events.slice(from, from + BATCH);
        from += batch.length;
        this.taken += batch.length;
        yield { events: batch, cursor: String(from) };
      }
      await this.chunkFault?.(chunk, events.length, signal);
    } finally {
      this.open--;
    }
  }
}
