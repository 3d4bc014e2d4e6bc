/**
 * Servers that a test scripts itself.
 *
 * @module
 */

import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import type { Address } from "../../lib/address.ts";

/** Has it listen on this machine, until it is disposed of and its connections have ended. */
export async function listening(
  server: Server,
): Promise<Address & AsyncDisposable> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    async [Symbol.asyncDispose]() {
      await new Promise((done) => server.close(done));
    },
  };
}
