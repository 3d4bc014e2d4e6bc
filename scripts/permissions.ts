/**
 * The permissions that the program gets: the binary, `deno task handler`, and the
 * tests that run it as a process.
 *
 * @module
 */

/**
 * What grpc-js reads of the environment, which proxy leads to Teleport and to
 * Fluentd, what is trusted without being named, where `~/` leads, and what the
 * options may be given by.
 */
const ENVIRONMENT = [
  "GRPC_*",
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "all_proxy",
  "ALL_PROXY",
  "no_proxy",
  "NO_PROXY",
  "DENO_TLS_CA_STORE",
  "HOME",
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
