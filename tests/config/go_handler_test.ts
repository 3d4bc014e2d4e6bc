/** Configurations that were written for the Go handler load unchanged. */

import type { Config } from "../../lib/config/config.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { assertEquals } from "../assert.ts";
import { filesOf, NOW_MS } from "./files.ts";

const FILES = {
  "/x/ca.crt": "",
  "/x/client.crt": "",
  "/x/client.key": "",
  identity: "",
};

function start(
  { toml = "", env = {}, args = [] }: {
    toml?: string;
    env?: Record<string, string>;
    args?: string[];
  },
): Config {
  return resolveConfig({
    command: "start",
    args: ["--config=teleport-event-handler.toml", ...args],
    env,
    readTextFile: filesOf({ ...FILES, "teleport-event-handler.toml": toml }),
    nowMs: NOW_MS,
  });
}

const EXPECTED: Config = {
  teleport: {
    addresses: [{ host: "localhost", port: 3025 }],
    credentials: { kind: "identity", file: "identity" },
    refreshIntervalMs: 120_000,
  },
  source: {
    pageSize: 20,
    types: [],
    skipEventTypes: [],
    skipSessionTypes: ["print", "desktop.recording"],
    startTime: undefined,
    startId: undefined,
    cursor: undefined,
    pollMs: 10_000,
    windowMs: 86_400_000,
  },
  target: {
    kind: "fluentd",
    storage: "./storage",
    fluentd: {
      url: "https://localhost:8888/test.log",
      sessionUrl: "https://localhost:8888/session",
      caFile: "/x/ca.crt",
      client: {
        certFile: "/x/client.crt",
        keyFile: "/x/client.key",
        keyPassphraseFile: undefined,
      },
      maxConnections: 4,
      batch: 500,
      batchBytes: 1_048_576,
      timeoutMs: 30_000,
      compress: "none",
      headers: [],
    },
    retryTimeoutMs: undefined,
  },
  concurrency: 5,
  exitOnLastEvent: false,
  lock: undefined,
  listen: undefined,
  log: { level: "info", format: "text" },
};

Deno.test("the file that its configure command writes", () => {
  assertEquals(
    start({
      toml: `
storage = "./storage"
timeout = "10s"
batch = 20
# Old files name one, without effect.
namespace = "default"
# The window size configures the duration of the time window for the event handler
# to request events from Teleport.
window-size = "24h"
# Types of session events to skip.
skip-session-types = ["print", "desktop.recording"]

[forward.fluentd]
ca = "/x/ca.crt"
cert = "/x/client.crt"
key = "/x/client.key"
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session"

[teleport]
addr = "localhost:3025"
identity = "identity"
refresh.enabled = true
refresh.interval = "2m"
`,
    }),
    EXPECTED,
  );
});

Deno.test("the file that its Helm chart renders", () => {
  assertEquals(
    start({
      toml: `
storage = "./storage"
timeout = "10s"
batch = 20
window-size = "24h"
types = "user.login,session.start"
skip-event-types = ["cert.create"]
skip-session-types = ["print"]
start-time = "2024-05-01T00:00:00Z"
concurrency = 9
dry-run = false

[forward.fluentd]
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session"
ca = "/x/ca.crt"
cert = "/x/client.crt"
key = "/x/client.key"

[teleport]
addr = "localhost:3025"
identity = "identity"
refresh.enabled = true
refresh.interval = "2m"

[lock]
enabled = true
failed-attempts-count = 3
period = "1m"
for = "5m"
`,
    }),
    {
      ...EXPECTED,
      source: {
        ...EXPECTED.source,
        types: ["user.login", "session.start"],
        skipEventTypes: ["cert.create"],
        skipSessionTypes: ["print"],
        startTime: "2024-05-01T00:00:00Z",
      },
      concurrency: 9,
      lock: { failedAttempts: 3, periodMs: 60_000, forMs: 300_000 },
    },
  );
});

Deno.test("a file without sections, keyed by the names of its flags", () => {
  assertEquals(
    start({
      toml: `
storage = "./storage"
timeout = "10s"
batch = 20
fluentd-url = "https://localhost:8888/test.log"
fluentd-session-url = "https://localhost:8888/session"
fluentd-ca = "/x/ca.crt"
fluentd-cert = "/x/client.crt"
fluentd-key = "/x/client.key"
teleport-addr = "localhost:3025"
teleport-identity = "identity"
teleport-refresh-enabled = true
teleport-refresh-interval = "2m"
`,
    }),
    EXPECTED,
  );
});

Deno.test("an environment file with its documented names, misspelt ones included", () => {
  assertEquals(
    start({
      env: {
        FDFWD_STORAGE: "./storage",
        FDFWD_TIMEOUT: "10s",
        FDFWD_BATCH: "20",
        FDFWD_TYPES: "",
        FDFWD_CURSOR: "",
        FDFWD_START_TIME: "",
        FDFWD_DEBUG: "false",
        FDFWD_SKIP_SESSION_TYPES: "print,desktop.recording",
        FDFWD_FLUENTD_URL: "https://localhost:8888/test.log",
        FDFWD_FLUENTD_SESSION_URL: "https://localhost:8888/session",
        FDWRD_FLUENTD_CA: "/x/ca.crt",
        FDWRD_FLUENTD_CERT: "/x/client.crt",
        FDWRD_FLUENTD_KEY: "/x/client.key",
        FDWRD_MAX_CONNECTIONS: "4",
        FDFWD_TELEPORT_ADDR: "localhost:3025",
        FDFWD_TELEPORT_IDENTITY: "identity",
        FDFWD_TELEPORT_REFRESH_ENABLED: "1",
        FDFWD_TELEPORT_REFRESH_INTERVAL: "2m",
        FDFWD_LOCKING_ENABLED: "false",
      },
    }),
    EXPECTED,
  );
});

Deno.test("its command line, with recordings forwarded whole", () => {
  assertEquals(
    start({
      args: [
        "--storage",
        "./storage",
        "--timeout",
        "10s",
        "--batch",
        "20",
        "--skip-session-types",
        "",
        "--fluentd-url=https://localhost:8888/test.log",
        "--fluentd-session-url=https://localhost:8888/session",
        "--fluentd-ca=/x/ca.crt",
        "--fluentd-cert=/x/client.crt",
        "--fluentd-key=/x/client.key",
        "--teleport-addr=localhost:3025",
        "--teleport-identity=identity",
        "--teleport-refresh-enabled",
        "--teleport-refresh-interval=2m",
        "--debug",
      ],
    }),
    {
      ...EXPECTED,
      source: { ...EXPECTED.source, skipSessionTypes: [] },
      log: { level: "debug", format: "text" },
    },
  );
});
