/**
 * A cluster's audit log and its recordings: generated from a seed, appended to
 * while it is read, and what the tests compare with what arrived.
 *
 * @module
 */

import { ExportChunks } from "./export_chunks.ts";
import { EventGenerator, type GeneratorOptions } from "./generated_events.ts";
import type { LogEvent } from "./log_event.ts";
import { Random } from "./random.ts";
import {
  generateRecording,
  listRecording,
  type Recording,
} from "./recordings.ts";
import { encodeEvent } from "./wire.ts";

/** What the log is like. */
export interface AuditLogOptions extends GeneratorOptions {
  /** How many generated events it begins with; default 0. */
  readonly size?: number;
  /** Fewest and most events of a generated recording; default 5 and 40. */
  readonly recordingEvents?: readonly [fewest: number, most: number];
  /** Most events of one chunk of the bulk export; default 500. */
  readonly exportChunkEvents?: number;
  /** Most bytes of encoded events that are kept; default 256 MiB. */
  readonly cacheBytes?: number;
}

/** An event made to order, or the position of a generated one. */
type Entry = LogEvent | number;

const LENGTH_SEED = 0x1e46_7411;

/** An audit log in order of time. */
export class AuditLog {
  readonly #generator: EventGenerator;
  readonly #seed: number;
  readonly #recordingEvents: readonly [number, number];
  readonly #entries: Entry[] = [];
  readonly #chunks: ExportChunks<Entry>;
  readonly #recordings = new Map<string, Recording>();
  readonly #lengths = new Map<string, number>();
  readonly #encoded = new Map<Entry, Uint8Array>();
  #cacheBytes: number;
  #generated = 0;

  constructor(options: AuditLogOptions = {}) {
    const {
      size = 0,
      seed = 1,
      recordingEvents = [5, 40],
      exportChunkEvents = 500,
      cacheBytes = 256 * 1024 * 1024,
    } = options;
    this.#generator = new EventGenerator(options);
    this.#seed = seed;
    this.#recordingEvents = recordingEvents;
    this.#chunks = new ExportChunks(
      exportChunkEvents,
      (entry) => this.#timeUs(entry),
    );
    this.#cacheBytes = cacheBytes;
    this.grow(size);
  }

  /** How many events it has. */
  get size(): number {
    return this.#entries.length;
  }

  /** Appends so many generated events; their times go on at the log's pace. */
  grow(count: number): void {
    const positions = Array.from(
      { length: count },
      (_, i) => this.#generated + i,
    );
    this.#generated += count;
    this.#add(positions);
  }

  /** Adds events made to order, each at its time and behind those of the same time. */
  append(...events: readonly LogEvent[]): void {
    this.#add(events);
  }

  /** Encodes all events now, so that none has to be while it is asked for. */
  prepare(): void {
    for (const entry of this.#entries) this.#encode(entry);
  }

  /** All events, in order of time. */
  *events(): Generator<LogEvent> {
    for (const entry of this.#entries) yield this.#event(entry);
  }

  /** The ids of all events, in order of time. */
  *ids(): Generator<string> {
    for (const { id } of this.events()) yield id;
  }

  /** The event at a position from 0 up to `size`. */
  at(position: number): LogEvent {
    return this.#event(this.#entry(position));
  }

  /** Its type, which costs a fraction of the event. */
  typeAt(position: number): string {
    const entry = this.#entry(position);
    return typeof entry === "number" ? this.#generator.type(entry) : entry.type;
  }

  /** Its time, microseconds since the epoch. */
  timeUsAt(position: number): number {
    return this.#timeUs(this.#entry(position));
  }

  /** The event as it goes over the wire. */
  encodedAt(position: number): Uint8Array {
    return this.#encode(this.#entry(position));
  }

  /** The position of the first event at that time or later; `size` where there is none. */
  firstAt(timeUs: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeUsAt(middle) < timeUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The chunks of the UTC day with this time, microseconds since the epoch. */
  chunkNames(timeUs: number): string[] {
    return this.#chunks.names(timeUs);
  }

  /** A chunk's events, in its order. */
  *chunk(name: string): Generator<LogEvent> {
    for (const entry of this.#chunks.get(name) ?? []) yield this.#event(entry);
  }

  /** A chunk's events as they go over the wire; `undefined` where there is no such chunk. */
  encodedChunk(name: string): Iterable<Uint8Array> | undefined {
    return this.#chunks.get(name)?.values().map((entry) => this.#encode(entry));
  }

  /** The sessions whose `session.upload` is in the log, in order of time. */
  *sessionIds(): Generator<string> {
    for (let position = 0; position < this.size; position++) {
      if (this.typeAt(position) !== "session.upload") continue;
      yield String(this.at(position).json["sid"]);
    }
  }

  /** The recording of a session; `undefined` where there is none. */
  recording(sessionId: string): Recording | undefined {
    const made = this.#recordings.get(sessionId);
    if (made !== undefined) return made;
    const upload = this.#generator.uploadOf(sessionId);
    if (upload === undefined || upload >= this.#generated) return undefined;
    return generateRecording({
      seed: this.#seed,
      sessionId,
      endUs: this.#generator.timeUs(upload),
      length: this.#lengths.get(sessionId) ?? this.#usualLength(upload),
    });
  }

  /** Makes a generated recording so many events long. */
  resizeRecording(sessionId: string, events: number): void {
    this.#lengths.set(sessionId, events);
  }

  /** Gives a session a recording made to order. */
  putRecording(sessionId: string, events: readonly LogEvent[]): void {
    this.#recordings.set(sessionId, listRecording(events));
  }

  #add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const timeUs = this.#timeUs(entry);
      const { size } = this;
      // Nearly always the newest, for which there is nothing to look for.
      if (size === 0 || this.timeUsAt(size - 1) <= timeUs) {
        this.#entries.push(entry);
      } else {
        this.#entries.splice(this.firstAt(timeUs + 1), 0, entry);
      }
    }
    this.#chunks.add(entries);
  }

  #entry(position: number): Entry {
    const entry = this.#entries[position];
    if (entry === undefined) {
      throw new RangeError(`No event ${position} in a log of ${this.size}`);
    }
    return entry;
  }

  #event(entry: Entry): LogEvent {
    return typeof entry === "number" ? this.#generator.event(entry) : entry;
  }

  #timeUs(entry: Entry): number {
    return typeof entry === "number"
      ? this.#generator.timeUs(entry)
      : entry.timeUs;
  }

  #encode(entry: Entry): Uint8Array {
    const kept = this.#encoded.get(entry);
    if (kept !== undefined) return kept;
    const bytes = encodeEvent(this.#event(entry));
    if (bytes.length <= this.#cacheBytes) {
      this.#cacheBytes -= bytes.length;
      this.#encoded.set(entry, bytes);
    }
    return bytes;
  }

  #usualLength(upload: number): number {
    const [fewest, most] = this.#recordingEvents;
    const random = new Random(this.#seed ^ LENGTH_SEED, upload);
    return fewest + random.below(most - fewest + 1);
  }
}
