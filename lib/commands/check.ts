/**
 * `check`: whether a run would work, by walking the path that it takes.
 *
 * @module
 */

import { checkFluentd, fluentdTargets } from "../check/fluentd.ts";
import { attempt, type Tried } from "../check/finding.ts";
import { collect, type Part } from "../check/report.ts";
import { dateOf } from "../check/shown_text.ts";
import { checkStorage } from "../check/storage.ts";
import { checkAlternatives } from "../check/teleport.ts";
import { systemClock } from "../clock.ts";
import type { Config, FluentdTarget } from "../config/config.ts";
import { printConfig } from "../config/print_config.ts";
import type { EffectiveOption } from "../config/read_options.ts";
import type { Term } from "../credentials.ts";
import { loadTls } from "../fluentd/tls.ts";
import { setUpLogging } from "../log.ts";
import { groupAlternatives } from "../address.ts";
import { identityTerms, loadIdentity } from "../teleport/identity.ts";
import { unseenLogins } from "./auto_lock.ts";
import { ExitStatus } from "./exit_status.ts";
import { print, tell } from "./print.ts";
import { printableLines } from "../printable.ts";
import { settleNetwork } from "./network.ts";
import { StoppedError } from "./signals.ts";
import { stateDirectory } from "./state_directory.ts";

/** What is printed, and how. */
export interface CheckOptions {
  readonly json: boolean;
  /** Printed too, where `--print-config` asks for it. */
  readonly effective: readonly EffectiveOption[] | undefined;
  /** Ends the check. */
  readonly stop: AbortSignal;
}

/**
 * Checks everything, and prints what it finds.
 *
 * @throws {StoppedError}
 */
export async function runCheck(
  config: Config,
  { json, effective, stop }: CheckOptions,
): Promise<number> {
  await setUpLogging({ ...config.log, write: tell });
  if (effective !== undefined && !json) print(printConfig(effective) + "\n");
  settleNetwork(config.teleport.addresses, config.target);
  const report = await collect(
    parts(config, stop),
    json ? () => {} : (lines) => print(printableLines(lines)),
  ).catch((error) => {
    if (error !== stop.reason || !(error instanceof StoppedError)) {
      throw error;
    }
    throw new StoppedError(error.signal, "while checking");
  });
  if (json) {
    print(
      JSON.stringify({
        ...report,
        ...effective && { configuration: effective },
      }) + "\n",
    );
  }
  return report.ok ? ExitStatus.Done : ExitStatus.Failed;
}

/** What is looked at, one after the other. */
async function* parts(
  config: Config,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const { teleport, target, lock, source } = config;
  const nowMs = systemClock.now();
  const unseen = unseenLogins(lock, source);
  yield {
    name: "Configuration",
    findings: only({
      finding: unseen === undefined
        ? { step: "options", status: "ok", text: "every value can be used" }
        : { step: "options", status: "warning", text: unseen },
    }),
  };
  const identity = await attempt(
    "credentials",
    signal,
    async () => {
      const identity = await loadIdentity(teleport.credentials, nowMs);
      const terms = identityTerms(identity, teleport.credentials);
      return { ...foundTerms(terms, nowMs), value: identity };
    },
  );
  let cluster: string | undefined;
  const onCluster = (name: string) => {
    cluster = name;
  };
  yield { name: "Teleport's credentials", findings: only(identity) };
  if (identity.value !== undefined) {
    const options = {
      identity: identity.value,
      lock: lock !== undefined,
      nowMs,
      signal,
      onCluster,
    };
    for (const addresses of groupAlternatives(teleport.addresses)) {
      yield* checkAlternatives(addresses, options);
    }
  }
  if (target.kind !== "fluentd") return;
  yield* fluentdParts(target, signal);
  const directory = stateDirectory(target.storage, teleport.addresses);
  yield {
    name: "Storage",
    findings: checkStorage(directory, {
      cluster,
      startTime: source.startTime,
      nowMs,
      signal,
    }),
  };
}

async function* fluentdParts(
  { fluentd }: FluentdTarget,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const tls = await attempt("credentials", signal, async () => {
    const nowMs = systemClock.now();
    const tls = await loadTls(fluentd, nowMs);
    return tls.terms.length === 0
      ? { text: "none are set", value: tls }
      : { ...foundTerms(tls.terms, nowMs), value: tls };
  });
  yield { name: "Fluentd's credentials", findings: only(tls) };
  if (tls.value === undefined) return;
  const byOrigin = Map.groupBy(
    fluentdTargets(fluentd),
    ({ url }) => new URL(url).origin,
  );
  for (const [origin, targets] of byOrigin) {
    yield {
      name: `Fluentd at ${origin}`,
      findings: checkFluentd(new URL(origin), targets, {
        fluentd,
        tls: tls.value,
        signal,
      }),
    };
  }
}

async function* only({ finding }: Tried<unknown>) {
  yield finding;
}

/** Certificates that have not ended, and until when they are good. */
function foundTerms(
  terms: readonly Term[],
  nowMs: number,
): { text: string; warning: boolean } {
  const texts = terms.map(({ name, path, notBeforeMs, notAfterMs }) =>
    `${name} in ${path} ${
      notBeforeMs > nowMs ? `not before ${dateOf(notBeforeMs)}, ` : ""
    }until ${dateOf(notAfterMs)}`
  );
  const warning = terms.some(({ notBeforeMs }) => notBeforeMs > nowMs);
  if (warning) texts.push("is this machine's clock right?");
  return { text: texts.join(", "), warning };
}
