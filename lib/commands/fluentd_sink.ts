/**
 * The configured receiver.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { FluentdConfig, Header } from "../config/config.ts";
import { rereadHeaders } from "../config/header.ts";
import type { Term } from "../credentials.ts";
import { FluentdSink } from "../fluentd/sink.ts";
import { type FluentdTls, loadTls, tlsPaths } from "../fluentd/tls.ts";
import { renewalObserver } from "../operate/renewal_observer.ts";
import type { RequestObserver } from "../pipeline/request_observer.ts";
import { WatchedFiles } from "../watched_files.ts";
import { keepFresh, REFRESH_MS } from "./keep_fresh.ts";

/** A sink, and the credentials that it uses. */
export interface OpenSink {
  readonly sink: FluentdSink;
  /** The certificates in use. */
  terms(): readonly Term[];
  /** Takes renewed files, until `stop` aborts. */
  keepFresh(stop: AbortSignal): Promise<void>;
}

/** What is read from files. */
interface Credentials {
  readonly tls: FluentdTls;
  readonly headers: readonly Header[];
}

/**
 * Reads the credentials and makes the sink; connects on first use.
 *
 * @param options How often the files are read again; left out: only once what is
 * in use has ended. And whether requests are made on a thread of their own
 * @throws {ConfigError} naming the option and the file
 */
export async function openFluentdSink(
  fluentd: FluentdConfig,
  { clock, refreshIntervalMs, observer, ownThread = false }: {
    readonly clock: Clock;
    readonly refreshIntervalMs?: number | undefined;
    readonly observer?: RequestObserver;
    readonly ownThread?: boolean;
  },
): Promise<OpenSink> {
  const { headers } = fluentd;
  const files = await WatchedFiles.open<Credentials>({
    paths: [
      ...tlsPaths(fluentd),
      ...headers.flatMap(({ file }) => file ?? []),
    ],
    load: async () => ({
      tls: await loadTls(fluentd, clock.now()),
      headers: rereadHeaders(headers, { readTextFile: Deno.readTextFileSync }),
    }),
    intervalMs: refreshIntervalMs ?? REFRESH_MS,
    clock,
    observer: renewalObserver("fluentd", ({ tls }) => tls.terms),
  });
  return {
    sink: new FluentdSink({
      ...fluentd,
      tls: () => files.value.tls,
      headers: () => files.value.headers,
      clock,
      // With one event in each, telling another thread costs what it saves.
      ownThread: ownThread && fluentd.maxEvents > 1,
      ...observer && { observer },
    }),
    terms: () => files.value.tls.terms,
    keepFresh: (stop) =>
      keepFresh(files, {
        refreshIntervalMs,
        endMs: Math.min(
          ...files.value.tls.terms.map(({ notAfterMs }) => notAfterMs),
        ),
        clock,
        stop,
      }),
  };
}
