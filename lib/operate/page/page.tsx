/**
 * The status page: rendered anew for each request, so that it needs no script to
 * tell the truth; the script only has it renew itself.
 *
 * @module
 */

import { renderToString } from "preact-render-to-string";
import type { Page } from "../server.ts";
import type { RunningReport } from "../status_report.ts";
import { Charts } from "./charts.tsx";
import { Credentials } from "./credentials.tsx";
import { Figures } from "./figures.tsx";
import { Headline } from "./headline.tsx";
import { Problems } from "./problems.tsx";
import { Recordings } from "./recordings.tsx";
import { Totals } from "./totals.tsx";
import css from "./page.css" with { type: "text" };
import script from "./refresh.js" with { type: "text" };

/**
 * A dot, so that browsers do not ask for an icon that is not there; a colour that
 * shows on light and dark.
 */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='3' fill='%232a78d6'/%3E%3C/svg%3E";

/** Prepares the page: only its own style and script, known by their hashes, may be used. */
export async function createPage(): Promise<
  (report: RunningReport) => Page
> {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": [
      "default-src 'none'",
      `style-src '${await sourceHash(css)}'`,
      `script-src '${await sourceHash(script)}'`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  };
  return (report) => ({
    body: `<!DOCTYPE html>${renderToString(<Page report={report} />)}`,
    headers,
  });
}

function Page({ report }: { report: RunningReport }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={ICON} />
        <title>{titleOf(report)}</title>
        <style dangerouslySetInnerHTML={{ __html: css }} />
      </head>
      <body>
        <Headline report={report} />
        <main>
          <Figures report={report} />
          <Charts report={report} />
          <Problems report={report} />
          <Recordings report={report} />
          <Credentials report={report} />
          <Totals report={report} />
        </main>
        <footer>
          The same as JSON at <a href="status">/status</a>, for Prometheus at
          {" "}
          <a href="metrics">/metrics</a>; for probes{" "}
          <a href="healthz">/healthz</a> and <a href="readyz">/readyz</a>.
        </footer>
        <script type="module" dangerouslySetInnerHTML={{ __html: script }} />
      </body>
    </html>
  );
}

/** What a tab shows: the state first, for tabs are narrow. */
function titleOf({ cluster, run }: RunningReport): string {
  return [run.state.name, cluster ?? [], "teleport-event-handler"].flat()
    .join(" · ");
}

/** As a Content-Security-Policy names an inline style or script. */
async function sourceHash(source: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(source),
  );
  return `sha256-${new Uint8Array(digest).toBase64()}`;
}
