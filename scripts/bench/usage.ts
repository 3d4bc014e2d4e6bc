/**
 * What a process takes, as Linux counts it.
 *
 * @module
 */

/** CPU time and peak memory. */
export interface Usage {
  readonly cpuSeconds: number;
  /** Resident set, the pages of the executable included. */
  readonly peakMib: number;
}

/** Rarely enough to take nothing that counts from what is measured. */
const POLL_MS = 50;
/** Clock ticks per second of /proc/<pid>/stat, on every Linux. */
const TICKS = 100;

/** What a process has taken so far, in seconds of CPU time. */
export function cpuSecondsOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`)
    .replace(/^.*\) /, "").split(" ");
  return (Number(stat[11]) + Number(stat[12])) / TICKS;
}

/** What a process had taken when it was last seen before its end. */
export async function watchUsage(pid: number): Promise<Usage> {
  let usage: Usage = { cpuSeconds: 0, peakMib: 0 };
  while (true) {
    try {
      const cpuSeconds = cpuSecondsOf(pid);
      const status = await Deno.readTextFile(`/proc/${pid}/status`);
      const peakKib = /VmHWM:\s+(\d+)/.exec(status)?.[1];
      if (peakKib === undefined) return usage;
      usage = { cpuSeconds, peakMib: Number(peakKib) / 1_024 };
    } catch {
      return usage;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
