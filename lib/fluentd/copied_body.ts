/**
 * The copy that fetch makes of a request's body, in memory that is used again.
 *
 * Deno copies a body with `Uint8Array.prototype.slice`, which asks the class of what
 * it copies for the new array (ECMAScript, TypedArraySpeciesCreate). Unasked, each
 * copy lies in memory of its own outside of V8's heap, where little tells the
 * garbage collector that there is something to collect. Should fetch copy in another
 * way one day, it makes memory of its own again, and nothing else changes.
 *
 * @module
 */

import { freeMemory, takeMemory } from "../own_memory.ts";

/** Less is collected along with what else a request takes, and costs more to lend. */
const LEAST_BYTES = 16 * 1024;

/** One body, for one request. */
export class CopiedBody implements Disposable {
  /** For fetch. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #copies: Uint8Array[] = [];

  /** @param body May be written over once fetch was called */
  constructor(body: Uint8Array<ArrayBuffer>) {
    this.bytes = body.length < LEAST_BYTES
      ? body
      : withSlices(body, (length) => this.#take(length));
  }

  /** Gives the memory back: for when the request is over. */
  [Symbol.dispose](): void {
    for (const copy of this.#copies.splice(0)) freeMemory(copy);
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    const copy = takeMemory(length);
    this.#copies.push(copy);
    return copy;
  }
}

/** The same bytes, of which every slice is copied into what `take` returns. */
function withSlices(
  { buffer, byteOffset, length }: Uint8Array<ArrayBuffer>,
  take: (length: number) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  // Called as a constructor, which an arrow function is not.
  const species = function (length: number) {
    return take(length);
  };
  return Object.defineProperty(
    new Uint8Array(buffer, byteOffset, length),
    "constructor",
    { value: { [Symbol.species]: species } },
  );
}
