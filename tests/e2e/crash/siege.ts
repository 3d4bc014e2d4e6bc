/**
 * The program between two unreliable ends, killed again and again, and what became
 * of the events.
 *
 * @module
 */

import { Program } from "../../fakes/program.ts";
import { Random } from "../../fakes/random.ts";
import { waitUntil } from "../../fakes/wait_until.ts";
import { setStage, type Stage } from "../stage.ts";
import { drawFaults, type FaultMix, losesAnswers } from "./fault_mix.ts";
import { Feed } from "./feed.ts";
import { drawMoment, meet, pause } from "./kill_moment.ts";
import { Ledger } from "./ledger.ts";
import { readRemains } from "./remains.ts";
import type { Problems, Tally } from "./verdict.ts";

/** How long the rest may take to arrive after the last kill. */
const DRAIN_TIMEOUT_MS = 5 * 60_000;

/** What a siege is like. */
export interface SiegeOptions {
  readonly kills: number;
  /** Everything random follows from it, but for what the machine makes of it. */
  readonly seed: number;
  /** Whether the log is read by bulk export, and not by pages. */
  readonly exportSupported: boolean;
  /** Told after each kill. */
  readonly onKill?: (killed: number, tally: Tally) => void;
}

/** What came of it. */
export interface SiegeReport extends Tally {
  readonly kills: number;
  /** Rules that the fault dials were given, and restarts. */
  readonly faults: number;
  readonly problems: Problems;
}

/**
 * Kills the program so often, lets the last run deliver what is left, and compares.
 *
 * @throws where the program ends otherwise than by a kill, or the last run fails
 */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  const { seed, kills, exportSupported, onKill } = options;
  const ledger = new Ledger();
  await using stage = await setStage({ startMs: Date.now() - 60_000 }, {
    exportSupported,
    keepBodies: false,
    onStored: (tag, records, answered) =>
      ledger.arrived(tag, records, answered),
  });
  const random = new Random(seed, 0);
  const feed = new Feed(seed, { log: stage.teleport.log, ledger });
  const siege = { stage, ledger, feed, random };
  let faults = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const mix = drawFaults(random);
    faults += mix.teleport.length + mix.fluentd.length +
      (mix.restart === undefined ? 0 : 1);
    await runAndKill(siege, mix);
    onKill?.(kill, ledger.tally());
  }
  await drain(siege);
  return { ...ledger.tally(), kills, faults, problems: ledger.problems() };
}

interface Siege {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly feed: Feed;
  readonly random: Random;
}

async function runAndKill(siege: Siege, mix: FaultMix): Promise<void> {
  const { stage, ledger, feed, random } = siege;
  setFaults(siege, mix);
  feed.append(random.below(40));
  ledger.runBegins({ answersArrive: !losesAnswers(mix) });
  await using program = new Program(
    stage.start(...drawOptions(random, mix), "--skip-session-types="),
  );
  const ended = new AbortController();
  const { signal } = ended;
  const meanwhile = Promise.all([
    keepFeeding(siege, signal),
    restartLater(siege, mix, signal),
  ]);
  const outcome = program.outcome();
  void outcome.then(() => ended.abort());
  await meet(drawMoment(random), stage, signal);
  program.kill("SIGKILL");
  const { signal: killed, code, stderr } = await outcome;
  await meanwhile;
  if (killed !== "SIGKILL") {
    throw new Error(`it left by itself, with ${code}\n${stderr}`);
  }
  ledger.runEnded(await readRemains(stage));
}

/** Delivers what is left. */
async function drain(siege: Siege): Promise<void> {
  const { stage, ledger } = siege;
  setFaults(siege, { teleport: [], fluentd: [], restart: undefined });
  ledger.runBegins({ answersArrive: true });
  await using program = new Program(
    stage.start("--exit-on-last-event", "--skip-session-types="),
  );
  await waitUntil("the last run to end", () => program.hasEnded, {
    timeoutMs: DRAIN_TIMEOUT_MS,
  });
  const { code, stderr } = await program.outcome();
  if (code !== 0 && code !== 3) {
    throw new Error(`the last run left with ${code}\n${stderr}`);
  }
  ledger.runEnded(await readRemains(stage));
}

function setFaults({ stage, ledger }: Siege, mix: FaultMix): void {
  const { teleport, fluentd } = stage;
  teleport.faults.clear();
  teleport.faults.add(...mix.teleport);
  fluentd.faults.clear();
  fluentd.faults.add(...mix.fluentd, {
    kind: "status",
    status: 400,
    where: (record) => ledger.refuses(record),
  });
}

function drawOptions(random: Random, { fluentd }: FaultMix): string[] {
  const page = random.pick([0, 0, 5, 50]);
  const hangs = fluentd.some(({ kind }) => kind === "hang");
  return [
    "--timeout=100ms",
    `--fluentd-timeout=${hangs ? "300ms" : "30s"}`,
    `--fluentd-batch=${random.pick([1, 7, 50, 500])}`,
    `--fluentd-max-connections=${random.pick([1, 2, 4, 8])}`,
    `--window-size=${random.pick(["5s", "24h"])}`,
    `--concurrency=${1 + random.below(5)}`,
    ...page === 0 ? [] : [`--batch=${page}`],
  ];
}

async function keepFeeding(
  { feed, random }: Siege,
  signal: AbortSignal,
): Promise<void> {
  // Of its own, so that the other draws do not depend on how long this goes on.
  const own = new Random(random.next(), 0);
  while (!signal.aborted) {
    await pause(20 + own.below(100), signal);
    feed.append(own.below(6));
  }
}

async function restartLater(
  { stage }: Siege,
  { restart }: FaultMix,
  signal: AbortSignal,
): Promise<void> {
  if (restart === undefined) return;
  await pause(restart.afterMs, signal);
  if (restart.end === "fluentd") return await stage.fluentd.restart();
  const goodbye = restart.end === "teleport with goodbye";
  await stage.teleport.restart({ goodbye });
}
