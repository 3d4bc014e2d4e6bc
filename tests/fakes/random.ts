/**
 * Randomness that comes out the same every time.
 *
 * @module
 */

const BYTES = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** Numbers, choices and ids that follow from a seed and a position. */
export class Random {
  #state: number;

  /** The same for the same `seed` and `position`: nothing has to be kept. */
  constructor(seed: number, position: number) {
    // The odd factor keeps positions apart: no two of them share a state.
    this.#state = (Math.imul(seed, 0x85eb_ca6b) ^
      Math.imul(position, 0x9e37_79b1)) | 0;
  }

  /** 32 random bits (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let bits = Math.imul(
      this.#state ^ (this.#state >>> 15),
      this.#state | 1,
    );
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() / 2 ** 32 * limit);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  /** One of `items`, of which there has to be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** `digits` hexadecimal digits, at most 8. */
  hex(digits: number): string {
    return hex(this.next()).slice(0, digits);
  }

  /** A UUID that ends in `position`, which makes it unique and easy to find again. */
  uuid(position: number): string {
    const end = hex(position);
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-a${this.hex(3)}-${
      this.hex(4)
    }${end}`;
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next();
    return bytes;
  }
}

/** The position that a UUID made here ends in. */
export function positionIn(uuid: string): number {
  return Number.parseInt(uuid.slice(-8), 16);
}

/** Eight digits. */
function hex(value: number): string {
  return BYTES[value >>> 24] as string + BYTES[value >>> 16 & 0xff] +
    BYTES[value >>> 8 & 0xff] + BYTES[value & 0xff];
}
