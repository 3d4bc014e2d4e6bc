/**
 * Whom the run talks to.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { CallsObserver } from "../operate/observers.ts";
import { retry, type RetryPolicy } from "../pipeline/retry.ts";
import type { TeleportClient } from "../teleport/client.ts";
import type { Cluster } from "../teleport/connection.ts";
import { TeleportError } from "../teleport/errors.ts";

/** Who a cluster is, and what it can do. */
export interface FoundCluster {
  readonly cluster: Cluster;
  readonly hasExport: boolean;
}

/** Asks the cluster who it is, for as long as that may take; undefined once stopped. */
export async function findCluster(
  client: TeleportClient,
  { policy, clock, teleport, stop }: {
    readonly policy: RetryPolicy;
    readonly clock: Clock;
    readonly teleport: CallsObserver;
    readonly stop: AbortSignal;
  },
): Promise<FoundCluster | undefined> {
  const untilAnswered = <T>(
    call: () => Promise<T>,
    isFinal: (error: unknown) => boolean,
  ) =>
    retry(call, {
      policy,
      clock,
      signal: stop,
      isFinal,
      onFailure: teleport.failed,
    });
  try {
    const cluster = await untilAnswered(
      () => client.ping(stop),
      (error) => error instanceof TeleportError && error.permanent,
    );
    const hasExport = await untilAnswered(
      () => client.hasExport(clock.now(), stop),
      () => false,
    );
    teleport.worked();
    return { cluster, hasExport };
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}
