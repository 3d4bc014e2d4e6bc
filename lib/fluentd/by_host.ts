/**
 * One of something for each host.
 *
 * @module
 */

/** Made when it is asked for, and kept. */
export class ByHost<T> {
  readonly #create: () => T;
  readonly #byOrigin = new Map<string, T>();

  constructor(create: () => T) {
    this.#create = create;
  }

  /** That of the host which the URL leads to. */
  of(url: string): T {
    const { origin } = new URL(url);
    let one = this.#byOrigin.get(origin);
    if (one === undefined) {
      one = this.#create();
      this.#byOrigin.set(origin, one);
    }
    return one;
  }
}
