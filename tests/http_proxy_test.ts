import { ConfigError } from "../lib/errors.ts";
import {
  forwardProxyVariable,
  httpProxyFor,
  httpProxyForUrl,
} from "../lib/http_proxy.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "./assert.ts";

const PROXY = {
  address: { host: "proxy.corp", port: 3128 },
  credentials: undefined,
};

function proxyFor(
  host: string,
  variables: Readonly<Record<string, string>>,
) {
  return httpProxyFor({ host, port: 443 }, (name) => variables[name]);
}

Deno.test("the environment names the proxy, in either spelling, the one for https first", () => {
  const url = "http://proxy.corp:3128";
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    assertEquals(proxyFor("example.com", { [name]: url }), PROXY);
  }
  assertEquals(
    proxyFor("example.com", {
      "ALL_PROXY": "http://other.corp",
      "https_proxy": url,
      "HTTPS_PROXY": "",
    }),
    PROXY,
  );
  assertStrictEquals(proxyFor("example.com", { "HTTP_PROXY": url }), undefined);
  assertStrictEquals(proxyFor("example.com", {}), undefined);
});

Deno.test("plain HTTP goes through the proxy for that, or for everything", () => {
  const toUrl = (url: string, variables: Readonly<Record<string, string>>) =>
    httpProxyForUrl(new URL(url), (name) => variables[name]);
  const variables = {
    "HTTPS_PROXY": "http://other.corp",
    "ALL_PROXY": "http://proxy.corp:3128",
  };
  assertEquals(toUrl("http://example.com", variables), PROXY);
  assertEquals(
    toUrl("http://example.com", {
      "HTTP_PROXY": "http://proxy.corp:3128",
      "ALL_PROXY": "http://other.corp",
    }),
    PROXY,
  );
  const { HTTPS_PROXY } = variables;
  assertStrictEquals(toUrl("http://example.com", { HTTPS_PROXY }), undefined);
});

Deno.test("a URL without a port has the one of its scheme", () => {
  const variables: Readonly<Record<string, string>> = {
    "ALL_PROXY": "http://proxy.corp:3128",
    "NO_PROXY": "plain.example.com:80,[2001:db8::7]:443",
  };
  for (
    const [url, proxy] of [
      ["http://plain.example.com/", undefined],
      ["https://plain.example.com/", PROXY],
      ["https://[2001:db8::7]/", undefined],
      ["http://[2001:db8::7]/", PROXY],
    ] as const
  ) {
    assertEquals(
      httpProxyForUrl(new URL(url), (name) => variables[name]),
      proxy,
    );
  }
});

Deno.test("a proxy may have no scheme, no port, an IPv6 address, and a user", () => {
  for (
    const [text, host, port, credentials] of [
      ["proxy.corp:8080", "proxy.corp", 8080, undefined],
      ["http://proxy.corp", "proxy.corp", 80, undefined],
      ["http://proxy.corp/", "proxy.corp", 80, undefined],
      ["http://[::1]:3128", "::1", 3128, undefined],
      ["http://u:p%40%3A@proxy.corp:1", "proxy.corp", 1, "u:p@:"],
      ["http://u@proxy.corp:1", "proxy.corp", 1, "u:"],
    ] as const
  ) {
    assertEquals(
      proxyFor("example.com", { "HTTPS_PROXY": text }),
      { address: { host, port }, credentials },
    );
  }
});

Deno.test("a proxy that cannot be used is told by its variable, and its password is not", () => {
  for (
    const [text, problem] of [
      [
        "http://u:100%@proxy.corp",
        "HTTPS_PROXY: user and password have to be percent-encoded: a % in them is written %25",
      ],
      ["http://", "HTTPS_PROXY: is no URL: write http://host:port"],
      [
        "socks5://u:secret@proxy.corp",
        "HTTPS_PROXY: is a proxy of the kind socks5://, which cannot be used: name one that begins with http://",
      ],
      [
        "https://u:secret@proxy.corp",
        "HTTPS_PROXY: is a proxy of the kind https://, which cannot be used: name one that begins with http://",
      ],
    ] as const
  ) {
    const error = assertThrows(
      () => proxyFor("example.com", { "HTTPS_PROXY": text }),
      ConfigError,
    );
    assertEquals(error.problems, [problem]);
  }
});

const EXCEPTIONS: [exception: string, host: string, excepted: boolean][] = [
  ["example.com", "example.com", true],
  ["example.com", "EXAMPLE.com", true],
  ["example.com", "example.com.", true],
  ["example.com", "auth.example.com", true],
  [".example.com", "auth.example.com", true],
  ["*.example.com", "auth.example.com", true],
  ["example.com", "badexample.com", false],
  ["auth.example.com", "example.com", false],
  ["a.b, example.com", "example.com", true],
  ["example.com:443", "example.com", true],
  ["example.com:3025", "example.com", false],
  ["*", "anything", true],
  ["10.1.2.3", "10.1.2.3", true],
  ["10.0.0.0/8", "10.1.2.3", true],
  ["10.0.0.0/8", "11.1.2.3", false],
  ["10.0.0.0/8", "ten.example.com", false],
  ["10.0.0.0/33", "10.1.2.3", false],
  ["2001:db8::/32", "2001:db8::7", true],
  ["2001:db8::/32", "2001:db9::7", false],
  ["2001:db8::/32", "10.1.2.3", false],
  ["2001:db8::7", "2001:db8::7", true],
  ["2001:DB8:0::7", "2001:db8::7", true],
  ["2001:db8::7", "2001:db8::8", false],
  ["[2001:db8::7]:443", "2001:db8::7", true],
  ["[2001:db8::7]:1", "2001:db8::7", false],
  [" , ,", "example.com", false],
];
for (const [exception, host, excepted] of EXCEPTIONS) {
  Deno.test(`NO_PROXY=${exception} ${excepted ? "holds" : "does not hold"} for ${host}`, () => {
    for (const name of ["NO_PROXY", "no_proxy"]) {
      assertEquals(
        proxyFor(host, {
          "HTTPS_PROXY": "http://proxy.corp:3128",
          [name]: exception,
        }),
        excepted ? undefined : PROXY,
      );
    }
  });
}

Deno.test("this machine is never reached through a proxy", () => {
  for (
    const host of ["localhost", "LOCALHOST", "a.localhost", "127.1.2.3", "::1"]
  ) {
    assertStrictEquals(
      proxyFor(host, { "HTTPS_PROXY": "http://proxy.corp" }),
      undefined,
    );
  }
  assertEquals(
    proxyFor("127.example.com", { "HTTPS_PROXY": "http://proxy.corp:3128" }),
    PROXY,
  );
});

Deno.test("without TLS, the variables for http name the proxy, but not to this machine", () => {
  const variableFor = (
    host: string,
    variables: Readonly<Record<string, string>>,
  ) => forwardProxyVariable({ host, port: 80 }, (name) => variables[name]);
  const url = "socks5://proxy.corp";
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
    assertStrictEquals(variableFor("example.com", { [name]: url }), name);
    assertStrictEquals(variableFor("localhost", { [name]: url }), undefined);
    assertStrictEquals(
      variableFor("example.com", { [name]: url, "NO_PROXY": "example.com" }),
      undefined,
    );
  }
  assertStrictEquals(
    variableFor("example.com", { "ALL_PROXY": url, "http_proxy": url }),
    "http_proxy",
  );
  assertStrictEquals(
    variableFor("example.com", { "HTTPS_PROXY": url }),
    undefined,
  );
});
