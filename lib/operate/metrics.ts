/**
 * Metrics for Prometheus. The only file that imports prom-client.
 *
 * What is counted is counted elsewhere, in plain numbers, and copied when somebody
 * asks: an event costs nothing more for it.
 *
 * @module
 */

import { Counter, Gauge, Registry } from "prom-client";
import type { Monitor } from "./monitor.ts";

const PREFIX = "teleport_event_handler_";

/** The metrics of one run. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(monitor: Monitor) {
    this.#counter(
      "events_read_total",
      "Events read from Teleport.",
      "kind",
      () => byKind(monitor, "read"),
    );
    this.#counter(
      "events_filtered_total",
      "Events that the configured filters keep from being sent.",
      "kind",
      () => byKind(monitor, "filtered"),
    );
    this.#counter(
      "events_delivered_total",
      "Events that Fluentd has acknowledged.",
      "kind",
      () => byKind(monitor, "delivered"),
    );
    this.#counter(
      "events_set_aside_total",
      "Events that Fluentd refused for good, set aside in the state directory.",
      "kind",
      () => byKind(monitor, "setAside"),
    );
    this.#gauge(
      "lag_seconds",
      "Seconds up to now for which it is not known that every event is delivered; 0 when Teleport had nothing newer.",
      () => monitor.lagSeconds() ?? NaN,
    );
  }

  /** All of them, and the content type of the text. */
  async text(): Promise<{ text: string; contentType: string }> {
    const text = await this.#registry.metrics();
    return { text, contentType: this.#registry.contentType };
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    label: Label,
    read: () => Readonly<Record<string, number>>,
  ): void {
    new Counter({
      name: PREFIX + name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) {
          this.labels(value).inc(count);
        }
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function byKind(
  monitor: Monitor,
  count: "read" | "filtered" | "delivered" | "setAside",
): Record<string, number> {
  const { audit, recording } = monitor.counters;
  return { audit: audit[count], recording: recording[count] };
}
