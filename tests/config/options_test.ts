/**
 * Every option, in every place where it can be given: what comes out, what holds
 * without it, and what is said of a bad value. The expectations are written out:
 * nothing here is derived from the table under test.
 */

import {
  canStandIn,
  OPTION_NAMES,
  type OptionName,
  type Values,
} from "../../lib/config/options.ts";
import { readOptions } from "../../lib/config/read_options.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { filesOf, NOW_MS } from "./files.ts";

interface Case<T> {
  /** A good value, as flag and variable. */
  readonly text: string;
  readonly value: T;
  /** Without prefix. */
  readonly variables: readonly string[];
  /** Ways to write the same value in TOML. */
  readonly toml: readonly string[];
  /** What holds without it; or that it must be given. */
  readonly otherwise: T | { readonly missing: string };
  /** A bad value, and what is said of it. */
  readonly bad: readonly [text: string, problem: string];
}

type Documented = Exclude<
  OptionName,
  | "config"
  | "help"
  | "ttl"
  | "cn"
  | "dns-names"
  | "ip"
  | "key-type"
  | "length"
  | "client-key-password"
  | "force"
  | "output"
  | "print-config"
  | "json"
>;

const NOT_THERE = "cannot read /nowhere: there is no such file";

function file(
  variable: string,
  keys: readonly string[],
): Case<string | undefined> {
  return {
    text: "/files/other",
    value: "/files/other",
    variables: [variable],
    toml: keys.map((key) => `${key} = "/files/other"`),
    otherwise: undefined,
    bad: ["/nowhere", NOT_THERE],
  };
}

function off(
  variables: readonly string[],
  keys: readonly string[],
): Case<boolean> {
  return {
    text: "true",
    value: true,
    variables,
    toml: keys.map((key) => `${key} = true`),
    otherwise: false,
    bad: ["maybe", '"maybe" is neither true nor false'],
  };
}

