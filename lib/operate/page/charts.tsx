/**
 * Rate and lag over the last hour, as plain SVG, with the same as a table for who
 * cannot see it.
 *
 * @module
 */

import { formatAge } from "../format_age.ts";
import type { HistoryPoint, RunningReport } from "../status_report.ts";
import { Live } from "./live.tsx";
import { Scroll } from "./scroll.tsx";
import { formatCount } from "../format_number.ts";
import { Moment } from "./time.tsx";

const MINUTE_MS = 60_000;
/** An hour, and the minute that is not over. */
const SHOWN_MS = 61 * MINUTE_MS;
/** Of the drawing, which is stretched to the width of the page. */
const WIDTH = 600;
const HEIGHT = 120;
/** A minute, less a gap. */
const BAR_WIDTH = 8;

/** Both charts. */
export function Charts({ report: { run } }: { report: RunningReport }) {
  const formatLag = (seconds: number) => formatAge(seconds * 1_000);
  return (
    <Live id="charts" title="The last hour">
      <div class="charts">
        <Chart
          name="Events per second"
          points={run.history.map((point) => [point, point.eventsPerSecond])}
          format={formatCount}
        />
        <Chart
          name="Behind"
          points={run.history.map((point) => [point, point.lagSeconds])}
          format={formatLag}
        />
      </div>
      <details id="charts-table">
        <summary>As a table</summary>
        <Scroll name="The last hour by minutes">
          <table>
            <thead>
              <tr>
                <th scope="col">Minute up to</th>
                <th scope="col">Events per second</th>
                <th scope="col">Behind</th>
              </tr>
            </thead>
            <tbody>
              {run.history.toReversed().map((point) => (
                <tr key={point.time}>
                  <td>
                    <Moment at={point.time} />
                  </td>
                  <td>{formatCount(point.eventsPerSecond)}</td>
                  <td>
                    {point.lagSeconds === null
                      ? "not known"
                      : formatLag(point.lagSeconds)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </Live>
  );
}

function Chart({ name, points, format }: {
  name: string;
  points: readonly (readonly [HistoryPoint, number | null])[];
  format: (value: number) => string;
}) {
  const values = points.flatMap(([, value]) => value ?? []);
  const most = Math.max(0, ...values);
  const latest = values.at(-1);
  const summary = latest === undefined
    ? `${name}: not known yet`
    : `${name}: now ${format(latest)}, at most ${format(most)}`;
  const starts = startsOf(points.map(([point]) => point));
  const endMs = (starts.at(-1) ?? 0) + MINUTE_MS;
  return (
    <figure>
      <figcaption>
        {name} <span class="quiet">at most {format(most)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={summary}
      >
        {points.map(([{ time }, value], i) => {
          if (value === null) return null;
          const x = WIDTH * (1 - (endMs - (starts[i] ?? 0)) / SHOWN_MS);
          const height = most === 0 ? 0 : HEIGHT * value / most;
          return (
            <rect
              key={time}
              x={x.toFixed(1)}
              y={(HEIGHT - height).toFixed(1)}
              width={BAR_WIDTH}
              height={height.toFixed(1)}
            >
              <title>{`${time.slice(11, 16)} UTC: ${format(value)}`}</title>
            </rect>
          );
        })}
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      </svg>
      <div class="axis" aria-hidden="true">
        <span>1 h ago</span>
        <span>30 min</span>
        <span>now</span>
      </div>
    </figure>
  );
}

/** When each minute began: where the one before it ended. */
function startsOf(points: readonly HistoryPoint[]): number[] {
  return points.map(({ time }, i) => {
    const before = points[i - 1];
    return before === undefined
      ? Date.parse(time) - MINUTE_MS
      : Date.parse(before.time);
  });
}
