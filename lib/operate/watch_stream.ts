/**
 * Streams of events, traced.
 *
 * @module
 */

import { callStatus } from "./outcome.ts";
import type { Span } from "./tracer.ts";

/**
 * The same stream; its span, which counts the events, is as long as reading takes.
 *
 * @param begin Begins the span, where there is to be one
 * @param onEnd Told where the stream was read to its end
 */
export async function* watchStream<
  Batch extends { readonly events: readonly unknown[] },
>(
  batches: AsyncIterable<Batch>,
  begin: () => Span | undefined,
  onEnd = () => {},
): AsyncGenerator<Batch> {
  const span = begin();
  let events = 0;
  let failure: unknown;
  try {
    for await (const batch of batches) {
      events += batch.events.length;
      yield batch;
    }
    onEnd();
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    if (failure === undefined) span?.end("ok", { events });
    else span?.end("failed", { events, status: callStatus(failure) });
  }
}
