/**
 * How long the program takes until it does something, or is done with nothing.
 *
 * @module
 */

import { runProgram } from "../../tests/fakes/program.ts";
import type { Stage } from "./stage.ts";
import { formatLine, formatTitles } from "./table.ts";

/** How long one command took, over and over. */
export interface Startup {
  readonly name: string;
  readonly shortestMs: number;
  readonly medianMs: number;
}

const TIMES = 20;

/** Measures what is run by hand and by health checks, beside Deno itself. */
export async function* measureStartup(stage: Stage): AsyncGenerator<Startup> {
  yield await repeat("deno eval 1", runDeno);
  yield await repeat("version", () => run(["version"]));
  yield await repeat("--help", () => run(["--help"]));
  yield await stage.withEmptyLog((args) =>
    repeat("dry run of an empty log", () => run(args))
  );
}

/** The head of the table. */
export function formatStartupHead(markdown: boolean): string {
  return formatTitles(["shortest ms", "median ms"], markdown);
}

/** One command as a row of the table. */
export function formatStartup(startup: Startup, markdown: boolean): string {
  const { name, shortestMs, medianMs } = startup;
  const values = [shortestMs, medianMs].map((ms) => ms.toFixed(0));
  return formatLine(name, values, markdown);
}

async function repeat(
  name: string,
  act: () => Promise<void>,
): Promise<Startup> {
  const allMs: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const started = performance.now();
    await act();
    allMs.push(performance.now() - started);
  }
  allMs.sort((a, b) => a - b);
  return {
    name,
    shortestMs: allMs[0] ?? NaN,
    medianMs: allMs[TIMES / 2] ?? NaN,
  };
}

async function runDeno(): Promise<void> {
  await new Deno.Command(Deno.execPath(), { args: ["eval", "1"] }).output();
}

async function run(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(args);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
}
