import type { Config } from "../../lib/config/config.ts";
import { type Input, readOptions } from "../../lib/config/read_options.ts";
import {
  toConfig,
  toDeliveryConfig,
  toStateConfig,
  toStatusConfig,
} from "../../lib/config/resolve.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";
import { filesOf, NOW_MS } from "./files.ts";

const FILES = {
  "/x/ca.crt": "",
  "/x/client.crt": "",
  "/x/client.key": "",
  "/x/passphrase": "",
  "/run/token": "Bearer abc\n",
  identity: "",
};

interface Places {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function inputOf(
  command: Input["command"],
  args: readonly string[],
  { env = {}, files = {} }: Places = {},
): Input {
  const readTextFile = filesOf({ ...FILES, ...files });
  return { command, args, env, readTextFile, nowMs: NOW_MS };
}

function start(args: readonly string[], places?: Places): Config {
  return toConfig(readOptions(inputOf("start", args, places)));
}

function problemsOf(args: readonly string[], places?: Places) {
  return assertThrows(() => start(args, places), ConfigError).problems;
}

const NEEDED = [
  "--teleport-identity=identity",
  "--storage=/state",
  "--fluentd-url=https://localhost:8888/test.log",
  "--fluentd-session-url=https://localhost:8888/session",
];

const DEFAULTS: Config = {
  teleport: {
    addresses: [{ host: "localhost", port: 3025 }],
    credentials: { kind: "identity", file: "identity" },
    refreshIntervalMs: undefined,
  },
  source: {
    pageSize: undefined,
    types: [],
    skipEventTypes: [],
    skipSessionTypes: ["print", "desktop.recording"],
    startTime: undefined,
    startId: undefined,
    cursor: undefined,
    pollMs: 5000,
    windowMs: 86_400_000,
  },
  target: {
    kind: "fluentd",
    storage: "/state",
    fluentd: {
      url: "https://localhost:8888/test.log",
      sessionUrl: "https://localhost:8888/session",
      caFile: undefined,
      client: undefined,
      maxConnections: 4,
      maxEvents: 500,
      maxBytes: 1_048_576,
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

Deno.test("with what must be given and no more, the documented defaults hold", () => {
  assertEquals(start(NEEDED), DEFAULTS);
});

Deno.test("every option ends up in its place", () => {
  const config = start([
    "--debug",
    "--log-format=json",
    "--log-level=error",
    "--teleport-addr=a:1,b:2",
    "--teleport-ca=/x/ca.crt",
    "--teleport-cert=/x/client.crt",
    "--teleport-key=/x/client.key",
    "--teleport-refresh-enabled",
    "--teleport-refresh-interval=2m",
    "--fluentd-url=https://f:1/a",
    "--fluentd-session-url=https://f:1/s",
    "--fluentd-ca=/x/ca.crt",
    "--fluentd-cert=/x/client.crt",
    "--fluentd-key=/x/client.key",
    "--fluentd-key-passphrase-file=/x/passphrase",
    "--fluentd-max-connections=2",
    "--fluentd-batch=7",
    "--fluentd-batch-bytes=2KiB",
    "--fluentd-timeout=3s",
    "--fluentd-compress=gzip",
    "--fluentd-header=Authorization: @/run/token",
    "--fluentd-header=X-A: 1",
    "--types=t",
    "--skip-event-types=e",
    "--skip-session-types=s",
    "--start-time=2024-05-01T00:00:00Z",
    "--start-id=i",
    "--batch=50",
    "--window-size=1h",
    "--timeout=1s",
    "--storage=/s",
    "--concurrency=6",
    "--exit-on-last-event",
    "--retry-timeout=8s",
    "--listen=[::1]:9",
    "--lock-enabled",
    "--lock-failed-attempts-count=4",
    "--lock-period=2m",
    "--lock-for=1h",
  ]);
  assertEquals(config, {
    teleport: {
      addresses: [{ host: "a", port: 1 }, { host: "b", port: 2 }],
      credentials: {
        kind: "files",
        caFile: "/x/ca.crt",
        certFile: "/x/client.crt",
        keyFile: "/x/client.key",
      },
      refreshIntervalMs: 120_000,
    },
    source: {
      pageSize: 50,
      types: ["t"],
      skipEventTypes: ["e"],
      skipSessionTypes: ["s"],
      startTime: "2024-05-01T00:00:00Z",
      startId: "i",
      cursor: undefined,
      pollMs: 1000,
      windowMs: 3_600_000,
    },
    target: {
      kind: "fluentd",
      storage: "/s",
      fluentd: {
        url: "https://f:1/a",
        sessionUrl: "https://f:1/s",
        caFile: "/x/ca.crt",
        client: {
          certFile: "/x/client.crt",
          keyFile: "/x/client.key",
          keyPassphraseFile: "/x/passphrase",
        },
        maxConnections: 2,
        maxEvents: 7,
        maxBytes: 2048,
        timeoutMs: 3000,
        compress: "gzip",
        headers: [
          { name: "Authorization", value: "Bearer abc", file: "/run/token" },
          { name: "X-A", value: "1" },
        ],
      },
      retryTimeoutMs: 8000,
    },
    concurrency: 6,
    exitOnLastEvent: true,
    lock: { failedAttempts: 4, periodMs: 120_000, forMs: 3_600_000 },
    listen: { host: "::1", port: 9 },
    log: { level: "debug", format: "json" },
  });
});

Deno.test("a cursor ends up in its place", () => {
  assertEquals(start([...NEEDED, "--cursor=c"]), {
    ...DEFAULTS,
    source: { ...DEFAULTS.source, cursor: "c" },
  });
});

Deno.test("a configuration is frozen to its depth, and can be sent to a Worker", () => {
  const config = start([...NEEDED, "--fluentd-header=A: 1"]);
  const check = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    assert(Object.isFrozen(value));
    Object.values(value).forEach(check);
  };
  check(config);
  assertEquals(structuredClone(config), config);
});

Deno.test("a dry run needs no Fluentd and no storage, and never locks", () => {
  assertEquals(
    start(["--dry-run", "--lock-enabled", "--teleport-identity=identity"]),
    {
      ...DEFAULTS,
      target: { kind: "stdout", retryTimeoutMs: undefined },
    },
  );
});

Deno.test("a dry run that is turned off again needs all of them", () => {
  const problems = problemsOf(["--no-dry-run"], {
    env: { FDFWD_DRY_RUN: "true" },
  });
  assertEquals(problems.map((problem) => problem.split(":")[0]), [
    "teleport-identity is missing",
    "fluentd-url is missing",
    "fluentd-session-url is missing",
    "storage is missing",
  ]);
});

Deno.test("a run with an end, a dry one too, retries for five minutes, unless told otherwise", () => {
  for (const run of [NEEDED, [...NEEDED, "--dry-run"]]) {
    const retryTimeoutOf = (...args: string[]) =>
      start([...run, ...args]).target.retryTimeoutMs;
    assertEquals(retryTimeoutOf(), undefined);
    assertEquals(retryTimeoutOf("--exit-on-last-event"), 300_000);
    assertEquals(
      retryTimeoutOf("--exit-on-last-event", "--retry-timeout=1h"),
      3_600_000,
    );
  }
});

Deno.test("a lock for no time at all is a lock for ever", () => {
  assertEquals(start([...NEEDED, "--lock-enabled"]).lock, {
    failedAttempts: 3,
    periodMs: 60_000,
    forMs: undefined,
  });
  assertEquals(
    start([...NEEDED, "--lock-enabled", "--lock-for=0s"]).lock?.forMs,
    undefined,
  );
});

Deno.test("flags win over the environment, that over TOML, and that over defaults", () => {
  const files = {
    "x.toml":
      'batch = 1\nconcurrency = 1\ntimeout = "1s"\ntypes = ["toml"]\ndebug = true',
  };
  const env = {
    FDFWD_CONFIG: "x.toml",
    FDFWD_BATCH: "2",
    FDFWD_CONCURRENCY: "2",
    FDFWD_TYPES: "",
  };
  const { source, concurrency, log } = start(
    [...NEEDED, "--batch=3", "--no-debug"],
    { env, files },
  );
  assertEquals(source.pageSize, 3);
  assertEquals(concurrency, 2);
  assertEquals(source.types, []);
  assertEquals(source.pollMs, 1000);
  assertEquals(source.windowMs, 86_400_000);
  assertEquals(log.level, "info");
});

Deno.test("where each value came from is told, and secrets are not", () => {
  const { effective } = readOptions(
    inputOf("start", [
      ...NEEDED,
      "--config=x.toml",
      "--fluentd-header=A: hunter2",
      "--types=a",
      "--types=b",
    ], {
      env: { FDWRD_CONCURRENCY: "2" },
      files: { "x.toml": "# one\nbatch = 1" },
    }),
  );
  const shown = effective.map(({ name, text, origin }) =>
    [name, [text, origin]] as const
  );
  const byName = Object.fromEntries(shown);
  assertEquals(byName["batch"], ["1", "x.toml:2: batch"]);
  assertEquals(byName["concurrency"], ["2", "FDWRD_CONCURRENCY"]);
  assertEquals(byName["types"], ["a,b", "--types"]);
  assertEquals(byName["fluentd-header"], ["***", "--fluentd-header"]);
  assertEquals(byName["timeout"], ["5s", "default"]);
  assertEquals(byName["start-time"], ["now, at the first run", "default"]);
  assertEquals(byName["fluentd-cert"], ["none", "default"]);
  assertEquals(byName["help"], undefined);
  assert(!JSON.stringify(effective).includes("hunter2"));
});

Deno.test("of what is written repeatedly, that is shown which holds", () => {
  const { effective, value } = readOptions(
    inputOf("start", [
      ...NEEDED,
      ...["--batch=1", "--batch=2", "--debug", "--no-debug"],
      ...["--types=a", "--types=", "--types=b", "--types=c,d"],
    ]),
  );
  const shown = Object.fromEntries(
    effective.map(({ name, text }) => [name, text]),
  );
  assertEquals([shown["batch"], value("batch")], ["2", 2]);
  assertEquals([shown["debug"], value("debug")], ["false", false]);
  assertEquals([shown["types"], value("types")], ["b,c,d", ["b", "c", "d"]]);
});

Deno.test("of a URL, what stands in its query is not shown, since some receivers take a secret there", () => {
  const { effective, value } = readOptions(
    inputOf("start", [...NEEDED, "--fluentd-url=https://a/b?token=hunter2"]),
  );
  const url = effective.find(({ name }) => name === "fluentd-url");
  assertEquals(url?.text, "https://a/b?…");
  assertEquals(value("fluentd-url"), "https://a/b?token=hunter2");
});

Deno.test("a command on the state needs to know where that is, and no more", () => {
  const options = readOptions(
    inputOf("status", ["--storage=/s", "--json"], {
      // Belongs to others, who may see more than this one.
      env: { FDFWD_TELEPORT_IDENTITY: "/nowhere", FDFWD_BATCH: "x" },
    }),
  );
  assertEquals(toStateConfig(options), {
    storage: "/s",
    addresses: [{ host: "localhost", port: 3025 }],
  });
  assertEquals(options.value("json"), true);
});

Deno.test("status knows the certificates that are configured for others, as far as it may read them", () => {
  const options = readOptions(
    inputOf("status", ["--storage=/s"], {
      env: {
        FDFWD_TELEPORT_IDENTITY: "/nowhere",
        FDFWD_FLUENTD_CERT: "/x/client.crt",
      },
    }),
  );
  const { certificates, problems } = toStatusConfig(options);
  assertEquals(certificates, [
    { name: "fluentd-cert", file: "/x/client.crt", kind: "own" },
  ]);
  assertEquals(problems, [
    "teleport-identity: cannot read /nowhere: there is no such file",
  ]);
});

Deno.test("a dry run in a shared file does not spare status the storage", () => {
  const error = assertThrows(
    () =>
      readOptions(inputOf("status", ["-c=x.toml"], {
        files: { "x.toml": "dry-run = true" },
      })),
    ConfigError,
  );
  assertEquals(error.problems.length, 1);
  assert(error.message.startsWith("storage is missing"));
});

Deno.test("sending refused events again needs Fluentd and not Teleport", () => {
  const [, ...withoutIdentity] = NEEDED;
  const options = readOptions(
    inputOf("rejected retry", [...withoutIdentity, "id"]),
  );
  assertEquals<unknown>({
    kind: "fluentd",
    ...toDeliveryConfig(options),
    retryTimeoutMs: undefined,
  }, DEFAULTS.target);
  assertEquals(options.operands, ["id"]);
});

Deno.test("options for certificates have the documented defaults", () => {
  const { value, operands } = readOptions(inputOf("configure", ["out"]));
  assertEquals(operands, ["out", "localhost:3025", "ca", "server", "client"]);
  assertEquals(value("ttl"), 315_360_000_000);
  assertEquals(value("dns-names"), ["localhost"]);
  assertEquals(value("ip"), ["127.0.0.1"]);
  assertEquals(value("length"), "4096");
  assertEquals(value("output"), "fluentd");
});

Deno.test("a file with options is read only where the command takes one", () => {
  const { value } = readOptions(
    inputOf("configure", ["out"], {
      env: { FDFWD_CONFIG: "x.toml" },
      files: { "x.toml": "storge = 's'\nlock-enabled = true" },
    }),
  );
  assertEquals(value("lock-enabled"), false);
});

Deno.test("everything that is wrong is told at once, each with its place", () => {
  assertEquals(
    problemsOf(
      ["--config=x.toml", "--timeout=5", "--lenght=1", "--ttl=1h", "now"],
      {
        env: { FDFWD_BATCH: "x", FDFWD_BACH: "1" },
        files: {
          "x.toml":
            'storage = "s"\n[forward.fluentd]\nulr = "https://a/"\nsession-url = "a:1"\n',
        },
      },
    ),
    [
      '--lenght: unknown flag: did you mean "--length"?',
      "--ttl: is an option of configure, and not of start",
      'start: unexpected argument "now"',
      'FDFWD_BACH: unknown environment variable: did you mean "FDFWD_BATCH"?',
      'x.toml:3: unknown key "forward.fluentd.ulr": did you mean "forward.fluentd.url"?',
      'x.toml:4: forward.fluentd.session-url: "a:1" is not an http or https URL: write it like https://localhost:8888/test.log',
      'FDFWD_BATCH: "x" is not a whole number',
      '--timeout: "5" has no unit: write 5s, 5m or 5h',
      "teleport-identity is missing: give --teleport-identity, FDFWD_TELEPORT_IDENTITY, or teleport-identity in the TOML file; or teleport-ca, teleport-cert, teleport-key instead",
      "fluentd-url is missing: give --fluentd-url, FDFWD_FLUENTD_URL, or fluentd-url in the TOML file",
    ],
  );
});

const RELATIONS: [args: string[], problems: string[]][] = [
  [
    ["--teleport-ca=/x/ca.crt"],
    [
      "--teleport-identity: cannot be given together with --teleport-ca: leave one out",
    ],
  ],
  [
    ["--fluentd-cert=/x/client.crt"],
    ["--fluentd-cert: needs fluentd-key as well"],
  ],
  [
    ["--fluentd-key=/x/client.key"],
    ["--fluentd-key: needs fluentd-cert as well"],
  ],
  [
    ["--fluentd-key-passphrase-file=/x/passphrase"],
    ["--fluentd-key-passphrase-file: needs fluentd-key as well"],
  ],
  [["--start-id=x"], ["--start-id: needs start-time as well"]],
  [
    ["--start-id=x", "--start-time=2024-01-01T00:00:00Z", "--cursor=c"],
    ["--cursor: cannot be given together with --start-id: leave one out"],
  ],
];

for (const [args, problems] of RELATIONS) {
  Deno.test(`${args.join(" ")} is refused for the company it is in`, () => {
    assertEquals(problemsOf([...NEEDED, ...args]), problems);
  });
}

Deno.test("an identity that is given twice over is refused with both places", () => {
  const [, ...others] = NEEDED;
  assertEquals(
    problemsOf(
      [...others, "--config=x.toml", "--teleport-cert=/x/client.crt"],
      { files: { "x.toml": '[teleport]\nidentity = "identity"' } },
    ),
    [
      "x.toml:2: teleport.identity: cannot be given together with --teleport-cert: leave one out",
    ],
  );
});

Deno.test("two of Teleport's three files are not enough", () => {
  const [, ...others] = NEEDED;
  assertEquals(
    problemsOf([
      ...others,
      "--teleport-cert=/x/client.crt",
      "--teleport-key=/x/client.key",
    ]),
    [
      "--teleport-cert: needs teleport-ca as well",
      "--teleport-key: needs teleport-ca as well",
    ],
  );
});

Deno.test("a file that cannot be understood hides nothing that it may contain", () => {
  assertEquals(
    problemsOf(["--config=x.toml", "--batch=0"], {
      files: { "x.toml": "storage = s" },
    }),
    [
      "x.toml:1: storage: its value is not TOML: text stands in quotes",
      '--batch: "0" is too small: at least 1',
    ],
  );
});

Deno.test("a missing file is told once, by the place that names it", () => {
  assertEquals(problemsOf(["--config=/nowhere.toml"]), [
    "--config: cannot read /nowhere.toml: there is no such file",
  ]);
  assertEquals(problemsOf([], { env: { FDFWD_CONFIG: "/nowhere.toml" } }), [
    "FDFWD_CONFIG: cannot read /nowhere.toml: there is no such file",
  ]);
});

Deno.test("on a real disk, directories and unreadable files are told apart", async () => {
  await withDirectory(async (directory) => {
    const file = `${directory}/identity`;
    await Deno.writeTextFile(file, "");
    const input = inputOf("start", [
      ...NEEDED.slice(1),
      // tbot's output, perhaps.
      `--teleport-identity=${directory}`,
      `--fluentd-ca=${directory}`,
      `--fluentd-cert=${directory}/none`,
      `--fluentd-key=${file}/none`,
    ]);
    const error = assertThrows(
      () =>
        toConfig(readOptions({
          ...input,
          readTextFile: (path) => Deno.readTextFileSync(path),
        })),
      ConfigError,
    );
    const [isDirectory, isMissing, isWithinFile] = error.problems;
    assertEquals(
      isDirectory,
      `--fluentd-ca: cannot read ${directory}: it is a directory, not a file`,
    );
    assertEquals(
      isMissing,
      `--fluentd-cert: cannot read ${directory}/none: there is no such file`,
    );
    assert(
      isWithinFile?.startsWith(`--fluentd-key: cannot read ${file}/none: `),
    );
    assertEquals(error.problems.length, 3);
  });
});

Deno.test("a file without permission is told as such", () => {
  const error = assertThrows(
    () =>
      toConfig(readOptions({
        ...inputOf("start", NEEDED),
        readTextFile() {
          throw new Deno.errors.PermissionDenied("os error 13");
        },
      })),
    ConfigError,
  );
  assertEquals(error.problems, [
    "--teleport-identity: cannot read identity: permission denied: it must be readable by the user that runs this",
  ]);
});

Deno.test("a defect in here does not pass for a mistake of the reader's", () => {
  assertThrows(
    () =>
      toConfig(readOptions({
        ...inputOf("start", [...NEEDED, "--config=x.toml"]),
        env: new Proxy({}, {
          ownKeys() {
            throw new TypeError("defect");
          },
        }),
      })),
    TypeError,
    "defect",
  );
});

Deno.test("a file is read once: what was checked is what is used", () => {
  const input = inputOf("start", [
    ...NEEDED,
    "--fluentd-header=Authorization: @/run/token",
  ]);
  let reads = 0;
  const options = readOptions({
    ...input,
    readTextFile: (path) =>
      path === "/run/token" ? `token ${++reads}` : input.readTextFile(path),
  });
  for (const _ of ["once", "and again"]) {
    const [header] = options.value("fluentd-header");
    assertEquals(header?.value, "token 1");
  }
  assertEquals(reads, 1);
});

Deno.test("of several TOML files the last one is read, as with any option that is given twice", () => {
  const files = { "/a.toml": "batch = 1", "/b.toml": "batch = 2" };
  const { source } = start(
    [...NEEDED, "--config=/a.toml", "--config=/b.toml"],
    { files },
  );
  assertEquals(source.pageSize, 2);
});
