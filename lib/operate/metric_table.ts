/**
 * THE table of metrics: name, meaning, and where the value is read when somebody
 * asks, or how it is measured.
 *
 * @module
 */

import type { Counts } from "./counters.ts";
import type { Monitor } from "./monitor.ts";

/** One value for each combination of labels; none where it is not known. */
export type Values = readonly (readonly [
  value: number,
  labels?: Readonly<Record<string, string>>,
])[];

/** A metric whose value is read when somebody asks. */
export interface Metric {
  /** Ends with `_total` where it is a counter. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (monitor: Monitor) => Values;
}

/** Before the names of all metrics that are this program's own. */
const PREFIX = "teleport_event_handler_";

/** The metrics, in the order in which they are shown. */
export const METRICS: readonly Metric[] = [
  {
    name: `${PREFIX}events_read_total`,
    help: "Events read from Teleport, by kind.",
    labels: ["kind"],
    read: byKind("read"),
  },
  {
    name: `${PREFIX}events_filtered_total`,
    help: "Events that the configured filters keep from being sent, by kind.",
    labels: ["kind"],
    read: byKind("filtered"),
  },
  {
    name: `${PREFIX}events_delivered_total`,
    help: "Events that Fluentd has acknowledged, by kind.",
    labels: ["kind"],
    read: byKind("delivered"),
  },
  {
    name: `${PREFIX}events_set_aside_total`,
    help:
      "Events that Fluentd refused for good, set aside by this run, by kind.",
    labels: ["kind"],
    read: byKind("setAside"),
  },
  {
    name: `${PREFIX}events_left_out_total`,
    help:
      "Ranges of time with events that Teleport could not send, noted beside the events set aside.",
    labels: [],
    read: ({ counters }) => [[counters.leftOut]],
  },
  {
    name: `${PREFIX}events_unaccounted`,
    help:
      "Events read that are neither filtered, delivered, set aside nor in flight, by kind: anything but 0 is a fault of this program.",
    labels: ["kind"],
    read: ({ counters }) => labelled("kind", counters.unaccounted),
  },
  {
    name: `${PREFIX}rejected_events`,
    help:
      "Events that are set aside in the state directory now, and notes of those left out, by earlier runs too.",
    labels: [],
    read: (monitor) => [[monitor.setAside]],
  },
  {
    name: `${PREFIX}export_chunk_reads_total`,
    help:
      "Streams of chunks of a bulk export that were read to their end, also where nothing was new.",
    labels: [],
    read: ({ counters }) => [[counters.chunkReads]],
  },
  {
    name: `${PREFIX}requests_total`,
    help: "Requests to Fluentd that are over, by outcome.",
    labels: ["outcome"],
    read: ({ counters }) => labelled("outcome", counters.requests),
  },
  {
    name: `${PREFIX}request_bytes_total`,
    help: "Bytes of the bodies of these requests, as they were sent.",
    labels: ["outcome"],
    read: ({ counters }) => labelled("outcome", counters.requestBytes),
  },
  {
    name: `${PREFIX}requests_in_flight`,
    help: "Requests to Fluentd that are not over.",
    labels: [],
    read: ({ counters }) => [[counters.requestsInFlight]],
  },
  {
    name: `${PREFIX}retries_total`,
    help: "Attempts that failed and were made again, by side and reason.",
    labels: ["side", "reason"],
    read: ({ counters }) =>
      SIDES.flatMap((side) =>
        [...counters.retries[side]].map(([reason, count]) =>
          [count, { side, reason }] as const
        )
      ),
  },
  {
    name: `${PREFIX}side_up`,
    help: "1 where the last answer of a side was good, 0 where it was not.",
    labels: ["side"],
    read: (monitor) =>
      SIDES.flatMap((side) => {
        const { ok } = monitor[side].report();
        return ok === null ? [] : [[Number(ok), { side }]];
      }),
  },
  {
    name: `${PREFIX}side_since_timestamp_seconds`,
    help: "Since when the last answers of a side are as good as side_up says.",
    labels: ["side"],
    read: (monitor) =>
      SIDES.flatMap((side) => {
        const { ok, since } = monitor[side].report();
        return ok === null ? [] : [[Date.parse(since) / 1_000, { side }]];
      }),
  },
  {
    name: `${PREFIX}healthy`,
    help: "1 while everything that has something to do at least tries to.",
    labels: [],
    read: (monitor) => [[Number(monitor.health().ok)]],
  },
  {
    name: `${PREFIX}lag_seconds`,
    help:
      "How long ago every audit event was known to be delivered; 0 where Teleport had nothing newer at the last poll.",
    labels: [],
    read: (monitor) => known(monitor.lagSeconds()),
  },
  {
    name: `${PREFIX}position_timestamp_seconds`,
    help:
      "Time of the newest audit event that is delivered. All before it are, too, but for a bulk export's, which come in no order of time.",
    labels: [],
    read: (monitor) => known(monitor.positionSeconds()),
  },
  {
    name: `${PREFIX}recordings_pending`,
    help: "Session recordings that are not delivered completely.",
    labels: [],
    read: (monitor) => [[monitor.recordings().pending]],
  },
  {
    name: `${PREFIX}recordings_missing`,
    help: "Pending session recordings that could not be read for two days.",
    labels: [],
    read: (monitor) => [[monitor.recordings().missing]],
  },
  {
    name: `${PREFIX}recordings_delivered_total`,
    help: "Session recordings that are delivered completely.",
    labels: [],
    read: ({ counters }) => [[counters.recordingsFinished]],
  },
  {
    name: `${PREFIX}credential_expiry_timestamp_seconds`,
    help: "End of each certificate, by the option that names it.",
    labels: ["credential"],
    read: (monitor) =>
      monitor.credentials().map(({ name, notAfter }) => [
        Date.parse(notAfter) / 1_000,
        { credential: name },
      ]),
  },
  {
    name: `${PREFIX}credential_validity_seconds`,
    help:
      "How long each certificate is good, from its beginning to its end, by the option that names it.",
    labels: ["credential"],
    read: (monitor) =>
      monitor.credentials().map(({ name, notBefore, notAfter }) => [
        (Date.parse(notAfter) - Date.parse(notBefore)) / 1_000,
        { credential: name },
      ]),
  },
  {
    name: `${PREFIX}build_info`,
    help: "1, with the versions of this program and of Deno as labels.",
    labels: ["version", "deno"],
    read: ({ version }) => [[1, { version, deno: Deno.version.deno }]],
  },
  {
    name: "process_start_time_seconds",
    help: "Start of the process, since the epoch.",
    labels: [],
    read: ({ startedMs }) => [[startedMs / 1_000]],
  },
  {
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    labels: [],
    read: () => [[Deno.memoryUsage().rss]],
  },
  {
    name: `${PREFIX}heap_used_bytes`,
    help: "Memory that is in use on the JavaScript heap.",
    labels: [],
    read: () => [[Deno.memoryUsage().heapUsed]],
  },
  {
    name: `${PREFIX}heap_bytes`,
    help: "Memory of the JavaScript heap.",
    labels: [],
    read: () => [[Deno.memoryUsage().heapTotal]],
  },
];

/** A metric that tells how many of what it measured were how large. */
export interface HistogramMetric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds. */
  readonly buckets: readonly number[];
}

