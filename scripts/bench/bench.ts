/**
 * How fast the program is, with both ends in processes of their own.
 *
 *     deno task bench [events]       every case, beside what is possible at all
 *     deno task bench --scale        the same log, longer and longer
 *     deno task bench --fluentd      to a real Fluentd, which has to be installed
 *     deno task bench --startup      how long light commands take
 *
 * `--only=<words>` leaves out the cases whose name does not contain them;
 * `--markdown` prints the table as it stands in `docs/performance.md`.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { cases, scaleCases } from "./cases.ts";
import { startCounting, startFluentd } from "./receivers.ts";
import { type Measured, Stage } from "./stage.ts";
import { formatStartup, formatStartupHead, measureStartup } from "./startup.ts";
import { formatHead, formatRow } from "./table.ts";

const EVENTS = 500_000;
/** What the program does by default, once its pages have grown. */
const PAGE_SIZE = 1_000;
const POSTING = { eventsPerBody: 500, connections: 4 };

/** Fluentd parses about 20,000 events a second. */
const FLUENTD_EVENTS = 200_000;

const has = (flag: string) => Deno.args.includes(flag);
const markdown = has("--markdown");
const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice(7) ?? "";
const events = Number(Deno.args.find((arg) => !arg.startsWith("--")) ?? EVENTS);

async function* measureAll(stage: Stage): AsyncGenerator<Measured> {
  const wanted = ({ name }: { name: string }) => name.includes(only);
  if (has("--scale")) {
    for (const one of scaleCases().filter(wanted)) {
      yield stage.measure(one, startCounting);
    }
    return;
  }
  if (has("--fluentd")) {
    yield stage.measurePosting(FLUENTD_EVENTS, POSTING, startFluentd);
    for (const one of cases(FLUENTD_EVENTS).slice(0, 1)) {
      yield stage.measure(one, startFluentd);
    }
    return;
  }
  yield stage.measureReading(events, PAGE_SIZE);
  yield stage.measurePosting(events, POSTING, startCounting);
  for (const one of cases(events).filter(wanted)) {
    yield stage.measure(one, startCounting);
  }
}

await using stage = await Stage.create();
if (has("--startup")) {
  console.log(formatStartupHead(markdown));
  for await (const startup of measureStartup(stage)) {
    console.log(formatStartup(startup, markdown));
  }
} else {
  console.log(formatHead(markdown));
  for await (const measured of measureAll(stage)) {
    console.log(formatRow(measured, markdown));
  }
}
