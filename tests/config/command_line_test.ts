import { splitCommand } from "../../lib/config/command_line.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const UNDERSTOOD: [argv: string[], command: string, args: string[]][] = [
  [["start"], "start", []],
  [["start", "--batch", "5"], "start", ["--batch=5"]],
  [["--config", "x.toml", "start"], "start", ["--config=x.toml"]],
  [["-c", "x.toml", "-d", "start"], "start", ["-c=x.toml", "-d"]],
  [["--debug", "true", "start"], "start", ["--debug=true"]],
  [["--debug", "start"], "start", ["--debug"]],
  [["--namespace", "default", "start"], "start", []],
  [["--namespace=default", "start"], "start", []],
  [["--types", "", "start"], "start", ["--types="]],
  [["--storage", "start", "start"], "start", ["--storage=start"]],
  [["start", "--storage", "start"], "start", ["--storage=start"]],
  [["configure", "out", "a:1"], "configure", ["out", "a:1"]],
  [["rejected", "list", "--json"], "rejected list", ["--json"]],
  [["--storage=x", "rejected", "drop", "1"], "rejected drop", [
    "--storage=x",
    "1",
  ]],
  [["configure", "--", "--out"], "configure", ["--", "--out"]],
  [["--help"], "help", []],
  [["-h"], "help", []],
  [["start", "--help"], "help", ["start"]],
  [["--help", "start"], "help", ["start"]],
  [["rejected", "--help"], "help", ["rejected"]],
  [["rejected", "list", "-h", "--json"], "help", ["rejected", "list"]],
  [["--help=true"], "help", []],
  [["--help", "true", "start"], "help", ["start"]],
  [["start", "--help=yes"], "help", ["start"]],
  [["start", "-h=1"], "help", ["start"]],
  [["start", "-dh"], "help", ["start"]],
  [["start", "--no-help", "-h"], "help", ["start"]],
  [["-dh"], "help", []],
  [["--help", "start", "--types"], "help", ["start"]],
  [["--help", "--version"], "help", []],
  [["start", "--help=false"], "start", ["--help=false"]],
  [["start", "-h", "--no-help"], "start", ["-h", "--no-help"]],
  [["start", "--types=--help"], "start", ["--types=--help"]],
  [["configure", "--", "--help"], "configure", ["--", "--help"]],
  [["--version"], "version", []],
  [["--version", "--json"], "version", ["--json"]],
  [["--json", "--version", "--bogus"], "version", ["--json", "--bogus"]],
  [["--version", "--", "start"], "version", ["--", "start"]],
];

for (const [argv, command, args] of UNDERSTOOD) {
  Deno.test(`"${argv.join(" ")}" means the command ${command}`, () => {
    assertEquals<unknown>(splitCommand(argv), { command, args });
  });
}

const REFUSED: [argv: string[], problem: string][] = [
  [
    [],
    "no command: write for example teleport-event-handler start; teleport-event-handler help lists the commands",
  ],
  [["strat"], 'unknown command "strat": did you mean "start"?'],
  [
    ["rejected", "lst"],
    'unknown command "rejected lst": did you mean "rejected list"?',
  ],
  [
    ["rejected"],
    "rejected: needs a second word: rejected list, rejected retry, rejected drop",
  ],
  [
    ["--help", "--storge", "start"],
    '--storge: unknown flag: did you mean "--storage"?',
  ],
  [["-h", "-x"], '-x: unknown flag: did you mean "-c"?'],
  [
    ["--fluentd-ulr", "https://localhost", "start"],
    '--fluentd-ulr: unknown flag: did you mean "--fluentd-url"?',
  ],
];

for (const [argv, problem] of REFUSED) {
  Deno.test(`"${argv.join(" ")}" is refused in words`, () => {
    const error = assertThrows(() => splitCommand(argv), ConfigError);
    assertEquals(error.problems, [problem]);
  });
}
