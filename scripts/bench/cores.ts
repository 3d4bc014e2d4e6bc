/**
 * Which cores a process runs on, as Linux has it.
 *
 * @module
 */

/**
 * Leaves a core to a process, and has this one, and what it starts from now on,
 * run on the others: as if it were on a machine of its own.
 *
 * @returns Gives the core back to this process
 * @throws where there is one core, or no `taskset`
 */
export async function leaveCoreTo(pid: number): Promise<AsyncDisposable> {
  const cores = await coresOf(Deno.pid);
  const [core, ...others] = cores;
  if (core === undefined || others.length === 0) {
    throw new Error("Cannot leave a core to another process: there is one.");
  }
  await run(pid, [core]);
  await run(Deno.pid, others);
  return { [Symbol.asyncDispose]: () => run(Deno.pid, cores) };
}

/** The cores that a process may run on. */
async function coresOf(pid: number): Promise<number[]> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Has all threads of a process run on these. */
async function run(pid: number, cores: readonly number[]): Promise<void> {
  const fail = (why: string) =>
    new Error(`Cannot choose the cores of process ${pid}: ${why}`);
  try {
    const { success, stderr } = await new Deno.Command("taskset", {
      args: ["--all-tasks", "--cpu-list", "--pid", cores.join(","), `${pid}`],
      stdout: "null",
    }).output();
    if (!success) throw fail(new TextDecoder().decode(stderr));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw fail("there is no taskset, which is in the package util-linux.");
  }
}
