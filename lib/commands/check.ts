/**
 * `check`: whether the configuration and the credentials hold.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { printConfig } from "../config/print_config.ts";
import type { EffectiveOption } from "../config/read_options.ts";
import { ConfigError } from "../errors.ts";
import { loadTls } from "../fluentd/tls.ts";
import { loadIdentity } from "../teleport/identity.ts";
import { ExitStatus } from "./exit_status.ts";
import { print } from "./print.ts";

/**
 * Reads and checks every credential that the configuration names; options were
 * checked before. Connects to nothing.
 *
 * @param effective Printed first, where `--print-config` asks for it
 * @throws {ConfigError} with all problems, each naming the file
 */
export async function runCheck(
  config: Config,
  effective: readonly EffectiveOption[] | undefined,
): Promise<number> {
  if (effective !== undefined) print(printConfig(effective));
  const nowMs = systemClock.now();
  const { teleport, target } = config;
  const [identity, tls] = await Promise.allSettled([
    loadIdentity(teleport.credentials, nowMs),
    target.kind === "fluentd" ? loadTls(target.fluentd, nowMs) : undefined,
  ]);
  if (identity.status === "rejected" || tls.status === "rejected") {
    throw new ConfigError([...problemsOf(identity), ...problemsOf(tls)]);
  }
  const end = new Date(identity.value.certificate.notAfterMs).toISOString();
  print(
    `The configuration holds; the credentials are good until ${end}. Connections were not tried.\n`,
  );
  return ExitStatus.Done;
}

function problemsOf(result: PromiseSettledResult<unknown>): readonly string[] {
  if (result.status === "fulfilled") return [];
  if (result.reason instanceof ConfigError) return result.reason.problems;
  throw result.reason;
}
