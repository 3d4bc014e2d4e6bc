/**
 * What became of everything since the start of the program.
 *
 * @module
 */

import type {
  EventCounts,
  RequestOutcome,
  RunningReport,
} from "../status_report.ts";
import { Live } from "./live.tsx";
import { Scroll } from "./scroll.tsx";
import { formatBytes, formatCount } from "../format_number.ts";

const OUTCOMES: Record<RequestOutcome, string> = {
  delivered: "delivered",
  refused: "refused",
  busy: "put off",
  misdirected: "turned away",
  timeout: "timed out",
  connection: "without a connection",
  aborted: "given up",
};

/** Events, requests, and memory. */
export function Totals({ report: { run } }: { report: RunningReport }) {
  const requests = Object.entries(OUTCOMES).flatMap(([outcome, words]) => {
    const count = run.requests[outcome as RequestOutcome];
    return count > 0 ? [`${formatCount(count)} ${words}`] : [];
  });
  return (
    <Live id="totals" title="Since the start of the program">
      <Scroll name="Events since the start of the program">
        <table>
          <thead>
            <tr>
              <th scope="col">Events</th>
              <th scope="col">Read</th>
              <th scope="col">Filtered</th>
              <th scope="col">Delivered</th>
              <th scope="col">Set aside</th>
            </tr>
          </thead>
          <tbody>
            <Row name="Audit log" counts={run.events.audit} />
            <Row name="Recordings" counts={run.events.recording} />
          </tbody>
        </table>
      </Scroll>
      <p>
        Requests to Fluentd: {requests.join(", ") || "none"};{" "}
        {formatCount(run.requestsInFlight)} in flight. Retries:{" "}
        {formatCount(sum(run.retries.fluentd))} to Fluentd,{" "}
        {formatCount(sum(run.retries.teleport))} to Teleport. Memory:{" "}
        {formatBytes(run.memoryBytes)}.
      </p>
    </Live>
  );
}

function Row({ name, counts }: { name: string; counts: EventCounts }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{formatCount(counts.read)}</td>
      <td>{formatCount(counts.filtered)}</td>
      <td>{formatCount(counts.delivered)}</td>
      <td class={counts.setAside > 0 ? "bad" : undefined}>
        {formatCount(counts.setAside)}
      </td>
    </tr>
  );
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
