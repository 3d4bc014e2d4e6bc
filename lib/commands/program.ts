/**
 * From the command line to an exit status.
 *
 * @module
 */

import { splitCommand } from "../config/command_line.ts";
import { readProcessEnvironment } from "../config/process_environment.ts";
import { type Options, readOptions } from "../config/read_options.ts";
import {
  toConfig,
  toDeliveryConfig,
  toLogConfig,
  toStateConfig,
  toStatusConfig,
} from "../config/resolve.ts";
import { problemsOf } from "../errors.ts";
import type { Signals } from "../pipeline/forward.ts";
import { exceptLoopback } from "../proxy_exceptions.ts";
import { ExitStatus, statusOfError } from "./exit_status.ts";
import { complain, print } from "./print.ts";

/**
 * Runs the command that the words name, and says on stderr what went wrong.
 *
 * @param args As in `Deno.args`
 * @param listen Called where a command has something to bring to an end when it is
 *   told to stop: signals end all others at once
 * @returns The exit status
 */
export async function runProgram(
  args: readonly string[],
  listen: () => Signals,
): Promise<number> {
  try {
    exceptLoopback();
    const { command, args: words } = splitCommand(args);
    const options = readOptions({
      command,
      args: words,
      env: readProcessEnvironment(command),
      readTextFile: Deno.readTextFileSync,
    });
    return await runCommand(options, listen);
  } catch (error) {
    complain(problemsOf(error));
    return statusOfError(error);
  }
}

/** Loads the command's module, and only that: most of them are light. */
async function runCommand(
  options: Options,
  listen: () => Signals,
): Promise<number> {
  switch (options.command) {
    case "start": {
      const signals = listen();
      const { runStart } = await import("./start.ts");
      return await runStart(toConfig(options), signals);
    }
    case "configure": {
      const signals = listen();
      const { runConfigure } = await import("./configure.ts");
      return await runConfigure(options, signals.stop);
    }
    case "check": {
      const signals = listen();
      const { runCheck } = await import("./check.ts");
      const { effective } = options;
      return await runCheck(toConfig(options), {
        json: options.value("json"),
        effective: options.value("print-config") ? effective : undefined,
        stop: signals.stop,
      });
    }
    case "status": {
      const { runStatus } = await import("./status.ts");
      return await runStatus(toStatusConfig(options), {
        json: options.value("json"),
      });
    }
    case "rejected list": {
      const { runRejectedList } = await import("./rejected.ts");
      return await runRejectedList(toStateConfig(options), {
        json: options.value("json"),
      });
    }
    case "rejected retry": {
      const signals = listen();
      const { runRejectedRetry } = await import("./rejected.ts");
      return await runRejectedRetry(toDeliveryConfig(options), {
        addresses: options.value("teleport-addr"),
        log: toLogConfig(options),
        ids: options.operands,
        kill: signals.stop,
      });
    }
    case "rejected drop": {
      const { runRejectedDrop } = await import("./rejected.ts");
      return await runRejectedDrop(toStateConfig(options), options.operands);
    }
    case "recordings list": {
      const { runRecordingsList } = await import("./recordings.ts");
      return await runRecordingsList(toStateConfig(options), {
        json: options.value("json"),
      });
    }
    case "recordings retry": {
      const { runRecordingsRetry } = await import("./recordings.ts");
      return await runRecordingsRetry(toStateConfig(options), options.operands);
    }
    case "recordings drop": {
      const { runRecordingsDrop } = await import("./recordings.ts");
      return await runRecordingsDrop(toStateConfig(options), options.operands);
    }
    case "completion": {
      const { completion } = await import("../config/completion.ts");
      print(completion(options.operands[0] ?? ""));
      return ExitStatus.Done;
    }
    case "version": {
      const { version } = await import("./version.ts");
      print(version({ json: options.value("json") }));
      return ExitStatus.Done;
    }
    case "help": {
      const { help } = await import("../config/help.ts");
      print(help(options.operands.join(" ")));
      return ExitStatus.Done;
    }
  }
}
