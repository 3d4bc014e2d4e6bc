/**
 * Spans, for who wants to know where time goes.
 *
 * @module
 */

/** What a span may say: numbers and names, never what is in events. */
export type Attributes = Readonly<Record<string, string | number>>;

/** Something that takes time. */
export interface Span {
  /** Does something as a part of it: what begins meanwhile is within it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  end(outcome: "ok" | "failed", attributes?: Attributes): void;
}

/** What takes time: calls to Teleport, and requests to the receiver. */
export type SpanName = "page" | "chunk" | "recording" | "request";

/** Begins spans. */
export interface Tracer {
  begin(name: SpanName, attributes: Attributes): Span;
}