const CASES: { readonly [Name in Documented]: Case<Values[Name]> } = {
  debug: off(["DEBUG"], ["debug"]),
  "log-format": {
    text: "json",
    value: "json",
    variables: ["LOG_FORMAT"],
    toml: ['log-format = "json"', 'log.format = "json"'],
    otherwise: "text",
    bad: ["xml", '"xml" is not one of text, json'],
  },
  "log-level": {
    text: "warning",
    value: "warning",
    variables: ["LOG_LEVEL"],
    toml: ['log-level = "warning"', '[log]\nlevel = "warning"'],
    otherwise: "info",
    bad: ["loud", '"loud" is not one of debug, info, warning, error'],
  },
  "teleport-addr": {
    text: "a:1,[::1]:2",
    value: [{ host: "a", port: 1 }, { host: "::1", port: 2 }],
    variables: ["TELEPORT_ADDR"],
    toml: [
      'teleport-addr = "a:1,[::1]:2"',
      '[teleport]\naddr = ["a:1", "[::1]:2"]',
    ],
    otherwise: [{ host: "localhost", port: 3025 }],
    bad: ["a:", '"a:" has no port: write host:port'],
  },
  "teleport-identity": {
    ...file("TELEPORT_IDENTITY", [
      "teleport-identity",
      "[teleport]\nidentity",
    ]),
    otherwise: {
      missing:
        "teleport-identity is missing: give --teleport-identity, FDFWD_TELEPORT_IDENTITY, or teleport-identity in the TOML file; or teleport-ca, teleport-cert, teleport-key instead",
    },
  },
  "teleport-ca": file("TELEPORT_CA", ["teleport-ca", "[teleport]\nca"]),
  "teleport-cert": file("TELEPORT_CERT", ["teleport-cert", "[teleport]\ncert"]),
  "teleport-key": file("TELEPORT_KEY", ["teleport-key", "[teleport]\nkey"]),
  "teleport-refresh-enabled": off(["TELEPORT_REFRESH_ENABLED"], [
    "teleport-refresh-enabled",
    "[teleport]\nrefresh.enabled",
  ]),
  "teleport-refresh-interval": {
    text: "2m",
    value: 120_000,
    variables: ["TELEPORT_REFRESH_INTERVAL"],
    toml: [
      'teleport-refresh-interval = "2m"',
      '[teleport]\nrefresh.interval = "2m"',
    ],
    otherwise: 60_000,
    bad: ["0s", '"0s" is too short: at least 100ms'],
  },
  "fluentd-url": {
    text: "http://127.0.0.1:8888/a.log",
    value: "http://127.0.0.1:8888/a.log",
    variables: ["FLUENTD_URL"],
    toml: [
      'fluentd-url = "http://127.0.0.1:8888/a.log"',
      '[forward.fluentd]\nurl = "http://127.0.0.1:8888/a.log"',
    ],
    otherwise: {
      missing:
        "fluentd-url is missing: give --fluentd-url, FDFWD_FLUENTD_URL, or fluentd-url in the TOML file",
    },
    bad: [
      "127.0.0.1:8888/a.log",
      '"127.0.0.1:8888/a.log" is not an http or https URL: write it like https://localhost:8888/test.log',
    ],
  },
  "fluentd-session-url": {
    text: "http://127.0.0.1:8888/s",
    value: "http://127.0.0.1:8888/s",
    variables: ["FLUENTD_SESSION_URL"],
    toml: [
      'fluentd-session-url = "http://127.0.0.1:8888/s"',
      '[forward.fluentd]\nsession-url = "http://127.0.0.1:8888/s"',
    ],
    otherwise: {
      missing:
        "fluentd-session-url is missing: give --fluentd-session-url, FDFWD_FLUENTD_SESSION_URL, or fluentd-session-url in the TOML file",
    },
    bad: [
      "https://localhost/#s",
      '"https://localhost/#s" has a fragment (#…), which no server gets to see',
    ],
  },
  "fluentd-ca": file("FLUENTD_CA", ["fluentd-ca", "[forward.fluentd]\nca"]),
  "fluentd-cert": file("FLUENTD_CERT", [
    "fluentd-cert",
    "[forward.fluentd]\ncert",
  ]),
  "fluentd-key": file("FLUENTD_KEY", ["fluentd-key", "[forward.fluentd]\nkey"]),
  "fluentd-key-passphrase-file": file("FLUENTD_KEY_PASSPHRASE_FILE", [
    "fluentd-key-passphrase-file",
    "[forward.fluentd]\nkey-passphrase-file",
  ]),
  "fluentd-max-connections": {
    text: "8",
    value: 8,
    variables: ["MAX_CONNECTIONS", "FLUENTD_MAX_CONNECTIONS"],
    toml: [
      "fluentd-max-connections = 8",
      "[forward.fluentd]\nmax-connections = 8",
    ],
    otherwise: 4,
    bad: ["0", '"0" is too small: at least 1'],
  },
  "fluentd-batch": {
    text: "1",
    value: 1,
    variables: ["FLUENTD_BATCH"],
    toml: ["fluentd-batch = 1", "[forward.fluentd]\nbatch = 1"],
    otherwise: 500,
    bad: ["100001", '"100001" is too large: at most 100000'],
  },
  "fluentd-batch-bytes": {
    text: "512KiB",
    value: 524_288,
    variables: ["FLUENTD_BATCH_BYTES"],
    toml: [
      'fluentd-batch-bytes = "512KiB"',
      "[forward.fluentd]\nbatch-bytes = 524288",
    ],
    otherwise: 1_048_576,
    bad: ["1023", '"1023" is too small: at least 1KiB'],
  },
  "fluentd-timeout": {
    text: "1m",
    value: 60_000,
    variables: ["FLUENTD_TIMEOUT"],
    toml: ['fluentd-timeout = "1m"', '[forward.fluentd]\ntimeout = "1m"'],
    otherwise: 30_000,
    bad: ["30", '"30" has no unit: write 30s, 30m or 30h'],
  },
  "fluentd-compress": {
    text: "gzip",
    value: "gzip",
    variables: ["FLUENTD_COMPRESS"],
    toml: ['fluentd-compress = "gzip"', '[forward.fluentd]\ncompress = "gzip"'],
    otherwise: "none",
    bad: ["zstd", '"zstd" is not one of none, gzip'],
  },
  "fluentd-header": {
    text: "X-A: 1, 2",
    value: [{ name: "X-A", value: "1, 2" }],
    variables: ["FLUENTD_HEADERS", "FLUENTD_HEADER"],
    toml: [
      'fluentd-header = "X-A: 1, 2"',
      '[forward.fluentd]\nheader = ["X-A: 1, 2"]',
    ],
    otherwise: [],
    bad: ["hunter2", "a header is written as 'Name: value'"],
  },
  types: {
    text: "user.login,session.start",
    value: ["user.login", "session.start"],
    variables: ["TYPES"],
    toml: [
      'types = ["user.login", "session.start"]',
      'types = "user.login, session.start"',
    ],
    otherwise: [],
    bad: ["user.login,,x", '"user.login,,x" has a blank entry'],
  },
  "skip-event-types": {
    text: "a,b",
    value: ["a", "b"],
    variables: ["SKIP_EVENT_TYPES"],
    toml: ['skip-event-types = ["a", "b"]', 'skip.event.types = "a,b"'],
    otherwise: [],
    bad: ["a b", '"a b" has a blank in it: separate with commas'],
  },
  "skip-session-types": {
    text: "",
    value: [],
    variables: ["SKIP_SESSION_TYPES"],
    toml: ["skip-session-types = []", 'skip-session-types = ""'],
    otherwise: ["print", "desktop.recording"],
    bad: ["print,", '"print," has a blank entry'],
  },
  "start-time": {
    text: "2024-05-01T02:00:00.9+02:00",
    value: "2024-05-01T00:00:00Z",
    variables: ["START_TIME"],
    toml: [
      'start-time = "2024-05-01T02:00:00.9+02:00"',
      "start-time = 2024-05-01T02:00:00.9+02:00",
    ],
    otherwise: undefined,
    bad: ["2024-06-02T00:00:00Z", '"2024-06-02T00:00:00Z" is in the future'],
  },
  "start-id": {
    text: "6e1f",
    value: "6e1f",
    variables: ["START_ID"],
    toml: ['start-id = "6e1f"'],
    otherwise: undefined,
    bad: [" ", '" " is blank'],
  },
  cursor: {
    text: "abc=",
    value: "abc=",
    variables: ["CURSOR"],
    toml: ['cursor = "abc="'],
    otherwise: undefined,
    bad: ["\t", '"\\t" is blank'],
  },
  batch: {
    text: "20",
    value: 20,
    variables: ["BATCH"],
    toml: ["batch = 20", 'batch = "20"'],
    otherwise: undefined,
    bad: ["-20", '"-20" is too small: at least 1'],
  },
  "window-size": {
    text: "12h",
    value: 43_200_000,
    variables: ["WINDOW_SIZE"],
    toml: ['window-size = "12h"', 'window.size = "12h"'],
    otherwise: 86_400_000,
    bad: ["1h-1m", '"1h-1m" is not a duration: write it like 5s, 1m30s or 24h'],
  },
  timeout: {
    text: "10s",
    value: 10_000,
    variables: ["TIMEOUT"],
    toml: ['timeout = "10s"'],
    otherwise: 5000,
    bad: ["-1s", '"-1s" is negative: a duration cannot be'],
  },
  storage: {
    text: "./state",
    value: "./state",
    variables: ["STORAGE"],
    toml: ['storage = "./state"'],
    otherwise: {
      missing:
        "storage is missing: give --storage, FDFWD_STORAGE, or storage in the TOML file",
    },
    bad: [" ", '" " is blank'],
  },
  concurrency: {
    text: "9",
    value: 9,
    variables: ["CONCURRENCY"],
    toml: ["concurrency = 9"],
    otherwise: 5,
    bad: ["NaN", '"NaN" is not a whole number'],
  },
  "dry-run": off(["DRY_RUN"], ["dry-run", "dry.run"]),
  "exit-on-last-event": off(["EXIT_ON_LAST_EVENT"], ["exit-on-last-event"]),
  "retry-timeout": {
    text: "1h",
    value: 3_600_000,
    variables: ["RETRY_TIMEOUT"],
    toml: ['retry-timeout = "1h"'],
    otherwise: undefined,
    bad: ["99999999h", '"99999999h" is too long: at most 87600h'],
  },
  listen: {
    text: "127.0.0.1:9090",
    value: { host: "127.0.0.1", port: 9090 },
    variables: ["LISTEN"],
    toml: ['listen = "127.0.0.1:9090"'],
    otherwise: undefined,
    bad: ["localhost", '"localhost" has no port: write host:port'],
  },
  "lock-enabled": off(["LOCKING_ENABLED", "LOCK_ENABLED"], [
    "lock-enabled",
    "[lock]\nenabled",
  ]),
  "lock-failed-attempts-count": {
    text: "7",
    value: 7,
    variables: ["LOCKING_FAILED_ATTEMPTS", "LOCK_FAILED_ATTEMPTS_COUNT"],
    toml: [
      "lock-failed-attempts-count = 7",
      "[lock]\nfailed-attempts-count = 7",
    ],
    otherwise: 3,
    bad: ["1.5", '"1.5" is not a whole number'],
  },
  "lock-period": {
    text: "5m",
    value: 300_000,
    variables: ["LOCKING_PERIOD", "LOCK_PERIOD"],
    toml: ['lock-period = "5m"', '[lock]\nperiod = "5m"'],
    otherwise: 60_000,
    bad: ["5", '"5" has no unit: write 5s, 5m or 5h'],
  },
  "lock-for": {
    text: "0",
    value: 0,
    variables: ["LOCKING_FOR", "LOCK_FOR"],
    toml: ['lock-for = "0"', "[lock]\nfor = 0"],
    otherwise: undefined,
    bad: [
      "for ever",
      '"for ever" is not a duration: write it like 5s, 1m30s or 24h',
    ],
  },
};

