/**
 * Several sieges at the same time, told as one.
 *
 * @module
 */

import { besiege, type SiegeReport } from "./siege.ts";
import { addUp, gather, NO_PROBLEMS, NOTHING, type Tally } from "./verdict.ts";

/** One by pages and one by bulk export, which is what two processors bear. */
const SIEGES = 2;

/**
 * Shares the kills out.
 *
 * @param onKill Told after each kill how many there were in all
 * @throws as `besiege` does
 */
export async function besiegeSeveral(
  { kills, seed, onKill = () => {} }: {
    readonly kills: number;
    readonly seed: number;
    readonly onKill?: (killed: number, tally: Tally) => void;
  },
): Promise<SiegeReport> {
  const tallies: Tally[] = [];
  let killed = 0;
  const reports = await Promise.all(
    Array.from({ length: SIEGES }, (_, i) =>
      besiege({
        kills: Math.ceil((kills - i) / SIEGES),
        seed: seed + i,
        exportSupported: i % 2 === 1,
        onKill(_killed, tally) {
          tallies[i] = tally;
          onKill(++killed, tallies.reduce(addUp));
        },
      })),
  );
  return {
    ...reports.reduce<Tally>(addUp, NOTHING),
    kills: sumOf(reports, ({ kills }) => kills),
    faults: sumOf(reports, ({ faults }) => faults),
    problems: reports.reduce(
      (problems, report) => gather(problems, report.problems),
      NO_PROBLEMS,
    ),
  };
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
