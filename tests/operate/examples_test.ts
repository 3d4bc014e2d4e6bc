/**
 * The alerts and the dashboard that users start from.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Metrics } from "../../lib/operate/metrics.ts";
import { assert, assertEquals } from "../assert.ts";
import { ignoreWithoutPromtool, promtool } from "../fakes/promtool.ts";
import { watchedRun } from "./watched_run.ts";

const EXAMPLE = new URL("../../example/", import.meta.url);
const RULES = fileURLToPath(new URL("prometheus-rules.yml", EXAMPLE));
const DASHBOARD = fileURLToPath(new URL("grafana-dashboard.json", EXAMPLE));
const RULES_TEST = fileURLToPath(
  new URL("prometheus_rules_test.yml", import.meta.url),
);

/** Where people are shown what to listen on and what to scrape, on one machine. */
const PLACES_OF_THE_PORT = [
  "../docs/observability.md",
  "prometheus-rules.yml",
  "teleport-event-handler.toml",
];

/** The names that Prometheus knows the metrics by. */
async function metricNames(): Promise<Set<string>> {
  const { text } = await new Metrics(watchedRun()).text();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    .flatMap(([, name = "", type]) =>
      type === "histogram"
        ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix)
        : [name]
    );
  return new Set(names);
}

/** What looks like one of our metrics in a text. */
function namesIn(text: string): string[] {
  return [...new Set(text.match(/\b(teleport_event_handler|process)_\w+/g))];
}

Deno.test({
  name:
    "the example's alerts are what promtool takes, and go off when they should",
  ignore: ignoreWithoutPromtool(),
  async fn() {
    const checked = await promtool(["check", "rules", RULES]);
    assertEquals(checked.code, 0, checked.output);
    const tested = await promtool(["test", "rules", RULES_TEST]);
    assertEquals(tested.code, 0, tested.output);
  },
});

Deno.test("each alert of the example has a unit test", async () => {
  const tests = await Deno.readTextFile(RULES_TEST);
  const alerts = [
    ...(await Deno.readTextFile(RULES)).matchAll(/- alert: (\w+)/g),
  ];
  assertEquals(alerts.length, 9);
  for (const [, alert] of alerts) {
    assert(tests.includes(`alertname: ${alert}\n        exp_alerts:`), alert);
  }
});

Deno.test("the example's alerts and dashboard use metrics that exist", async () => {
  const known = await metricNames();
  for (const path of [RULES, DASHBOARD]) {
    const used = namesIn(await Deno.readTextFile(path));
    assert(used.length > 5, path);
    assertEquals(used.filter((name) => !known.has(name)), [], path);
  }
});

Deno.test("the dashboard shows every metric, but for those that only tell versions and times", async () => {
  const unused = new Set([
    "process_start_time_seconds",
    "teleport_event_handler_credential_validity_seconds",
  ]);
  const shown = new Set(namesIn(await Deno.readTextFile(DASHBOARD)));
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, "");
  const shownBases = new Set([...shown].map(base));
  const missing = [...await metricNames()].map(base)
    .filter((name) => !shownBases.has(name) && !unused.has(name));
  assertEquals([...new Set(missing)], []);
});

Deno.test("what is served is scraped at the same port, which a Prometheus on the same machine has not taken", async () => {
  const ports = new Set<string>();
  for (const path of PLACES_OF_THE_PORT) {
    const text = await Deno.readTextFile(new URL(path, EXAMPLE));
    const found = [
      ...text.matchAll(/(?:--listen |listen = ".*:|targets: \[".*:)(\d+)/g),
    ];
    assert(found.length > 0, path);
    for (const [, port = ""] of found) ports.add(port);
  }
  assertEquals(ports.size, 1, [...ports].join(", "));
  // Its own, unless it is told otherwise.
  assert(!ports.has("9090"));
});
