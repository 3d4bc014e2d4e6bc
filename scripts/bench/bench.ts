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

import { parseArgs } from "../../lib/vendor/parse_args.ts";
import { cases, scaleCases } from "./cases.ts";
import { lend, startCounting, startFluentd } from "./receivers.ts";
import { type Measured, Stage } from "./stage.ts";
import { formatStartup, formatStartupHead, measureStartup } from "./startup.ts";
import { formatHead, formatRow, rateOf } from "./table.ts";
import { Turns } from "./turns.ts";

const EVENTS = 1_000_000;
/** One Fluentd takes 15,000 events a second, another one two or three times as many. */
const FLUENTD_TIMES = 3;
/** So many tell which. */
const FIRST_EVENTS = 200_000;
/** So long that the start, which takes a second of one core, hardly counts. */
const FLUENTD_SECONDS = 90;
/** What the program does by default, once its pages have grown. */
const PAGE_SIZE = 1_000;
const POSTING = { eventsPerBody: 500, connections: 4 };

const FLAGS = ["scale", "fluentd", "startup", "markdown"] as const;
const args = parseArgs(Deno.args, {
  boolean: FLAGS,
  string: ["only"],
  collect: [],
  negatable: [],
  alias: {},
  unknown(arg, key) {
    if (key !== undefined) refuse(arg);
    return true;
  },
});
const has = (flag: typeof FLAGS[number]) => args[flag] === true;
const markdown = has("markdown");
const only = String(args.only ?? "");
const events = Number(args._[0] ?? EVENTS);

function refuse(flag: string): never {
  const flags = FLAGS.map((name) => `--${name}`).join(", ");
  console.error(
    `Cannot measure: ${flag} is no flag of this task. There are ` +
      `${flags}, and --only=<words>.`,
  );
  Deno.exit(2);
}

async function* measureAll(stage: Stage): AsyncGenerator<Measured> {
  const wanted = ({ name }: { name: string }) => name.includes(only);
  if (has("scale")) {
    for (const one of scaleCases().filter(wanted)) {
      using turns = new Turns();
      yield stage.measure(one, startCounting, turns);
    }
    return;
  }
  if (has("fluentd")) {
    for (let times = 0; times < FLUENTD_TIMES; times++) {
      yield* await measureFluentd(stage);
    }
    return;
  }
  const [defaults, ...others] = cases(events);
  yield* await byTurns([
    ...[false, true].map((ownHttp2) => (turns: Turns) =>
      stage.measureReading(events, PAGE_SIZE, { ownHttp2 }, turns)
    ),
    (turns) => stage.measurePosting(events, POSTING, startCounting, turns),
    ...[defaults].filter(wanted).map((one) => (turns: Turns) =>
      stage.measure(one, startCounting, turns)
    ),
  ]);
  for (const one of others.filter(wanted)) {
    using turns = new Turns();
    yield stage.measure(one, startCounting, turns);
  }
}

/** A loop, and the program, to one Fluentd, for a minute and a half each. */
async function measureFluentd(stage: Stage): Promise<Measured[]> {
  await using fluentd = await stage.startReceiver(startFluentd);
  const lent = lend(fluentd);
  const post = (count: number, turns: Turns) =>
    stage.measurePosting(count, POSTING, lent, turns);
  using alone = new Turns();
  const rate = rateOf(await post(FIRST_EVENTS, alone));
  const times = Math.ceil(rate * FLUENTD_SECONDS / FIRST_EVENTS);
  const count = times * FIRST_EVENTS;
  const [defaults] = cases(count);
  const measured = await byTurns([
    (turns) => post(count, turns),
    (turns) => stage.measure(defaults, lent, turns),
  ]);
  const all = FIRST_EVENTS + 2 * count;
  await fluentd.check({ kind: "events", events: all }, true);
  return measured;
}

async function byTurns(
  runs: readonly ((turns: Turns) => Promise<Measured>)[],
): Promise<Measured[]> {
  using turns = new Turns(runs.length);
  return await Promise.all(runs.map((run) => run(turns)));
}

await using stage = await Stage.create();
if (has("startup")) {
  console.log(formatStartupHead(markdown));
  for await (const startup of measureStartup(stage)) {
    console.log(formatStartup(startup, markdown));
  }
} else {
  const shares = !has("scale");
  const receiver = has("fluentd");
  // Of the slowest of different ones, or that of the same Fluentd.
  const ceilingOf = (rates: readonly number[]) =>
    has("fluentd") ? rates.at(-1) : Math.min(...rates);
  const ceilings: number[] = [];
  console.log(formatHead({ shares, receiver, markdown }));
  for await (const measured of measureAll(stage)) {
    if (measured.isCeiling) ceilings.push(rateOf(measured));
    const ceiling = shares ? ceilingOf(ceilings) : undefined;
    console.log(formatRow(measured, { ceiling, receiver, markdown }));
  }
}
