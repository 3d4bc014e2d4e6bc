/**
 * An endless audit log that follows from a seed: any event of it can be had
 * without those before it.
 *
 * @module
 */

import { pickKind } from "./events/catalogue.ts";
import { SESSION_UPLOAD } from "./events/ssh.ts";
import { CLUSTER_NAME, type LogEvent, timeText } from "./log_event.ts";
import { positionIn, Random } from "./random.ts";

/** What the generated log is like. */
export interface GeneratorOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Time of the first event, milliseconds since the epoch; default 2026-01-01. */
  readonly startMs?: number;
  /** Mean time from one event to the next, at least 1; default 1000. */
  readonly spacingMs?: number;
  /** One event in so many is a `session.upload`; default 0, none. */
  readonly uploadEvery?: number;
}

// Different uses of one seed must not see the same numbers.
const SESSION_SEED = 0x5e55_1011;

// Events come in blocks of this size, and in each they are spread differently.
const BLOCK = 64;
const BURST_START = 8;
const BURST_END = 56;

/** The generated log. */
export class EventGenerator {
  readonly #seed: number;
  readonly #startUs: number;
  readonly #spacingUs: number;
  readonly #uploadEvery: number;

  constructor(options: GeneratorOptions = {}) {
    const {
      seed = 1,
      startMs = Date.UTC(2026, 0, 1),
      spacingMs = 1_000,
      uploadEvery = 0,
    } = options;
    this.#seed = seed;
    this.#startUs = startMs * 1_000;
    this.#spacingUs = spacingMs * 1_000;
    this.#uploadEvery = uploadEvery;
  }

  /** The event at a position, from 0 on. */
  event(position: number): LogEvent {
    const random = new Random(this.#seed, position);
    const { type, code, fields } = this.#kind(position, random);
    const timeUs = this.timeUs(position);
    const id = random.uuid(position);
    const json = {
      ei: 0,
      event: type,
      uid: id,
      code,
      time: timeText(timeUs),
      "cluster_name": CLUSTER_NAME,
      ...fields(random, this.#sessionId(position)),
    };
    return { type, id, timeUs, index: 0, json };
  }

  /** Its type, which costs a fraction of the event. */
  type(position: number): string {
    return this.#kind(position, new Random(this.#seed, position)).type;
  }

  /**
   * Its time, microseconds since the epoch. Never decreases: events come one by
   * one, in pairs of the same time, or 48 at once.
   */
  timeUs(position: number): number {
    const block = Math.floor(position / BLOCK);
    const slot = block * BLOCK + spread(block, position % BLOCK);
    // Every other block has times finer than a millisecond.
    const micros = block % 2 === 0 ? 0 : slot * 37 % 1_000;
    return this.#startUs + slot * this.#spacingUs + micros;
  }

  /** The position of the `session.upload` of this session, where there is one. */
  uploadOf(sessionId: string): number | undefined {
    const position = positionIn(sessionId);
    return this.#isUpload(position) && this.#sessionId(position) === sessionId
      ? position
      : undefined;
  }

  #kind(position: number, random: Random) {
    return this.#isUpload(position) ? SESSION_UPLOAD : pickKind(random);
  }

  #isUpload(position: number): boolean {
    const every = this.#uploadEvery;
    return every > 0 && position % every === every - 1;
  }

  #sessionId(position: number): string {
    return new Random(this.#seed ^ SESSION_SEED, position).uuid(position);
  }
}

function spread(block: number, offset: number): number {
  switch (block % 4) {
    case 1:
      return offset - offset % 2;
    case 2:
      return offset > BURST_START && offset < BURST_END ? BURST_START : offset;
    default:
      return offset;
  }
}
