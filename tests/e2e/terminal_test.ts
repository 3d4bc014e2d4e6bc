import { join } from "node:path";
import { ignoreWithoutTerminal } from "../configure/configure_process.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { setStage } from "./stage.ts";

/** Runs the program at a terminal that sends it no hangup, as after `disown`. */
function atTerminal(pidFile: string): string {
  return `
    quoted() { for word; do printf "'%s' " "$word"; done; }
    background="setsid $(quoted "$@") & echo \\$! > '${pidFile}'; wait"
    exec script -qec "$background" /dev/null
  `;
}

Deno.test({
  name: "a run in the background goes on when its terminal is gone",
  ignore: ignoreWithoutTerminal(),
  async fn() {
    await using stage = await setStage({
      size: 10,
      startMs: Date.now() - 60 * 60_000,
    });
    const { teleport, fluentd } = stage;
    const pidFile = join(stage.directory, "pid");
    await using terminal = new Program(stage.start("--timeout=50ms"), {
      shell: atTerminal(pidFile),
    });
    await waitUntil("the first events", () => fluentd.received.events === 10);
    terminal.kill("SIGKILL");
    await terminal.outcome();
    // That is told, and how far it is: to nobody.
    fluentd.faults.add({ kind: "status", status: 503, times: 2 });
    teleport.append(logEvent("exec", { timeMs: Date.now() - 1_000 }));
    try {
      await waitUntil("the event", () => fluentd.received.events === 11);
    } finally {
      Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGKILL");
    }
  },
});
