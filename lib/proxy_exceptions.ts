/**
 * What is reached without an HTTP proxy, as `fetch` reads it.
 *
 * @module
 */

import { environmentVariable } from "./environment_variable.ts";

/** Names and addresses that are this machine, as a list of exceptions has them. */
const LOOPBACK = ["localhost", "127.0.0.0/8", "::1"];

/**
 * Sees to it that `fetch` reaches this machine without a proxy, also where the
 * environment names one, as Go's programs do: nothing on it would be reached
 * through a proxy elsewhere. To be called before the first request.
 *
 * @throws {ConfigError} where the exceptions are no text
 */
export function exceptLoopback(): void {
  exceptFromProxies(LOOPBACK);
}

/**
 * Adds to the exceptions of the environment. To be called before another thread
 * runs, since all have the same environment.
 *
 * @throws {ConfigError} where the exceptions are no text
 */
export function exceptFromProxies(hosts: readonly string[]): void {
  const exceptions = environmentVariable("NO_PROXY") ||
    environmentVariable("no_proxy");
  const all = exceptions ? [exceptions, ...hosts] : hosts;
  Deno.env.set("NO_PROXY", all.join(","));
}
