/**
 * What a stream brings, in batches: part of the hot path.
 *
 * A message of its own memory takes as much again for what surrounds it. So the
 * messages of a batch are copied together, and that memory is freed at once when
 * the events are delivered.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { AuditEvent, EventBatch } from "../event.ts";
import { endsOwnMemory, freeMemory, takeMemory } from "../own_memory.ts";
import {
  decodeEvent,
  decodeExportedEvent,
  type EncodedMessage,
} from "./decode_events.ts";

/** Events of a chunk, in its order. */
export interface ChunkEvents extends EventBatch {
  /** Where the chunk goes on behind them. */
  readonly cursor: string;
}

/** Takes messages until they make a batch. */
export interface Collector<Batch> {
  /** Messages that were added. */
  readonly count: number;
  /** What they hold, roughly. */
  readonly bytes: number;
  /** Throws where the bytes are no such message, which does not count then. */
  add(message: Buffer): void;
  /** Of one message at least. */
  batch(): Batch;
}

/** The events of a session recording. */
export class RecordedEvents implements Collector<EventBatch> {
  readonly #memory = new MessageMemory();
  readonly #events: AuditEvent[] = [];
  count = 0;
  bytes = 0;

  add(message: Buffer): void {
    // It has none any more once its memory is freed.
    const { length } = message;
    const event = this.decode(this.#memory.copy(message));
    // What is refused is not counted: there may be nothing else.
    this.count++;
    this.bytes += length;
    if (event !== undefined) this.#events.push(event);
  }

  batch(): EventBatch {
    return { events: this.#events, release: () => this.#memory.free() };
  }

  protected decode(message: EncodedMessage): AuditEvent | undefined {
    return decodeEvent(message);
  }
}

/** The events of a chunk of a bulk export. */
export class ExportedEvents extends RecordedEvents
  implements Collector<ChunkEvents> {
  #cursor = "";

  override batch(): ChunkEvents {
    return { ...super.batch(), cursor: this.#cursor };
  }

  protected override decode(message: EncodedMessage): AuditEvent | undefined {
    const { event, cursor } = decodeExportedEvent(message);
    this.#cursor = cursor;
    return event;
  }
}

/** Whatever else messages are decoded to. */
export class DecodedMessages<Item> implements Collector<readonly Item[]> {
  readonly #decode: (message: Buffer) => Item;
  readonly #items: Item[] = [];
  bytes = 0;

  constructor(decode: (message: Buffer) => Item) {
    this.#decode = decode;
  }

  get count(): number {
    return this.#items.length;
  }

  add(message: Buffer): void {
    this.#items.push(this.#decode(message));
    this.bytes += message.length;
  }

  batch(): readonly Item[] {
    return this.#items;
  }
}

const SMALLEST_BLOCK = 16 * 1024;
const LARGEST_BLOCK = 256 * 1024;

/** Blocks of memory for messages, each twice as large as the one before. */
class MessageMemory {
  readonly #blocks: Buffer[] = [];
  #plain: Uint8Array = new Uint8Array();
  #used = 0;

  copy(message: Buffer): EncodedMessage {
    let memory = this.#blocks.at(-1);
    if (memory === undefined || this.#used + message.length > memory.length) {
      const next = memory === undefined ? SMALLEST_BLOCK : 2 * memory.length;
      const length = Math.max(message.length, Math.min(next, LARGEST_BLOCK));
      memory = takeMemory(length);
      this.#plain = new Uint8Array(memory.buffer, 0, length);
      this.#blocks.push(memory);
      this.#used = 0;
    }
    const start = this.#used;
    const end = start + message.length;
    memory.set(message, start);
    this.#used = end;
    // All before it is copied as well.
    if (endsOwnMemory(message)) freeMemory(message);
    return { memory, plain: this.#plain, start, end };
  }

  free(): void {
    for (const block of this.#blocks) freeMemory(block);
  }
}
