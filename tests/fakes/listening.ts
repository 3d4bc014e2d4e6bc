/**
 * Servers of tests: those that a test scripts itself, and those that restart.
 *
 * @module
 */

import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import type { Address } from "../../lib/address.ts";
import { waitUntil } from "./wait_until.ts";

/** Has it listen on this machine, until it is disposed of and its connections have ended. */
export async function listening(
  server: Server,
): Promise<Address & AsyncDisposable> {
  await listenOn(0, server);
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    async [Symbol.asyncDispose]() {
      await new Promise((done) => server.close(done));
    },
  };
}

/** Has it listen on that port, which another test may be looking at just then. */
export async function listenOn(port: number, server: Server): Promise<void> {
  await waitUntil(`port ${port}`, async () => {
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      return true;
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error &&
        error.code === "EADDRINUSE";
      if (!isTaken) throw error;
      return false;
    }
  });
}
