import { AUDIT } from "../../lib/event.ts";
import { BusyError } from "../../lib/errors.ts";
import { METRICS } from "../../lib/operate/metric_table.ts";
import { Metrics } from "../../lib/operate/metrics.ts";
import type { Monitor } from "../../lib/operate/monitor.ts";
import { createObservers } from "../../lib/operate/observers.ts";
import { watchPages } from "../../lib/operate/watch_pages.ts";
import { watchRequests } from "../../lib/operate/watch_requests.ts";
import { Progress } from "../../lib/pipeline/progress.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import { assert, assertEquals } from "../assert.ts";
import { auditEvents, position } from "../fakes/audit_events.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { ignoreWithoutPromtool, promtool } from "../fakes/promtool.ts";
import { pending } from "../pipeline/recordings_setup.ts";
import { sending, watchedRun } from "./watched_run.ts";

const NEVER = never();
const OURS = "teleport_event_handler_";

/** The metrics by name and labels, as they stand in the text. */
async function read(metrics: Metrics): Promise<Map<string, number>> {
  const { text } = await metrics.text();
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );
}

function setUp() {
  const clock = new FakeClock();
  const monitor = watchedRun({ clock });
  const metrics = new Metrics(monitor);
  monitor.measurements = metrics;
  return { clock, monitor, metrics, ...createObservers(monitor, clock) };
}

/** The state is read: an event of 11:59 is delivered. */
function begin(monitor: Monitor, clock: FakeClock) {
  const newest = { time: "2026-03-01T11:59:00Z", keys: [] };
  monitor.begin({
    cluster: "tele.example.com",
    startTime: "2026-03-01T11:00:00Z",
    progress: new Progress({
      position: { ...position(0), start: "2026-03-01T11:00:00Z", newest },
      recordings: {},
    }, { clock, onChange: () => {} }),
    setAside: 2,
  });
}

/** Some of everything that is counted and measured. */
async function live(
  { monitor, metrics, clock, ...observers }: ReturnType<typeof setUp>,
) {
  const { delivery, events, recordings, teleport } = observers;
  begin(monitor, clock);
  monitor.watchCredentials(() => [
    {
      name: "teleport-identity",
      notBefore: "2026-03-31T00:00:00Z",
      notAfter: "2026-04-01T00:00:00Z",
      endsSoon: false,
    },
  ]);
  teleport.failed({
    error: new TeleportError("connection refused", "UNAVAILABLE"),
    attempt: 1,
    waitMs: 500,
  });
  const getPage = watchPages(
    () => Promise.resolve({ events: auditEvents(7) }),
    monitor,
  );
  await getPage({ limit: 20 }, NEVER);
  teleport.worked();
  events.read(7, 6);
  const requests = watchRequests(monitor, { kill: NEVER, clock });
  const sent = { events: 6, bytes: 600 };
  const busy = new BusyError("503", undefined);
  await requests.watch(AUDIT, sending({ ...sent, error: busy }));
  delivery.failed(AUDIT, {
    error: busy,
    attempt: 1,
    waitMs: 500,
  });
  await requests.watch(AUDIT, sending(sent));
  delivery.delivered(AUDIT, 6);
  requests.watch(AUDIT, (onBegun) => {
    onBegun();
    return new Promise(() => {});
  });
  // Still without a connection.
  requests.watch(AUDIT, () => new Promise(() => {}));
  recordings.read(5, 4);
  recordings.finished("s1", pending());
  monitor.counters.leftOut++;
  metrics.save(0.004);
}

Deno.test("what happens is counted under its labels", async () => {
  const test = setUp();
  await live(test);
  const values = await read(test.metrics);
  const expected = {
    'events_read_total{kind="audit"}': 7,
    'events_read_total{kind="recording"}': 5,
    'events_filtered_total{kind="audit"}': 1,
    'events_filtered_total{kind="recording"}': 1,
    'events_delivered_total{kind="audit"}': 6,
    'events_delivered_total{kind="recording"}': 0,
    "events_left_out_total": 1,
    "rejected_events": 3,
    'requests_total{outcome="delivered"}': 1,
    'requests_total{outcome="busy"}': 1,
    'requests_total{outcome="refused"}': 0,
    'request_bytes_total{outcome="delivered"}': 600,
    "requests_in_flight": 1,
    'request_duration_seconds_count{outcome="busy"}': 1,
    'retries_total{side="fluentd",reason="busy"}': 1,
    'retries_total{side="fluentd",reason="timeout"}': 0,
    'retries_total{side="teleport",reason="unavailable"}': 1,
    'side_up{side="teleport"}': 1,
    'side_up{side="fluentd"}': 1,
    'side_since_timestamp_seconds{side="teleport"}':
      Date.parse("2026-03-01T12:00:00Z") / 1_000,
    "healthy": 1,
    "lag_seconds": 60,
    "position_timestamp_seconds": Date.parse("2026-03-01T11:59:00Z") / 1_000,
    "recordings_delivered_total": 1,
    'credential_expiry_timestamp_seconds{credential="teleport-identity"}':
      Date.parse("2026-04-01T00:00:00Z") / 1_000,
    "page_events_count": 1,
    "page_events_sum": 7,
    "state_save_duration_seconds_count": 1,
  };
  const found = Object.fromEntries(
    Object.keys(expected).map((name) => [name, values.get(OURS + name)]),
  );
  assertEquals(found, expected);
});

Deno.test("asking twice counts nothing twice", async () => {
  const test = setUp();
  await live(test);
  const first = await read(test.metrics);
  const second = await read(test.metrics);
  const changing = /^(process|.*heap)/;
  const steady = (values: Map<string, number>) =>
    [...values].filter(([name]) => !changing.test(name));
  assertEquals(steady(second), steady(first));
});

Deno.test("what is not known yet is not said to be 0", async () => {
  const { metrics } = setUp();
  const names = [...(await read(metrics)).keys()];
  for (
    const name of [
      "lag_seconds",
      "position_timestamp_seconds",
      "side_up",
      "side_since_timestamp_seconds",
      "credential_expiry_timestamp_seconds",
    ]
  ) {
    assertEquals(names.filter((it) => it.startsWith(OURS + name)), []);
  }
});

Deno.test("every metric has its help, and each value of a label is one of few", async () => {
  const test = setUp();
  await live(test);
  const { text } = await test.metrics.text();
  for (const { name, help } of METRICS) {
    assert(text.includes(`# HELP ${name} ${help}\n`), name);
  }
  for (let i = 0; i < 1_000; i++) {
    test.teleport.failed({
      error: new Error(`failed with ${i}`),
      attempt: 1,
      waitMs: 0,
    });
    test.delivery.failed(AUDIT, {
      error: new Error(`failed with ${i}`),
      attempt: 1,
      waitMs: 0,
    });
  }
  const series = [...(await read(test.metrics)).keys()];
  assert(series.length < 150, String(series.length));
});

Deno.test({
  name: "promtool finds nothing wrong with the metrics",
  ignore: ignoreWithoutPromtool(),
  async fn() {
    const test = setUp();
    await live(test);
    const { text } = await test.metrics.text();
    const judgement = await promtool(["check", "metrics"], { input: text });
    assertEquals(judgement, { code: 0, output: "" });
  },
});
