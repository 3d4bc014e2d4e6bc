/**
 * The configured receiver.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { FluentdConfig } from "../config/config.ts";
import { FluentdSink } from "../fluentd/sink.ts";
import { loadTls } from "../fluentd/tls.ts";
import type { RequestObserver } from "../pipeline/request_observer.ts";

/**
 * Reads the certificates and makes the sink; connects on first use.
 *
 * @throws {ConfigError} naming the option and the file
 */
export async function openFluentdSink(
  fluentd: FluentdConfig,
  options: { clock: Clock; observer?: RequestObserver },
): Promise<FluentdSink> {
  const tls = await loadTls(fluentd, options.clock.now());
  return new FluentdSink({
    ...fluentd,
    maxEvents: fluentd.batch,
    maxBytes: fluentd.batchBytes,
    tls: () => tls,
    ...options,
  });
}