/** A run that works; each case takes out what it is about. */
const BASE: Readonly<Partial<Record<OptionName, string>>> = {
  storage: "/state",
  "teleport-identity": "/files/some",
  "fluentd-url": "https://localhost:8888/test.log",
  "fluentd-session-url": "https://localhost:8888/session",
};

/** What an option cannot do without, and what it cannot go with. */
const COMPANY: Readonly<Partial<Record<OptionName, readonly OptionName[]>>> = {
  "teleport-ca": ["teleport-cert", "teleport-key"],
  "teleport-cert": ["teleport-ca", "teleport-key"],
  "teleport-key": ["teleport-ca", "teleport-cert"],
  "fluentd-cert": ["fluentd-key"],
  "fluentd-key": ["fluentd-cert"],
  "fluentd-key-passphrase-file": ["fluentd-cert", "fluentd-key"],
  "start-id": ["start-time"],
};

function companyOf(name: OptionName): string[] {
  const company = COMPANY[name] ?? [];
  const isPem = /^teleport-(ca|cert|key)$/.test(name);
  const base = Object.entries(BASE).filter(([other]) =>
    other !== name && !(isPem && other === "teleport-identity")
  );
  return [
    ...base.map(([other, text]) => `--${other}=${text}`),
    ...company.map((other) =>
      other === "start-time"
        ? "--start-time=2024-01-01T00:00:00Z"
        : `--${other}=/files/some`
    ),
  ];
}

