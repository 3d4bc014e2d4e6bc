import { checkTls } from "../../lib/check/fluentd_tls.ts";
import { checkNetwork } from "../../lib/check/network.ts";
import { assertEquals, assertRejects } from "../assert.ts";

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

Deno.test("an HTTP proxy that says nothing when TLS is to begin is not waited for any longer than Fluentd", async () => {
  using proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const enough = AbortSignal.timeout(60_000);
  using _ = skipTenSeconds();
  const host = {
    address: { host: "fluentd.corp", port: 8888 },
    httpProxy: {
      address: { host: "127.0.0.1", port: proxy.addr.port },
      credentials: undefined,
    },
    option: "fluentd-url",
  };
  const tls = { caCerts: [], client: undefined, terms: [] };
  await assertRejects(
    () => checkTls(host, "https://fluentd.corp:8888", { tls, signal: enough }),
    Error,
    "it says nothing for 10 s",
  );
});

/** Waits for a connection last no time. */
function skipTenSeconds(): Disposable {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout(ms === 10_000 ? 1 : ms);
  return { [Symbol.dispose]: () => AbortSignal.timeout = timeout };
}
