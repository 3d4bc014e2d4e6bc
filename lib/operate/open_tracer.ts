/**
 * There are spans only where Deno's own OpenTelemetry is on; without it nothing of
 * that is even loaded.
 *
 * @module
 */

import type { Tracer } from "./tracer.ts";

/** Where OpenTelemetry's API is registered, as every version of it agrees on. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** Deno's tracer; undefined where OpenTelemetry is off. */
export async function openTracer(): Promise<Tracer | undefined> {
  if (!(REGISTERED in globalThis)) return undefined;
  const { createTracer } = await import("./open_telemetry.ts");
  return createTracer();
}
