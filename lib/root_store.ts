/**
 * The CAs that TLS trusts without being given any.
 *
 * @module
 */

import { tlsError } from "./credentials.ts";
import { environmentVariable } from "./environment_variable.ts";
import { describe } from "./errors.ts";

/** Where Deno reads which ones: once, when it first needs them. */
const VARIABLE = "DENO_TLS_CA_STORE";
const MOZILLA = "mozilla";

/**
 * Has TLS trust the CAs that the system trusts, as Go's programs do, besides
 * Mozilla's, which Deno brings: in a container there may be no others. Where the
 * environment says what to trust, that holds. To be called before anything connects,
 * and before another thread runs.
 *
 * @returns why the system's cannot be loaded: then it is Mozilla's alone
 */
export function trustSystemRoots(): string | undefined {
  if (environmentVariable(VARIABLE) !== undefined) return undefined;
  const failure = whyNot(`${MOZILLA},system`);
  if (failure === undefined) return undefined;
  // What has nothing to do with the system's is told by whoever connects.
  return whyNot(MOZILLA) === undefined ? failure : undefined;
}

/** Why these are not trusted from now on. */
function whyNot(store: string): string | undefined {
  Deno.env.set(VARIABLE, store);
  const error = tlsError();
  return error === undefined ? undefined : describe(error);
}
