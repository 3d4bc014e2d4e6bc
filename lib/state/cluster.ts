/**
 * The cluster that answers, and that of the state.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { StateDocument } from "./document.ts";

/**
 * Checks that a state is of the cluster, where there are both.
 *
 * @throws {ConfigError} saying what to do
 */
export function checkCluster(
  cluster: string | undefined,
  stored: Pick<StateDocument, "cluster"> | undefined,
  directory: string,
): void {
  if (cluster === undefined || stored === undefined) return;
  if (stored.cluster === cluster) return;
  throw new ConfigError([
    `the state in ${directory} is of the cluster ${stored.cluster}, but this one calls itself ${cluster}: ` +
    "give it a storage of its own, or move that directory away to start over",
  ]);
}
