/** Types of what is used of the standard library's async functions: the package that republishes them for npm carries none. */

/** Waits no longer than the signal lets it, and rejects with its reason then; what is waited for goes on. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T>;

/** Resolves after so many milliseconds; rejects with the signal's reason once it aborts. */
export function delay(
  ms: number,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<void>;
