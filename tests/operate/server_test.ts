import { serve, type ServerContent } from "../../lib/operate/server.ts";
import { assertEquals, assertMatch, assertThrows } from "../assert.ts";
import { ConfigError } from "../../lib/errors.ts";
import { captureLog } from "./captured_log.ts";
import { watchedRun } from "./watched_run.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

function content(more: Partial<ServerContent> = {}): ServerContent {
  const monitor = watchedRun();
  return {
    metrics: () =>
      Promise.resolve({ text: "up 1\n", contentType: "text/plain; v=1" }),
    health: () => ({ ok: true }),
    readiness: () => ({ ok: true }),
    status: () => monitor.report(),
    page: () => ({ body: "", headers: {} }),
    ...more,
  };
}

/** Some machines and containers have none. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("each path answers with what it is for, uncached and locked down", async () => {
  const page = {
    body: "<p>hello",
    headers: {
      "content-type": "text/html",
      "content-security-policy": "default-src 'self'",
    },
  };
  await using server = serve(
    LOOPBACK,
    content({ page: () => page }),
  );
  const expected = [
    ["/metrics", "text/plain; v=1", /^up 1\n$/],
    ["/healthz", "text/plain; charset=utf-8", /^ok\n$/],
    ["/readyz", "text/plain; charset=utf-8", /^ok\n$/],
    ["/status", "application/json", /"version":"1.2.3"/],
    ["/", "text/html", /^<p>hello$/],
  ] as const;
  for (const [path, type, body] of expected) {
    const response = await fetch(server.url + path);
    assertMatch(await response.text(), body);
    assertEquals(
      [
        response.status,
        response.headers.get("content-type"),
        response.headers.get("cache-control"),
        response.headers.get("x-content-type-options"),
        response.headers.get("x-frame-options"),
        response.headers.get("content-security-policy"),
      ],
      [
        200,
        type,
        "no-store",
        "nosniff",
        "DENY",
        path === "/"
          ? "default-src 'self'"
          : "default-src 'none'; frame-ancestors 'none'",
      ],
    );
  }
});

Deno.test("HEAD answers as GET does, without the body", async () => {
  await using server = serve(LOOPBACK, content());
  for (const path of ["/", "/metrics", "/healthz", "/readyz", "/status"]) {
    const whole = await fetch(`${server.url}${path}`);
    const length = (await whole.bytes()).length;
    const response = await fetch(`${server.url}${path}`, { method: "HEAD" });
    assertEquals(response.status, whole.status);
    for (const name of ["content-type", "content-security-policy"]) {
      assertEquals(response.headers.get(name), whole.headers.get(name));
    }
    assertEquals(response.headers.get("content-length"), String(length));
    assertEquals(await response.text(), "");
  }
});

Deno.test("what is not ok is 503 with the reason", async () => {
  const reason = "Fluentd fails since then: connection refused";
  await using server = serve(
    LOOPBACK,
    content({
      health: () => ({ ok: false, reason: "nothing has moved" }),
      readiness: () => ({ ok: false, reason }),
    }),
  );
  const health = await fetch(`${server.url}/healthz`);
  assertEquals([health.status, await health.text()], [
    503,
    "nothing has moved\n",
  ]);
  const ready = await fetch(`${server.url}/readyz`);
  assertEquals([ready.status, await ready.text()], [503, `${reason}\n`]);
});

Deno.test("what a receiver said does not command the terminal of who asks for health", async () => {
  const reason = "Teleport fails: \x1b[2J\u202egone\nFluentd fails: \x07";
  await using server = serve(
    LOOPBACK,
    content({
      health: () => ({ ok: false, reason }),
      readiness: () => ({ ok: false, reason }),
    }),
  );
  for (const path of ["healthz", "readyz"]) {
    const response = await fetch(`${server.url}/${path}`);
    assertEquals(
      await response.text(),
      "Teleport fails: \\u001b[2J\\u202egone\nFluentd fails: \\u0007\n",
    );
  }
});

Deno.test("other methods and other paths are refused", async () => {
  await using server = serve(LOOPBACK, content());
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await fetch(`${server.url}/status`, { method });
    await response.body?.cancel();
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "GET, HEAD");
  }
  for (const path of ["/metrics/", "/../etc/passwd", "//status"]) {
    const response = await fetch(server.url + path);
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
});

/** The status of the answer to GET `path` with such lines in its head. */
async function statusOf(
  server: { url: string },
  path: string,
  ...lines: string[]
): Promise<number> {
  const { hostname, port } = new URL(server.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [`GET ${path} HTTP/1.0`, ...lines, "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(head));
  const reader = connection.readable.getReader();
  const { value } = await reader.read();
  const text = new TextDecoder().decode(value);
  return Number(/^HTTP\/1.0 (\d+) /.exec(text)?.[1]);
}

Deno.test("a Host that is none is the client's mistake, and not logged", async () => {
  await using log = await captureLog();
  await using server = serve(LOOPBACK, content());
  const before = log.records.length;
  for (const host of ["a b", "[::", "x:99999", "%%"]) {
    const status = await statusOf(server, "/status", `Host: ${host}`);
    assertEquals([host, status], [host, 400]);
  }
  assertEquals(log.records.slice(before), []);
});

Deno.test("on this machine's own address it answers under its own names only, and without one", async () => {
  await using server = serve(LOOPBACK, content());
  const own = [
    "localhost",
    "LOCALHOST:80",
    "127.0.0.1",
    "127.1.2.3:9",
    "[::1]",
  ];
  for (const host of [...own, "[::1]:9090", ""]) {
    const status = await statusOf(server, "/status", `Host: ${host}`);
    assertEquals([host, status], [host, 200]);
  }
  assertEquals(await statusOf(server, "/status"), 200);
  for (
    const host of [
      "evil.example.com",
      "evil.example.com:9090",
      "127.0.0.1.example.com",
      "127.example.com",
      "localhost.example.com",
      "localhost@example.com",
      "192.0.2.1",
      "0.0.0.0",
      "[::2]",
    ]
  ) {
    for (const path of ["/", "/status", "/metrics", "/healthz", "/other"]) {
      const status = await statusOf(server, path, `Host: ${host}`);
      assertEquals([host, path, status], [host, path, 421]);
    }
  }
});

Deno.test("on other addresses it answers under any name", async () => {
  await using server = serve({ host: "0.0.0.0", port: 0 }, content());
  const url = server.url.replace("0.0.0.0", "127.0.0.1");
  for (const host of ["evil.example.com", "192.0.2.1:9090", "localhost"]) {
    assertEquals(await statusOf({ url }, "/status", `Host: ${host}`), 200);
  }
});

Deno.test("what fails on our side is logged, and not shown", async () => {
  await using log = await captureLog();
  await using server = serve(
    LOOPBACK,
    content({ metrics: () => Promise.reject(new Error("inner detail")) }),
  );
  const response = await fetch(`${server.url}/metrics`);
  assertEquals([response.status, await response.text()], [
    500,
    "it failed: see the log\n",
  ]);
  const logged = log.records.at(-1);
  assertEquals([logged?.level, logged?.error], ["ERROR", "inner detail"]);
});

Deno.test("a port that is taken is told as such", async () => {
  await using first = serve(LOOPBACK, content());
  const port = Number(new URL(first.url).port);
  const error = assertThrows(
    () => serve({ host: "127.0.0.1", port }, content()),
    ConfigError,
  );
  assertEquals(
    error.message,
    `listen: cannot listen on 127.0.0.1:${port}: another process listens there: stop it, or choose another port`,
  );
});

Deno.test("an address of another machine is told as such", () => {
  // TEST-NET-1 (RFC 5737): nobody's own.
  const error = assertThrows(
    () => serve({ host: "192.0.2.1", port: 0 }, content()),
    ConfigError,
  );
  assertMatch(
    error.message,
    /192\.0\.2\.1:0: this machine has no such address/,
  );
});

Deno.test("a warning says so where other machines can read it, and only there", async () => {
  for (
    const [host, level] of [
      ["127.0.0.1", "INFO"],
      ["localhost", "INFO"],
      ["0.0.0.0", "WARN"],
      ...hasIpv6() ? [["::1", "INFO"], ["::", "WARN"]] as const : [],
    ] as const
  ) {
    await using log = await captureLog();
    {
      await using _server = serve({ host, port: 0 }, content());
    }
    assertEquals([host, log.records.at(-1)?.level], [host, level]);
  }
});

Deno.test("its end waits for nobody who holds a connection", async () => {
  const never = Promise.withResolvers<never>();
  const server = serve(
    LOOPBACK,
    content({ metrics: () => never.promise }),
  );
  const waiting = fetch(`${server.url}/metrics`);
  const failed = waiting.then(() => false, () => true);
  const kept = await fetch(`${server.url}/healthz`);
  await kept.text();
  await server[Symbol.asyncDispose]();
  assertEquals(await failed, true);
});
