/** Configurations that were written for the Go handler load unchanged. */

import type { Config } from "../../lib/config/config.ts";
import { readOptions } from "../../lib/config/read_options.ts";
import { toConfig } from "../../lib/config/resolve.ts";
import { assertEquals } from "../assert.ts";
import { type ChartRelease, renderChart } from "../fakes/helm_chart.ts";
import { filesOf, NOW_MS } from "./files.ts";

/** How somebody ran the Go handler. */
interface Case {
  readonly toml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Files that are named by it; `identity` and those in /x are always there. */
  readonly files?: readonly string[];
  /** What is different from `EXPECTED`. */
  readonly expected?: Expected;
}

interface Expected {
  readonly teleport?: Partial<Config["teleport"]>;
  readonly source?: Partial<Config["source"]>;
  readonly fluentd?: Partial<Fluentd["fluentd"]>;
  readonly storage?: string;
  readonly rest?: Partial<Config>;
}

type Fluentd = Extract<Config["target"], { readonly kind: "fluentd" }>;

const SOURCE: Config["source"] = {
  pageSize: 20,
  types: [],
  skipEventTypes: [],
  skipSessionTypes: ["print", "desktop.recording"],
  startTime: undefined,
  startId: undefined,
  cursor: undefined,
  pollMs: 10_000,
  windowMs: 86_400_000,
};

const FLUENTD: Fluentd["fluentd"] = {
  url: "https://localhost:8888/test.log",
  sessionUrl: "https://localhost:8888/session",
  caFile: "/x/ca.crt",
  client: {
    certFile: "/x/client.crt",
    keyFile: "/x/client.key",
    keyPassphraseFile: undefined,
  },
  maxConnections: 4,
  maxEvents: 500,
  maxBytes: 1_048_576,
  timeoutMs: 30_000,
  compress: "none",
  headers: [],
};

function configOf(
  { teleport, source, fluentd, storage = "./storage", rest }: Expected,
): Config {
  return {
    teleport: {
      addresses: [{ host: "localhost", port: 3025 }],
      credentials: { kind: "identity", file: "identity" },
      refreshIntervalMs: undefined,
      ...teleport,
    },
    source: { ...SOURCE, ...source },
    target: {
      kind: "fluentd",
      storage,
      fluentd: { ...FLUENTD, ...fluentd },
      retryTimeoutMs: undefined,
    },
    concurrency: 5,
    exitOnLastEvent: false,
    lock: undefined,
    listen: undefined,
    log: { level: "info", format: "text" },
    ...rest,
  };
}

const DEBUG: Partial<Config> = { log: { level: "debug", format: "text" } };
const REFRESH = { refreshIntervalMs: 60_000 };

const MOUNT = "/var/lib/teleport/plugins/event-handler";

/** What one gives the chart. */
const VALUES = `
teleport:
  address: teleport.example.com:1234
fluentd:
  url: https://fluentd:8888/test.log
  sessionUrl: https://fluentd:8888/session
`;

function chartCase(release: ChartRelease, rest: Partial<Config> = {}): Case {
  const { toml, env, secrets } = renderChart(VALUES, release);
  const identity = release === "first"
    ? `${MOUNT}/auth_id`
    : `${MOUNT}/teleport-identity/auth_id`;
  return {
    toml,
    env,
    files: Object.keys(secrets),
    expected: {
      teleport: {
        addresses: [{ host: "teleport.example.com", port: 1234 }],
        credentials: { kind: "identity", file: identity },
        ...release !== "first" && REFRESH,
      },
      fluentd: {
        url: "https://fluentd:8888/test.log",
        sessionUrl: "https://fluentd:8888/session",
        caFile: `${MOUNT}/ca.crt`,
        client: {
          certFile: `${MOUNT}/client.crt`,
          keyFile: `${MOUNT}/client.key`,
          keyPassphraseFile: undefined,
        },
      },
      storage: `${MOUNT}/storage`,
      rest,
    },
  };
}

const FORWARD_FLUENTD = `
[forward.fluentd]
ca = "/x/ca.crt"
cert = "/x/client.crt"
key = "/x/client.key"
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session"
`;

