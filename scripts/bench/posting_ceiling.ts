/**
 * Posts ready-made bodies as fast as fetch does: one JSON argument,
 * {@linkcode PostingOptions}.
 *
 * @module
 */

import { POOL, sampleEvent } from "./sample_log.ts";

/** What to post where, and paths of the credentials. */
export interface PostingOptions {
  readonly url: string;
  readonly events: number;
  readonly eventsPerBody: number;
  readonly connections: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const options: PostingOptions = JSON.parse(Deno.args[0] ?? "{}");
const { url, events, eventsPerBody, connections } = options;

/** The bodies, which follow one another over and over. */
const bodies: Uint8Array<ArrayBuffer>[] = [];
for (let first = 0; first < POOL; first += eventsPerBody) {
  const part = Array.from(
    { length: eventsPerBody },
    (_, i) => sampleEvent((first + i) % POOL),
  );
  bodies.push(new TextEncoder().encode(JSON.stringify(part)));
}
let left = events / eventsPerBody;

async function post(): Promise<void> {
  using client = Deno.createHttpClient({
    caCerts: [Deno.readTextFileSync(options.ca)],
    cert: Deno.readTextFileSync(options.cert),
    key: Deno.readTextFileSync(options.key),
    poolMaxIdlePerHost: 1,
    http2: false,
  });
  const headers = { "content-type": "application/json" };
  while (left-- > 0) {
    const body = bodies[left % bodies.length] ?? null;
    const response = await fetch(url, {
      method: "POST",
      client,
      headers,
      body,
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  }
}

await Promise.all(Array.from({ length: connections }, post));
Deno.exit();
