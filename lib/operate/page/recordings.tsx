/**
 * Session recordings: how many, and those that cannot be read.
 *
 * @module
 */

import type { RunningReport } from "../status_report.ts";
import { Live } from "./live.tsx";
import { Scroll } from "./scroll.tsx";
import { formatCount } from "../format_number.ts";
import { Since } from "./time.tsx";

/** The recordings that are not delivered completely. */
export function Recordings({ report }: { report: RunningReport }) {
  const { recordings, run, time } = report;
  const { pending, failing, missing, troubled } = recordings;
  return (
    <Live id="recordings" title="Session recordings">
      <p>
        {formatCount(run.recordingsDelivered)} delivered, {formatCount(pending)}
        {" "}
        pending, of which {formatCount(missing)} missing
        {missing > 0 && " (could not be read for two days)"}.
      </p>
      {troubled.length > 0 && (
        <Scroll name="Recordings that cannot be read">
          <table>
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">Failing since</th>
                <th scope="col">Attempts</th>
                <th scope="col">What is wrong</th>
              </tr>
            </thead>
            <tbody>
              {troubled.map((it) => (
                <tr key={it.sessionId} class={it.missing ? "bad" : undefined}>
                  <td>
                    <code>{it.sessionId}</code>
                  </td>
                  <td>
                    <Since at={it.since} now={time} />
                  </td>
                  <td>{formatCount(it.attempts)}</td>
                  <td>
                    {it.missing && <strong>missing:</strong>} {it.lastError}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {failing > troubled.length && (
        <p>
          And {formatCount(failing - troubled.length)} more that cannot be read.
        </p>
      )}
    </Live>
  );
}
