/**
 * The permissions that the program gets: the binary, `deno task start`, and the
 * tests that run it as a process.
 *
 * @module
 */

/** What grpc-js reads of the environment, and what the options may be given by. */
const ENVIRONMENT = [
  "GRPC_*",
  "grpc_proxy",
  "https_proxy",
  "http_proxy",
  "no_grpc_proxy",
  "no_proxy",
  "FDFWD_*",
  "FDWRD_*",
];

/**
 * Hosts and paths are only known at run time; nothing may run, load native code,
 * or ask about the system.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-env=${ENVIRONMENT.join(",")}`,
];
