/**
 * A process that goes to the URL in its argument, and says which proxy our own
 * connections would take: the environment is one for all threads of a process.
 *
 * @module
 */

import { createFetchClient, exceptForFetch } from "../lib/fetch_client.ts";
import { exceptLoopback } from "../lib/proxy_exceptions.ts";
import { httpProxyForUrl } from "../lib/http_proxy.ts";

const url = new URL(Deno.args[0] ?? "");
const own = httpProxyForUrl(url);
exceptLoopback();
exceptForFetch([url]);
using client = createFetchClient(url, {});
let error: string | undefined;
try {
  const response = await fetch(url, { client });
  await response.body?.cancel();
} catch (cause) {
  error = String(cause);
}
Deno.stdout.writeSync(
  new TextEncoder().encode(
    JSON.stringify({ ownPort: own?.address.port, error }),
  ),
);