function read(
  args: readonly string[],
  { env = {}, toml }: { env?: Record<string, string>; toml?: string } = {},
) {
  return readOptions({
    command: "start",
    args: toml === undefined ? args : ["--config=/x.toml", ...args],
    env,
    readTextFile: filesOf({
      "/files/some": "",
      "/files/other": "",
      ...toml !== undefined && { "/x.toml": toml },
    }),
    nowMs: NOW_MS,
  });
}

function problemsOf(...input: Parameters<typeof read>): readonly string[] {
  return assertThrows(() => read(...input), ConfigError).problems;
}

function testOption<Name extends Documented>(
  name: Name,
  given: Case<Values[Name]>,
): void {
  const { text, value, variables, toml, otherwise, bad } = given;
  const [badText, problem] = bad;
  const company = companyOf(name);

  Deno.test(`--${name} is read as a flag, after = and after a blank`, () => {
    for (const args of [[`--${name}=${text}`], [`--${name}`, text]]) {
      assertEquals(read([...company, ...args]).value(name), value);
    }
  });

  for (const variable of variables) {
    for (const prefix of ["FDFWD_", "FDWRD_"]) {
      Deno.test(`${prefix}${variable} is read for ${name}`, () => {
        const env = { [prefix + variable]: text };
        assertEquals(read(company, { env }).value(name), value);
      });
    }
  }

  for (const content of toml) {
    Deno.test(`${JSON.stringify(content)} is read for ${name}`, () => {
      assertEquals(read(company, { toml: content }).value(name), value);
    });
  }

  Deno.test(`without ${name}, its default holds`, () => {
    const args = Object.hasOwn(BASE, name) ? company : companyOf("debug");
    if (
      typeof otherwise === "object" && otherwise !== null &&
      "missing" in otherwise
    ) {
      assertEquals(problemsOf(args), [otherwise.missing]);
    } else {
      assertEquals<unknown>(read(args).value(name), otherwise);
    }
  });

  Deno.test(`a bad ${name} is refused wherever it stands, and its place named`, () => {
    assertEquals(problemsOf([...company, `--${name}=${badText}`]), [
      `--${name}: ${problem}`,
    ]);
    const variable = `FDFWD_${variables[0]}`;
    assertEquals(problemsOf(company, { env: { [variable]: badText } }), [
      `${variable}: ${problem}`,
    ]);
    const content = `\n${name} = ${JSON.stringify(badText)}`;
    assertEquals(problemsOf(company, { toml: content }), [
      `/x.toml:2: ${name}: ${problem}`,
    ]);
  });
}

for (const name of OPTION_NAMES) {
  if (isDocumented(name)) testOption(name, CASES[name]);
}

function isDocumented(name: OptionName): name is Documented {
  return Object.hasOwn(CASES, name);
}

Deno.test("every option that TOML can hold is tested here", () => {
  assertEquals(
    OPTION_NAMES.filter((name) => canStandIn("toml", name)),
    OPTION_NAMES.filter(isDocumented),
  );
});
