/**
 * How fast the program is, with both ends in processes of their own.
 *
 *     deno task bench [events]       every case, beside what is possible at all
 *     deno task bench --scale        the same log, longer and longer
 *
 * `--only=<words>` leaves out the cases whose name does not contain them;
 * `--markdown` prints the table as it stands in `docs/performance.md`.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { cases, scaleCases } from "./cases.ts";
import { type Measured, Stage } from "./stage.ts";
import { formatHead, formatRow } from "./table.ts";

const EVENTS = 500_000;
/** What the program does by default, once its pages have grown. */
const PAGE_SIZE = 1_000;
const POSTING = { eventsPerBody: 500, connections: 4 };

const scale = Deno.args.includes("--scale");
const markdown = Deno.args.includes("--markdown");
const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice(7) ?? "";
const events = Number(
  Deno.args.find((arg) => !arg.startsWith("--")) ?? EVENTS,
);

async function* measureAll(stage: Stage): AsyncGenerator<Measured> {
  const wanted = ({ name }: { name: string }) => name.includes(only);
  if (scale) {
    for (const one of scaleCases().filter(wanted)) yield stage.measure(one);
    return;
  }
  yield stage.measureReading(events, PAGE_SIZE);
  yield stage.measurePosting(events, POSTING);
  for (const one of cases(events).filter(wanted)) yield stage.measure(one);
}

await using stage = await Stage.create();
console.log(formatHead(markdown));
for await (const measured of measureAll(stage)) {
  console.log(formatRow(measured, markdown));
}
