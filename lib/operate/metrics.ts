/**
 * Metrics for Prometheus. The only file that imports prom-client.
 *
 * What is counted is counted elsewhere, in plain numbers, and copied when somebody
 * asks: an event costs nothing more for it.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Measurements } from "./measurements.ts";
import {
  type HistogramMetric,
  HISTOGRAMS,
  type Metric,
  METRICS,
} from "./metric_table.ts";
import type { Monitor } from "./monitor.ts";
import type { RequestOutcome } from "./status_report.ts";

/** The metrics of one run. */
export class Metrics implements Measurements {
  readonly #registry = new Registry();
  readonly #requestSeconds: Histogram;
  readonly #pageEvents: Histogram;
  readonly #pageSeconds: Histogram;
  readonly #saveSeconds: Histogram;

  constructor(monitor: Monitor) {
    for (const metric of METRICS) this.#add(metric, monitor);
    this.#requestSeconds = this.#histogram(HISTOGRAMS.requestSeconds);
    this.#pageEvents = this.#histogram(HISTOGRAMS.pageEvents);
    this.#pageSeconds = this.#histogram(HISTOGRAMS.pageSeconds);
    this.#saveSeconds = this.#histogram(HISTOGRAMS.saveSeconds);
  }

  request(outcome: RequestOutcome, seconds: number): void {
    this.#requestSeconds.observe({ outcome }, seconds);
  }

  page(events: number, seconds: number): void {
    this.#pageEvents.observe(events);
    this.#pageSeconds.observe(seconds);
  }

  save(seconds: number): void {
    this.#saveSeconds.observe(seconds);
  }

  /** All of them, and the content type of the text. */
  async text(): Promise<{ text: string; contentType: string }> {
    const text = await this.#registry.metrics();
    return { text, contentType: this.#registry.contentType };
  }

  #add({ name, help, labels, read }: Metric, monitor: Monitor): void {
    const options = {
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
    };
    if (name.endsWith("_total")) {
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [value, by = {}] of read(monitor)) this.inc(by, value);
        },
      });
    } else {
      new Gauge({
        ...options,
        collect() {
          this.reset();
          // Otherwise one without labels is 0 where it is not known.
          if (labels.length === 0) this.remove();
          for (const [value, by = {}] of read(monitor)) this.set(by, value);
        },
      });
    }
  }

  #histogram({ name, help, labels, buckets }: HistogramMetric): Histogram {
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.#registry],
    });
  }
}
