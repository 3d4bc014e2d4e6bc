/**
 * Certificates, and how long they are good.
 *
 * @module
 */

import { formatAge } from "../format_age.ts";
import type { CredentialReport, StatusReport } from "../status_report.ts";
import { Live } from "./live.tsx";
import { Scroll } from "./scroll.tsx";
import { Moment } from "./time.tsx";

/** The certificates in use, in the order in which they end. */
export function Credentials({ report }: { report: StatusReport }) {
  const { credentials, time } = report;
  return (
    <Live id="credentials" title="Certificates">
      {credentials.length === 0
        ? <p class="quiet">None in use yet.</p>
        : <Table credentials={credentials} now={time} />}
    </Live>
  );
}

function Table({ credentials, now }: {
  credentials: readonly CredentialReport[];
  now: string;
}) {
  return (
    <Scroll name="Certificates">
      <table>
        <thead>
          <tr>
            <th scope="col">Certificate</th>
            <th scope="col">Good until</th>
            <th scope="col">Time left</th>
          </tr>
        </thead>
        <tbody>
          {credentials.map(({ name, notAfter, endsSoon }) => {
            const leftMs = Date.parse(notAfter) - Date.parse(now);
            return (
              <tr key={name} class={endsSoon ? "bad" : undefined}>
                <td>
                  <code>{name}</code>
                </td>
                <td>
                  <Moment at={notAfter} />
                </td>
                <td>
                  {leftMs > 0
                    ? (
                      <>
                        {formatAge(leftMs)}
                        {endsSoon && <strong>: renew it</strong>}
                      </>
                    )
                    : <strong>ended {formatAge(-leftMs)} ago</strong>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}
