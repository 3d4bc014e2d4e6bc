import { fileURLToPath } from "node:url";
import { assertEquals } from "./assert.ts";
import { type ConnectProxy, startConnectProxy } from "./fakes/connect_proxy.ts";
import { findFreePort } from "./fakes/free_port.ts";

const MAIN = fileURLToPath(new URL("./fetch_client_main.ts", import.meta.url));
/** Nothing is to come from the environment of the tests. */
const UNSET = {
  "HTTP_PROXY": "",
  "http_proxy": "",
  "HTTPS_PROXY": "",
  "https_proxy": "",
  "ALL_PROXY": "",
  "all_proxy": "",
  "NO_PROXY": "",
  "no_proxy": "",
  "DENO_NO_UPDATE_CHECK": "1",
};

/** A name that nobody resolves. */
const NAME = "https://x.example.invalid:8888";
/** This machine, by addresses that no rule takes for it; nothing listens there. */
const IPV4 = "https://0.0.0.0:PORT";
const IPV6 = "https://[::ffff:7f00:1]:PORT";

/** Goes to a URL, with two proxies that the environment may name A and B. */
async function goTo(
  url: string,
  variables: Readonly<Record<string, string>>,
): Promise<{ own: string; fetch: string }> {
  await using a = await startConnectProxy({ hosts: {} });
  await using b = await startConnectProxy({ hosts: {} });
  const env = Object.entries(variables).map(([name, value]) =>
    [name, value.replace(/^A$/, a.url).replace(/^B$/, b.url)] as const
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", MAIN, url],
    env: { ...UNSET, ...Object.fromEntries(env) },
    stderr: "inherit",
  }).output();
  const { ownPort } = JSON.parse(new TextDecoder().decode(stdout));
  const named = { A: a, B: b };
  return {
    own: nameOf(named, ({ port }) => port === ownPort),
    fetch: nameOf(named, ({ asked }) => asked.length > 0),
  };
}

function nameOf(
  proxies: Readonly<Record<string, ConnectProxy>>,
  is: (proxy: ConnectProxy) => boolean,
): string {
  const found = Object.entries(proxies).filter(([, proxy]) => is(proxy));
  return found.map(([name]) => name).join() || "none";
}

for (
  const [url, variables, proxy] of [
    [NAME, {}, "none"],
    [NAME, { "HTTPS_PROXY": "A" }, "A"],
    [NAME, { "HTTPS_PROXY": "A", "ALL_PROXY": "B" }, "A"],
    [NAME, { "https_proxy": "A", "ALL_PROXY": "B" }, "A"],
    [NAME, { "HTTPS_PROXY": "A", "https_proxy": "B" }, "A"],
    [NAME, { "all_proxy": "A" }, "A"],
    ["http://x.example.invalid", { "HTTPS_PROXY": "A" }, "none"],
    ["http://x.example.invalid", { "ALL_PROXY": "A" }, "A"],
    ["http://x.example.invalid", { "HTTP_PROXY": "A", "ALL_PROXY": "B" }, "A"],
    ["http://x.example.invalid", { "HTTPS_PROXY": "A", "ALL_PROXY": "B" }, "B"],
  ] as const
) {
  Deno.test(`fetch goes to ${url} through ${proxy} with ${JSON.stringify(variables)}, as we do`, async () => {
    assertEquals(await goTo(url, variables), { own: proxy, fetch: proxy });
  });
}

for (
  const [url, exception] of [
    [NAME, "example.invalid"],
    [NAME, "*.example.invalid"],
    [NAME, "*"],
    [NAME, "X.EXAMPLE.INVALID"],
    [NAME, "x.example.invalid:8888"],
    [IPV4, "*"],
    [IPV4, "0.0.0.0/8"],
    [IPV4, "0.0.0.0:PORT"],
    [IPV6, "::ffff:7f00:1"],
    [IPV6, "::FFFF:7F00:1"],
    [IPV6, "0::ffff:7f00:1"],
    [IPV6, "[::ffff:7f00:1]"],
    [IPV6, "[::ffff:7f00:1]:PORT"],
  ] as const
) {
  Deno.test(`fetch goes to ${url} without a proxy where NO_PROXY is ${exception}, as we do`, async () => {
    const port = String(findFreePort());
    for (const name of ["NO_PROXY", "no_proxy"]) {
      const route = await goTo(url.replace("PORT", port), {
        "HTTPS_PROXY": "A",
        [name]: exception.replace("PORT", port),
      });
      assertEquals(route, { own: "none", fetch: "none" });
    }
  });
}

Deno.test("fetch goes through the proxy where an exception is for another port, as we do", async () => {
  const variables = {
    "HTTPS_PROXY": "A",
    "NO_PROXY": "x.example.invalid:443",
  };
  assertEquals(await goTo(NAME, variables), { own: "A", fetch: "A" });
});
