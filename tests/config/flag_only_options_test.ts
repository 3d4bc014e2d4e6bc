/**
 * The options that TOML cannot hold, in every place where they can be given, and
 * in those where they cannot. Nothing here is derived from the table under test.
 */

import type { CommandName } from "../../lib/config/commands.ts";
import {
  canStandIn,
  OPTION_NAMES,
  type OptionName,
} from "../../lib/config/options.ts";
import { readOptions } from "../../lib/config/read_options.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { filesOf } from "./files.ts";

interface Case {
  readonly command: CommandName;
  readonly text: string;
  readonly value: unknown;
  readonly otherwise: unknown;
  /** A bad value, and what is said of it. */
  readonly bad: readonly [text: string, problem: string];
  /** Where it is not a flag alone. */
  readonly isVariable?: true;
}

function off(command: CommandName): Case {
  return {
    command,
    text: "true",
    value: true,
    otherwise: false,
    bad: ["maybe", '"maybe" is neither true nor false'],
  };
}

const CASES: Partial<Record<OptionName, Case>> = {
  config: {
    command: "status",
    text: "/x.toml",
    value: "/x.toml",
    otherwise: undefined,
    bad: ["/nowhere", "cannot read /nowhere: there is no such file"],
    isVariable: true,
  },
  help: off("configure"),
  ttl: {
    command: "configure",
    text: "48h",
    value: 172_800_000,
    otherwise: 315_360_000_000,
    bad: ["1s", '"1s" is too short: at least 1h'],
  },
  cn: {
    command: "configure",
    text: "collector",
    value: "collector",
    otherwise: "localhost",
    bad: [" ", '" " is blank'],
  },
  "dns-names": {
    command: "configure",
    text: "a.example.com,*.b.example.com",
    value: ["a.example.com", "*.b.example.com"],
    otherwise: ["localhost"],
    bad: ["a b", '"a b" is not a host name, like fluentd.example.com'],
  },
  ip: {
    command: "configure",
    text: "10.0.0.7,::1",
    value: ["10.0.0.7", "::1"],
    otherwise: ["127.0.0.1"],
    bad: ["fluentd", '"fluentd" is not an IP address, like 10.0.0.7'],
  },
  "key-type": {
    command: "configure",
    text: "ecdsa-p256",
    value: "ecdsa-p256",
    otherwise: "rsa",
    bad: ["dsa", '"dsa" is not one of rsa, ecdsa-p256'],
  },
  length: {
    command: "configure",
    text: "2048",
    value: "2048",
    otherwise: "4096",
    bad: ["512", '"512" is not one of 1024, 2048, 4096'],
  },
  "client-key-password": {
    command: "configure",
    text: "@/password",
    value: "from a file",
    otherwise: undefined,
    bad: [
      "abc",
      "the password is too short: OpenSSL takes none below 4 characters",
    ],
  },
  force: off("configure"),
  output: {
    command: "configure",
    text: "fluentd",
    value: "fluentd",
    otherwise: "fluentd",
    bad: ["splunk", '"splunk" is not one of fluentd'],
  },
  "print-config": off("check"),
  json: off("status"),
};

/** What the commands cannot do without. */
const BASE: Partial<Record<CommandName, readonly string[]>> = {
  configure: ["out"],
  status: ["--storage=/state"],
  check: [
    "--dry-run",
    "--teleport-identity=/identity",
  ],
};

function read(
  { command }: Case,
  args: readonly string[],
  { env = {}, toml = "" }: { env?: Record<string, string>; toml?: string } = {},
) {
  return readOptions({
    command,
    args: [...BASE[command] ?? [], ...args],
    env,
    readTextFile: filesOf({
      "/x.toml": toml,
      "/identity": "",
      "/password": "from a file\n",
    }),
  });
}

for (const name of OPTION_NAMES) {
  const given = CASES[name];
  if (given === undefined) continue;
  const { command, text, value, otherwise, bad, isVariable } = given;
  const variable = `FDFWD_${name.toUpperCase().replaceAll("-", "_")}`;
  const problemsOf = (...input: Parameters<typeof read>) =>
    assertThrows(() => read(...input), ConfigError).problems;

  Deno.test(`--${name} of ${command} is read, and has a default`, () => {
    for (const args of [[`--${name}=${text}`], [`--${name}`, text]]) {
      assertEquals(read(given, args).value(name), value);
    }
    assertEquals(read(given, []).value(name), otherwise);
  });

  Deno.test(`a bad --${name} is refused`, () => {
    const [badText, problem] = bad;
    assertEquals(problemsOf(given, [`--${name}=${badText}`]), [
      `--${name}: ${problem}`,
    ]);
  });

  Deno.test(`${name} ${isVariable ? "can" : "cannot"} be given as a variable`, () => {
    const env = { [variable]: text };
    if (isVariable) assertEquals(read(given, [], { env }).value(name), value);
    else {
      const problem = `${variable}: unknown environment variable`;
      const [found = ""] = problemsOf(given, [], { env });
      assertEquals(found.slice(0, problem.length), problem);
    }
  });

  Deno.test(`${name} cannot be given in TOML`, () => {
    const status: Case = { ...given, command: "status" };
    const toml = `${name} = ${JSON.stringify(text)}`;
    assertEquals(problemsOf(status, ["--config=/x.toml"], { toml }), [
      `/x.toml:1: ${name}: cannot be given in a TOML file`,
    ]);
  });
}

Deno.test("every option that TOML cannot hold is tested here", () => {
  assertEquals(
    OPTION_NAMES.filter((name) => !canStandIn("toml", name)),
    OPTION_NAMES.filter((name) => CASES[name] !== undefined),
  );
});
