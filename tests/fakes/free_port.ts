/**
 * Ports that stay free while a server restarts.
 *
 * @module
 */

// Below the range from which systems hand out ports by themselves: nobody is
// given such a port by chance while its server is down. And above 10080, the last
// of those that fetch refuses to connect to.
const LOWEST_PORT = 10_081;
const HIGHEST_PORT = 32_000;
const ATTEMPTS = 100;

/** A port of the loopback interface on which nothing listens. */
export function findFreePort(): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST_PORT +
      Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(
    `Cannot find a free port: tried ${ATTEMPTS} between ${LOWEST_PORT} and ${HIGHEST_PORT}`,
  );
}
