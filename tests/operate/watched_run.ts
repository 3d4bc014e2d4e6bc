/**
 * What watches a run, and a request, without either.
 *
 * @module
 */

import { Counters } from "../../lib/operate/counters.ts";
import { Monitor, type MonitorOptions } from "../../lib/operate/monitor.ts";
import { createMovements } from "../../lib/operate/movement.ts";
import type {
  RequestObserver,
  SentRequest,
} from "../../lib/pipeline/request_observer.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";

type Send = Parameters<RequestObserver["watch"]>[1];

/** A monitor; what is not given is as at a start. */
export function watchedRun(options: Partial<MonitorOptions> = {}): Monitor {
  const clock = options.clock ?? new FakeClock();
  return new Monitor({
    clock,
    counters: new Counters(),
    movements: createMovements({
      clock,
      pollMs: 5_000,
      requestMs: 30_000,
    }),
    version: "1.2.3",
    teleport: "teleport.example.com:3025",
    fluentd: "https://fluentd.example.com:8888",
    stop: never(),
    ...options,
  });
}

/** What sends a request, and has it over at once. */
export function sending(sent: SentRequest): Send {
  return (onBegun) => {
    onBegun();
    return Promise.resolve(sent);
  };
}
