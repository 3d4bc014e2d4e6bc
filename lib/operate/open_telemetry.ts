/**
 * Spans by OpenTelemetry. The only file that imports its API; the runtime sends
 * what comes of it, as the environment says.
 *
 * @module
 */

import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Tracer } from "./tracer.ts";

/** A tracer for the provider that the runtime has registered. */
export function createTracer(): Tracer {
  const tracer = trace.getTracer("teleport-event-handler");
  return {
    begin(name, attributes) {
      const kind = SpanKind.CLIENT;
      const span = tracer.startSpan(name, { kind, attributes });
      return {
        run: (work) =>
          context.with(trace.setSpan(context.active(), span), work),
        end(outcome, more = {}) {
          span.setAttributes(more);
          if (outcome === "failed") {
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
  };
}
