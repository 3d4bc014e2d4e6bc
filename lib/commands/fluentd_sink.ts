/**
 * The configured receiver.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { FluentdConfig } from "../config/config.ts";
import { FluentdSink } from "../fluentd/sink.ts";
import { loadTls } from "../fluentd/tls.ts";

/**
 * Reads the certificates and makes the sink; connects on first use.
 *
 * @throws {ConfigError} naming the option and the file
 */
export async function openFluentdSink(
  fluentd: FluentdConfig,
  clock: Clock,
): Promise<FluentdSink> {
  const tls = await loadTls(fluentd, clock.now());
  return new FluentdSink({
    ...fluentd,
    maxEvents: fluentd.batch,
    maxBytes: fluentd.batchBytes,
    tls: () => tls,
    clock,
  });
}
