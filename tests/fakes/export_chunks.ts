/**
 * The audit log cut into chunks for bulk export: some for each day, each of them
 * the same for good once it is there.
 *
 * @module
 */

const DAY_US = 24 * 60 * 60 * 1_000_000;

/** Chunks of things that have a time. */
export class ExportChunks<T> {
  readonly #timeUs: (item: T) => number;
  readonly #chunkSize: number;
  readonly #days = new Map<number, T[][]>();

  /** @param timeUs When an item happened, microseconds since the epoch */
  constructor(chunkSize: number, timeUs: (item: T) => number) {
    this.#chunkSize = chunkSize;
    this.#timeUs = timeUs;
  }

  /** Adds what arrived together, as new chunks. */
  add(items: readonly T[]): void {
    const open = new Map<number, T[]>();
    for (const item of items) {
      const day = dayOf(this.#timeUs(item));
      let chunk = open.get(day);
      if (chunk === undefined || chunk.length === this.#chunkSize) {
        chunk = [];
        open.set(day, chunk);
        this.#chunksOf(day).push(chunk);
      }
      chunk.push(item);
    }
  }

  /** Names of the chunks of the UTC day with this time, in no useful order. */
  names(timeUs: number): string[] {
    const day = dayOf(timeUs);
    return this.#chunksOf(day).map((_, i) => nameOf(day, i)).reverse();
  }

  /** What is in a chunk, not in order of time; `undefined` where there is none. */
  get(name: string): readonly T[] | undefined {
    const [day = NaN, i = NaN] = name.split("-").map(Number);
    return this.#days.get(day)?.[i]?.toReversed();
  }

  #chunksOf(day: number): T[][] {
    let chunks = this.#days.get(day);
    if (chunks === undefined) this.#days.set(day, chunks = []);
    return chunks;
  }
}

function dayOf(timeUs: number): number {
  return Math.floor(timeUs / DAY_US);
}

function nameOf(day: number, i: number): string {
  return `${day}-${i}`;
}
