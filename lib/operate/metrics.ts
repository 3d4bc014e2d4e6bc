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
import { type Metric, METRICS, PREFIX } from "./metric_table.ts";
import type { Monitor } from "./monitor.ts";
import type { RequestOutcome } from "./status_report.ts";

const REQUEST_SECONDS = [
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
];
const PAGE_EVENTS = [0, 1, 10, 20, 50, 100, 200, 500, 1_000, 10_000];
const SAVE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** The metrics of one run. */
export class Metrics implements Measurements {
  readonly #registry = new Registry();
  readonly #requestSeconds: Histogram;
  readonly #pageEvents: Histogram;
  readonly #pageSeconds: Histogram;
  readonly #saveSeconds: Histogram;

  constructor(monitor: Monitor) {
    for (const metric of METRICS) this.#add(metric, monitor);
    const registers = [this.#registry];
    this.#requestSeconds = new Histogram({
      name: `${PREFIX}request_duration_seconds`,
      help: "How long requests to Fluentd took, by outcome.",
      labelNames: ["outcome"],
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#pageEvents = new Histogram({
      name: `${PREFIX}page_events`,
      help: "Events on each page of the audit log, those seen before included.",
      buckets: PAGE_EVENTS,
      registers,
    });
    this.#pageSeconds = new Histogram({
      name: `${PREFIX}page_duration_seconds`,
      help: "How long pages of the audit log took to come.",
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#saveSeconds = new Histogram({
      name: `${PREFIX}state_save_duration_seconds`,
      help: "How long it took until the state was safely on disk.",
      buckets: SAVE_SECONDS,
      registers,
    });
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
}