/** Of a call over the network, in seconds. */
const CALL_BUCKETS = [
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

/** What is measured each time, by what it is. */
export const HISTOGRAMS = {
  requestSeconds: {
    name: `${PREFIX}request_duration_seconds`,
    help: "How long requests to Fluentd took, by outcome.",
    labels: ["outcome"],
    buckets: CALL_BUCKETS,
  },
  pageEvents: {
    name: `${PREFIX}page_events`,
    help: "Events on each page of the audit log, those seen before included.",
    labels: [],
    buckets: [0, 1, 10, 20, 50, 100, 200, 500, 1_000, 10_000],
  },
  pageSeconds: {
    name: `${PREFIX}page_duration_seconds`,
    help: "How long pages of the audit log took to come.",
    labels: [],
    buckets: CALL_BUCKETS,
  },
  saveSeconds: {
    name: `${PREFIX}state_save_duration_seconds`,
    help: "How long it took until the state was safely on disk.",
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
  },
} as const satisfies Readonly<Record<string, HistogramMetric>>;

const SIDES = ["teleport", "fluentd"] as const;
const KINDS = ["audit", "recording"] as const;

function byKind(count: keyof Counts): Metric["read"] {
  return ({ counters }) =>
    KINDS.map((kind) => [counters[kind][count], { kind }]);
}

function labelled(
  label: string,
  counts: Readonly<Record<string, number>>,
): Values {
  return Object.entries(counts).map(([value, count]) => [
    count,
    { [label]: value },
  ]);
}

function known(value: number | null): Values {
  return value === null ? [] : [[value]];
}
