/**
 * What goes wrong on both sides during one run of the program.
 *
 * @module
 */

import type { FaultRule } from "../../fakes/fluentd_faults.ts";
import type { Random } from "../../fakes/random.ts";
import type { Code, Fault } from "../../fakes/teleport_faults.ts";
import type { Method } from "../../fakes/teleport_methods.ts";

/** Faults for one run. */
export interface FaultMix {
  readonly teleport: readonly Fault[];
  readonly fluentd: readonly FaultRule[];
  /** What is restarted while the program runs, and after how long. */
  readonly restart: { readonly end: End; readonly afterMs: number } | undefined;
}

/** A side that can be away for a moment. */
export type End = "teleport" | "teleport with goodbye" | "fluentd";

const METHODS: readonly Method[] = [
  "GetUnstructuredEvents",
  "GetEventExportChunks",
  "ExportUnstructuredEvents",
  "StreamUnstructuredSessionEvents",
  "Ping",
];
const CODES: readonly Code[] = [
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "INTERNAL",
  "ABORTED",
  "DEADLINE_EXCEEDED",
];

/** Draws the faults of one run; in every third one, a side works as it should. */
export function drawFaults(random: Random): FaultMix {
  const several = <T>(draw: (random: Random) => T) =>
    random.chance(1 / 3)
      ? []
      : Array.from({ length: 1 + random.below(3) }, () => draw(random));
  return {
    teleport: several(drawTeleportFault),
    fluentd: several(drawFluentdFault),
    restart: random.chance(0.15)
      ? {
        end: random.pick(["teleport", "teleport with goodbye", "fluentd"]),
        afterMs: random.below(1_000),
      }
      : undefined,
  };
}

/** Whether the program may miss answers that were given, under such faults. */
export function losesAnswers({ fluentd, restart }: FaultMix): boolean {
  return restart !== undefined || fluentd.some(({ kind }) => kind === "hang");
}

function drawTeleportFault(random: Random): Fault {
  const times = 1 + random.below(4);
  switch (random.below(10)) {
    case 0:
    case 1:
      return {
        kind: "status",
        code: random.pick(CODES),
        method: random.pick(METHODS),
        times,
      };
    case 2:
      return {
        kind: "slow",
        delayMs: 1 + random.below(300),
        method: random.pick(METHODS),
        times,
      };
    case 3:
      return {
        kind: "hang",
        method: random.pick(METHODS.slice(0, -1)),
        times: 1,
      };
    case 4:
      return { kind: "empty page", times: 1 + random.below(30) };
    case 5:
      return { kind: "stuck cursor", lastKey: random.pick(["same", "none"]) };
    case 6:
      return { kind: "page too large", limit: 5 + random.below(20) };
    case 7:
      return { kind: "cut", after: random.below(40), times };
    case 8:
      return {
        kind: "late recording",
        as: random.pick(["empty", "NOT_FOUND"]),
        times,
      };
    default:
      return { kind: "early start", events: 1 + random.below(10) };
  }
}

function drawFluentdFault(random: Random): FaultRule {
  const times = 1 + random.below(6);
  switch (random.below(7)) {
    case 0:
    case 1:
      return {
        kind: "status",
        status: random.pick([408, 429, 500, 502, 503, 504]),
        times,
        ...random.chance(0.2) && { retryAfterS: 1 },
      };
    case 2:
      return { kind: "reset before body", times };
    case 3:
      return { kind: "reset after body", stored: random.chance(0.5), times };
    case 4:
      return { kind: "delay", ms: 1 + random.below(200), times: 10 * times };
    case 5:
      return { kind: "hang", stored: random.chance(0.5), times: 1 };
    default:
      return { kind: "close after answer", times };
  }
}
