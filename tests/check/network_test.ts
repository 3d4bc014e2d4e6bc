import { checkNetwork } from "../../lib/check/network.ts";
import { assertEquals } from "../assert.ts";

Deno.test("where an HTTP proxy says nothing, it is named with what is beyond it", async () => {
  using proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = proxy.addr;
  using _ = skipTenSeconds();
  const host = {
    address: { host: "auth.corp", port: 3025 },
    httpProxy: {
      address: { host: "127.0.0.1", port },
      credentials: undefined,
    },
    option: "teleport-addr",
  };
  const { signal } = new AbortController();
  const findings = await Array.fromAsync(checkNetwork(host, signal));
  assertEquals(findings.at(-1), {
    step: "TCP",
    status: "failed",
    text:
      `no connection to auth.corp:3025 through the HTTP proxy 127.0.0.1:${port} within 10 s: ` +
      "is the address right in teleport-addr, and does every firewall let us through?",
  });
});

/** Waits for a connection last no time. */
function skipTenSeconds(): Disposable {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout(ms === 10_000 ? 1 : ms);
  return { [Symbol.dispose]: () => AbortSignal.timeout = timeout };
}