const CASES: Readonly<Record<string, Case>> = {
  "the file that its first releases configured": {
    toml: `
storage = "./storage" # its state
timeout = "10s"
batch = 20
namespace = "default"

[fluentd]
cert = "/x/client.crt"
key = "/x/client.key"${" "}
ca = "/x/ca.crt"
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session" # .<session id>.log is appended

[teleport]
addr = "localhost:3025" # the default
identity = "identity"   # from tctl
`,
  },
  "the file that its latest releases configure": {
    toml: `storage = "./storage"
timeout = "10s"
batch = 20
# A longer comment,
# in two lines.
window-size = "24h"
skip-session-types = ["print", "desktop.recording"]
${FORWARD_FLUENTD}
[teleport]
addr = "localhost:3025"
identity = "identity"
refresh.enabled = true
`,
    expected: { teleport: REFRESH },
  },
  "the file that its own tests load, relative paths and all": {
    toml: `storage = "./storage" # state
timeout = "10s"
batch = 20
debug = true

[forward.fluentd]
cert = "testdata/file"
key = "testdata/file"
ca = "testdata/file"
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session"

[teleport]
addr = "localhost:3025"
identity = "testdata/file"
refresh.enabled = true
refresh.interval = "2m"`,
    files: ["testdata/file"],
    expected: {
      teleport: {
        credentials: { kind: "identity", file: "testdata/file" },
        refreshIntervalMs: 120_000,
      },
      fluentd: {
        caFile: "testdata/file",
        client: {
          certFile: "testdata/file",
          keyFile: "testdata/file",
          keyPassphraseFile: undefined,
        },
      },
      rest: DEBUG,
    },
  },
  "a file with paths below the user's own directory": {
    toml: `
storage = "./storage"
timeout = "10s"
batch = 20

[forward.fluentd]
ca = "~/ca.crt"
cert = "~/client.crt"
key = "~/client.key"
url = "https://localhost:8888/test.log"
session-url = "https://localhost:8888/session"

[teleport]
identity = "~/identity"
`,
    env: { HOME: "/x" },
    files: ["/x/identity"],
    expected: {
      teleport: { credentials: { kind: "identity", file: "/x/identity" } },
    },
  },
  "a file without sections, keyed by the names of its flags": {
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
teleport-ca = "/x/ca.crt"
teleport-cert = "/x/client.crt"
teleport-key = "/x/client.key"
`,
    expected: {
      teleport: {
        credentials: {
          kind: "files",
          caFile: "/x/ca.crt",
          certFile: "/x/client.crt",
          keyFile: "/x/client.key",
        },
      },
    },
  },
  "a file with all of its keys": {
    toml: `
storage = "./storage"
timeout = "10s"
batch = 20
window-size = "12h"
types = "user.login,session.start"
skip-event-types = ["cert.create"]
skip-session-types = ["print"]
start-time = "2024-05-01T00:00:00Z"
concurrency = 9
dry-run = false
exit-on-last-event = false
debug = false
${FORWARD_FLUENTD}
max-connections = 18

[teleport]
addr = "localhost:3025"
identity = "identity"
refresh.enabled = false

[lock]
enabled = true
failed-attempts-count = 3
period = "1m"
for = "5m"
`,
    expected: {
      source: {
        windowMs: 43_200_000,
        types: ["user.login", "session.start"],
        skipEventTypes: ["cert.create"],
        skipSessionTypes: ["print"],
        startTime: "2024-05-01T00:00:00Z",
      },
      fluentd: { maxConnections: 18 },
      rest: {
        concurrency: 9,
        lock: { failedAttempts: 3, periodMs: 60_000, forMs: 300_000 },
      },
    },
  },
  "the file that the first Helm chart renders": chartCase("first"),
  "the file that the Helm chart renders, credentials read again": chartCase(
    "refreshing",
  ),
  "the file that the Helm chart renders, with debug in [teleport]": chartCase(
    "debugging",
    DEBUG,
  ),
  "the file that the latest Helm chart renders": chartCase("latest"),
  "an environment file with its documented names, misspelt ones included": {
    env: {
      FDFWD_STORAGE: "./storage",
      FDFWD_TIMEOUT: "10s",
      FDFWD_BATCH: "20",
      FDFWD_NAMESPACE: "default",
      FDFWD_TYPES: "",
      FDFWD_CURSOR: "",
      FDFWD_START_TIME: "",
      FDFWD_DEBUG: "false",
      FDFWD_SKIP_EVENT_TYPES: "",
      FDFWD_SKIP_SESSION_TYPES: "print,desktop.recording",
      FDFWD_FLUENTD_URL: "https://localhost:8888/test.log",
      FDFWD_FLUENTD_SESSION_URL: "https://localhost:8888/session",
      FDWRD_FLUENTD_CA: "/x/ca.crt",
      FDWRD_FLUENTD_CERT: "/x/client.crt",
      FDWRD_FLUENTD_KEY: "/x/client.key",
      FDWRD_MAX_CONNECTIONS: "4",
      FDFWD_TELEPORT_ADDR: "localhost:3025",
      FDFWD_TELEPORT_CA: "/x/ca.crt",
      FDWRD_TELEPORT_CERT: "/x/client.crt",
      FDFWD_TELEPORT_KEY: "/x/client.key",
      FDFWD_TELEPORT_REFRESH_ENABLED: "1",
      FDFWD_TELEPORT_REFRESH_INTERVAL: "2m",
      FDFWD_LOCKING_ENABLED: "true",
      FDFWD_LOCKING_FAILED_ATTEMPTS: "4",
      FDFWD_LOCKING_PERIOD: "2m",
      FDFWD_LOCKING_FOR: "1h",
    },
    expected: {
      teleport: {
        credentials: {
          kind: "files",
          caFile: "/x/ca.crt",
          certFile: "/x/client.crt",
          keyFile: "/x/client.key",
        },
        refreshIntervalMs: 120_000,
      },
      rest: {
        lock: { failedAttempts: 4, periodMs: 120_000, forMs: 3_600_000 },
      },
    },
  },
  "its command line, with recordings forwarded whole": {
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
      "--teleport-debug",
    ],
    expected: {
      teleport: REFRESH,
      source: { skipSessionTypes: [] },
      rest: DEBUG,
    },
  },
};

for (const [name, given] of Object.entries(CASES)) {
  Deno.test(`${name}, loads unchanged`, () => {
    const { toml, env = {}, args = [], files = [], expected = {} } = given;
    const names = ["/x/ca.crt", "/x/client.crt", "/x/client.key", "identity"];
    const config = toConfig(readOptions({
      command: "start",
      args: [...toml === undefined ? [] : ["-c", "handler.toml"], ...args],
      env,
      readTextFile: filesOf({
        ...Object.fromEntries([...names, ...files].map((name) => [name, ""])),
        ...toml !== undefined && { "handler.toml": toml },
      }),
      nowMs: NOW_MS,
    }));
    assertEquals(config, configOf(expected));
  });
}
