/**
 * The figures that answer most questions: how far, how far behind, how fast, and
 * what needs a person.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { formatAge } from "../format_age.ts";
import type { RunningReport } from "../status_report.ts";
import { formatCount } from "../format_number.ts";
import { Moment } from "./time.tsx";

/** The figures. */
export function Figures({ report }: { report: RunningReport }) {
  const { run, position, recordings, setAside } = report;
  const { audit, recording, leftOut } = run.events;
  const unaccounted = audit.unaccounted + recording.unaccounted;
  return (
    <section aria-label="Figures">
      <dl id="figures" class="figures" data-live>
        <Figure
          name="Behind"
          value={run.lagSeconds === null
            ? "not known yet"
            : formatAge(run.lagSeconds * 1_000)}
        />
        <Figure
          name="Rate"
          value={`${formatCount(run.eventsPerSecond)} events/s`}
        />
        <Figure
          name="Newest delivered"
          value={position === null ? "no event yet" : <Moment at={position} />}
        />
        <Figure
          name="Events delivered"
          value={formatCount(
            audit.delivered + recording.delivered,
          )}
          note="since the start of the program"
        />
        <Figure
          name="Set aside"
          value={formatCount(setAside)}
          bad={setAside > 0}
          note={setAside > 0 && (
            <>
              refused for good
              {leftOut > 0 &&
                `, or left out as Teleport could not send it (${
                  formatCount(leftOut)
                })`}; see <code>teleport-event-handler rejected list</code>
            </>
          )}
        />
        <Figure
          name="Recordings missing"
          value={formatCount(recordings.missing)}
          bad={recordings.missing > 0}
          note={`${formatCount(recordings.pending)} not delivered completely`}
        />
        {unaccounted !== 0 && (
          <Figure
            name="Without an account"
            value={formatCount(unaccounted)}
            bad
            note="a fault of this program: keep its log, and report it"
          />
        )}
      </dl>
    </section>
  );
}

function Figure({ name, value, note, bad = false }: {
  name: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  bad?: boolean;
}) {
  return (
    <div class={bad ? "figure bad" : "figure"}>
      <dt>{name}</dt>
      <dd>
        {bad && <span aria-hidden="true">!</span>} {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}
