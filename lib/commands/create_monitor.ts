/**
 * What watches a run, as it is configured.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Counters } from "../operate/counters.ts";
import { Monitor } from "../operate/monitor.ts";
import { createMovements } from "../operate/movement.ts";
import { formatAddresses } from "../address.ts";
import { versionInfo } from "./version.ts";

/** Makes a monitor that knows both sides by their addresses. */
export function createMonitor(
  { teleport, target, source }: Config,
  surroundings: {
    readonly clock: Clock;
    readonly counters: Counters;
    readonly stop: AbortSignal;
  },
): Monitor {
  const isFluentd = target.kind === "fluentd";
  return new Monitor({
    ...surroundings,
    movements: createMovements({
      clock: surroundings.clock,
      pollMs: source.pollMs,
      requestMs: isFluentd ? target.fluentd.timeoutMs : 0,
    }),
    version: versionInfo().version,
    teleport: formatAddresses(teleport.addresses),
    // The origin only: what follows may be secret.
    fluentd: isFluentd ? new URL(target.fluentd.url).origin : "standard output",
  });
}
