/**
 * The first thing to see: what the program is doing, since when, and which side,
 * if any, is the cause of trouble.
 *
 * @module
 */

import type {
  RunningReport,
  RunReport,
  SideReport,
  StateName,
} from "../status_report.ts";
import { Since } from "./time.tsx";

type Tone = "good" | "busy" | "bad";

const TONES: Record<StateName, Tone> = {
  connecting: "busy",
  delivering: "good",
  "caught up": "good",
  retrying: "bad",
  stalled: "bad",
  stopping: "busy",
};

/** Not by colour alone. */
const MARKS: Record<Tone, string> = { good: "✓", busy: "…", bad: "!" };

const NAMES: Record<StateName, string> = {
  connecting: "Connecting",
  delivering: "Delivering",
  "caught up": "Caught up",
  retrying: "Not delivering: retrying",
  stalled: "Stalled: nothing moves",
  stopping: "Stopping",
};

/** The top of the page. */
export function Headline({ report }: { report: RunningReport }) {
  const { run, time } = report;
  return (
    <header>
      <div id="about" data-live>
        <h1>teleport-event-handler</h1>
        <p class="about">
          {report.cluster === null ? "cluster not known yet" : (
            <>
              cluster <strong>{report.cluster}</strong>
            </>
          )}, version {run.version}, running since{" "}
          <Since at={run.startedAt} now={time} />
        </p>
      </div>
      <p id="lost" role="alert" hidden />
      <State {...run.state} title={titleOf(run)} now={time} />
      <ul id="sides" class="sides" data-live>
        <Side name="Teleport" side={run.sides.teleport} now={time} />
        <Side name="Fluentd" side={run.sides.fluentd} now={time} />
      </ul>
    </header>
  );
}

/** Recordings may go to another host: while only they fail, events are delivered. */
function titleOf({ state: { name }, sides }: RunReport): string {
  const failing = [...sides.teleport.failing, ...sides.fluentd.failing];
  const onlyRecordings = failing.length > 0 &&
    failing.every((what) => what === "delivery of recordings");
  return name === "retrying" && onlyRecordings
    ? "Recordings are not delivered: retrying"
    : NAMES[name];
}

/** Only the title is announced by screen readers: the rest changes all the time. */
function State(
  { name, title, since, text, now }: {
    name: StateName;
    title: string;
    since: string;
    text: string;
    now: string;
  },
) {
  const tone = TONES[name];
  return (
    <div class="state">
      <p id="state" role="status" data-live>
        <span class={`badge ${tone}`}>
          <span aria-hidden="true">{MARKS[tone]}</span> {title}
        </span>
      </p>
      <p id="state-text" data-live>
        {text}{" "}
        <span class="quiet">
          Since <Since at={since} now={now} />.
        </span>
      </p>
    </div>
  );
}

function Side(
  { name, side, now }: { name: string; side: SideReport; now: string },
) {
  const { address, ok, since, error } = side;
  const tone = ok === null ? "busy" : ok ? "good" : "bad";
  const verdict = ok === null ? "not asked yet" : ok ? "answers" : "fails";
  return (
    <li class={tone}>
      <span class={`badge ${tone}`}>
        <span aria-hidden="true">{MARKS[tone]}</span> {name} {verdict}
      </span>{" "}
      <span class="address">{address}</span>{" "}
      <span class="quiet">
        since <Since at={since} now={now} />
      </span>
      {error !== null && <p class="error">{error}</p>}
    </li>
  );
}
