import { COMMAND_NAMES } from "../../lib/config/commands.ts";
import { help } from "../../lib/config/help.ts";
import { OPTION_NAMES, optionOf } from "../../lib/config/options.ts";
import { ConfigError } from "../../lib/errors.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";

Deno.test("the overview lists every command", () => {
  const text = help("");
  for (const name of COMMAND_NAMES) {
    assertMatch(text, RegExp(`^  ${name} `, "m"));
  }
});

Deno.test("the first of two words lists what can follow it", () => {
  const text = help("rejected");
  assertStringIncludes(text, "  rejected list   List the events");
  assert(!text.includes("  start "));
});

for (const topic of ["", "rejected", ...COMMAND_NAMES]) {
  Deno.test(`the help of "${topic}" fits 100 columns and leaves nothing at line ends`, () => {
    const text = help(topic);
    assert(text.endsWith("\n") && !text.endsWith("\n\n"));
    for (const line of text.split("\n")) {
      assert(line.length <= 100, line);
      assertEquals(line, line.trimEnd());
      assert(!line.includes("\u00a0"), line);
    }
  });
}

for (const command of COMMAND_NAMES) {
  Deno.test(`the help of ${command} has its options, and no others`, () => {
    const shown = Array.from(
      help(command).matchAll(/^ {2}(?:-\w,| {3}) --([a-z-]+)/gm),
      ([, name]) => name,
    );
    assertEquals(
      shown.toSorted(),
      OPTION_NAMES.filter((name) => optionOf(name).commands.includes(command))
        .toSorted(),
    );
  });
}

Deno.test("an option's line tells its value, what it is for, and its default", () => {
  const lines = help("start").split("\n");
  const lineOf = (flag: string) => lines.find((line) => line.includes(flag));
  assertEquals(
    lineOf("--teleport-refresh-interval"),
    "      --teleport-refresh-interval DURATION  how often to look for them (default 1m)",
  );
  assertEquals(
    lineOf("--config FILE"),
    "  -c, --config FILE                         TOML file with options",
  );
  assertEquals(
    lineOf("--fluentd-url"),
    "      --fluentd-url URL                     receives audit events; http or https (required)",
  );
  assertEquals(
    lineOf("--fluentd-ca"),
    "      --fluentd-ca FILE                     PEM file of Fluentd's CA (default: system roots)",
  );
});

Deno.test("it is told that types without session.upload leave the recordings out", () => {
  assertMatch(
    help("start"),
    /--types .*forward; recordings come with\s+session\.upload/,
  );
});

Deno.test("the usage line shows the operands", () => {
  assertStringIncludes(
    help("configure"),
    "\nUsage: teleport-event-handler configure [options] <out> [addr] [ca-name] [server-name] [client-name]\n",
  );
  assertStringIncludes(
    help("rejected drop"),
    "\nUsage: teleport-event-handler rejected drop [options] <id ...>\n",
  );
});

Deno.test("the help of start tells irregular variables and the exit statuses", () => {
  const text = help("start").replaceAll("\n", " ");
  assertStringIncludes(text, "except FDFWD_MAX_CONNECTIONS, ");
  assertStringIncludes(text, "3 done, but events were set aside or left out,");
  assertStringIncludes(text, "75 gave up for now");
  assertEquals(help("version").includes("FDFWD_"), false);
});

for (const command of ["rejected retry", "rejected drop", "recordings drop"]) {
  Deno.test(`the help of ${command} says that no program may run meanwhile`, () => {
    assertStringIncludes(
      help(command).replaceAll("\n", " "),
      "Only while no program runs on the state directory.",
    );
  });
}

Deno.test("help says which options are taken from the command line alone", () => {
  const textOf = (command: string) => help(command).replaceAll("\n", " ");
  assertStringIncludes(
    textOf("check"),
    "FDFWD_LOCKING_FOR. From the command line alone: --help, --print-config, --json.",
  );
  assertStringIncludes(
    textOf("configure"),
    "from the command line alone; except FDFWD_LOCKING_ENABLED for --lock-enabled.",
  );
});

Deno.test("help for a command that does not exist names the nearest", () => {
  assertThrows(
    () => help("strat"),
    ConfigError,
    'unknown command "strat": did you mean "start"?',
  );
});
