import { readFlags } from "../../lib/config/flags.ts";
import { assertEquals } from "../assert.ts";

/** What `start` reads, as plain values. */
function read(...args: string[]) {
  const { byName, operands, problems } = readFlags("start", args);
  return { flags: Object.fromEntries(byName), operands, problems };
}

Deno.test("flags keep their text, and the name that they were given by", () => {
  assertEquals(read("--batch=5", "--storage", "a b", "-c", "x.toml"), {
    flags: {
      batch: { texts: ["5"], origin: "--batch" },
      storage: { texts: ["a b"], origin: "--storage" },
      config: { texts: ["x.toml"], origin: "--config" },
    },
    operands: [],
    problems: [],
  });
});

const SHORT: [args: string[], config: string, debug: boolean][] = [
  [["-c", "x.toml"], "x.toml", false],
  [["-cx.toml"], "x.toml", false],
  [["-c/etc/x.toml"], "/etc/x.toml", false],
  [["-c./a=b.toml"], "./a=b.toml", false],
  [["-c=x.toml"], "x.toml", false],
  [["-dc", "x.toml"], "x.toml", true],
  [["-dcx.toml"], "x.toml", true],
  [["-dc=x.toml"], "x.toml", true],
  [["-cd"], "d", false],
];

for (const [args, config, debug] of SHORT) {
  Deno.test(`${args.join(" ")} names the file ${config}`, () => {
    const { flags, problems } = read(...args);
    assertEquals(problems, []);
    assertEquals(flags["config"]?.texts, [config]);
    assertEquals(flags["debug"] !== undefined, debug);
  });
}

Deno.test("the namespace of old command lines is ignored, with its value", () => {
  for (const args of [["--namespace=default"], ["--namespace", "default"]]) {
    assertEquals(read(...args), { flags: {}, operands: [], problems: [] });
  }
  assertEquals(read("--namespace", "a", "--batch", "5").flags, {
    batch: { texts: ["5"], origin: "--batch" },
  });
});

Deno.test("nothing is read where nothing is written", () => {
  assertEquals(read(), { flags: {}, operands: [], problems: [] });
});

const SWITCHES: [args: string[], text: string][] = [
  [["--debug"], "true"],
  [["-d"], "true"],
  [["--no-debug"], "false"],
  [["--debug=true"], "true"],
  [["--debug=false"], "false"],
  [["--debug", "false"], "false"],
  [["--debug=1"], "true"],
  [["--debug=yes"], "true"],
  [["--debug=TRUE"], "true"],
  [["--debug=0"], "false"],
  [["--debug=no"], "false"],
  [["--debug=False"], "false"],
  [["--debug", "--no-debug"], "false"],
  [["--no-debug", "--debug"], "true"],
];

for (const [args, text] of SWITCHES) {
  Deno.test(`${args.join(" ")} turns the switch to ${text}`, () => {
    const { flags, problems } = read(...args);
    assertEquals(problems, []);
    assertEquals(flags["debug"]?.texts.at(-1), text);
  });
}

const TEXTS: [args: string[], texts: string[]][] = [
  [["--types=a,b", "--types", "c"], ["a,b", "c"]],
  [["--types="], [""]],
  [["--types", ""], [""]],
  [["--types", "007"], ["007"]],
  [["--types=a=b"], ["a=b"]],
  [["--types=--x"], ["--x"]],
  [["--types", "-1"], ["-1"]],
];

for (const [args, texts] of TEXTS) {
  Deno.test(`${JSON.stringify(args)} gives a list its texts`, () => {
    const { flags, problems } = read(...args);
    assertEquals(problems, []);
    assertEquals(flags["types"]?.texts, texts);
  });
}

const PROBLEMS: [args: string[], problems: string[]][] = [
  [["--lenght=5"], ['--lenght: unknown flag: did you mean "--length"?']],
  [["--fluentd-ulr=x"], [
    '--fluentd-ulr: unknown flag: did you mean "--fluentd-url"?',
  ]],
  [["--no-debgu"], ['--no-debgu: unknown flag: did you mean "--no-debug"?']],
  [["--constructor=1"], [
    '--constructor: unknown flag: did you mean "--cursor"?',
  ]],
  [["--__proto__.x=1"], [
    '--__proto__.x: unknown flag: did you mean "--start-time"?',
  ]],
  [["-batch=5"], ['-batch: unknown flag: did you mean "--batch"?']],
  [["-dry-run=true"], [
    '-dry-run: unknown flag: did you mean "--dry-run"?',
  ]],
  [["-cursor=x"], ['-cursor: unknown flag: did you mean "--cursor"?']],
  [["-config", "x.toml"], [
    '-config: unknown flag: did you mean "--config"?',
    'start: unexpected argument "x.toml"',
  ]],
  [["-x"], ['-x: unknown flag: did you mean "-c"?']],
  [["--debug=maybe"], ['--debug: "maybe" is neither true nor false']],
  [["--debug="], ['--debug: "" is neither true nor false']],
  [["--no-debug=false"], ["--no-debug: takes no value"]],
  [["--no-batch"], ["--no-batch: --batch is not a switch"]],
  [["--no-batch=5"], ["--no-batch: --batch is not a switch"]],
  [["--types"], ["--types: needs a value"]],
  [["--types", "--debug"], ["--types: needs a value"]],
  [["--ttl=5h"], ["--ttl: is an option of configure, and not of start"]],
  [["--json"], [
    "--json: is an option of check, status, rejected list, recordings list, version, and not of start",
  ]],
  [["now"], ['start: unexpected argument "now"']],
  [["--debug", "1"], ['start: unexpected argument "1"']],
  [["--", "--debug"], ['start: unexpected argument "--debug"']],
];

for (const [args, problems] of PROBLEMS) {
  Deno.test(`${args.join(" ")} is refused in words`, () => {
    assertEquals(read(...args).problems, problems);
  });
}

Deno.test("operands that are left out have defaults, and one has to be given", () => {
  assertEquals(readFlags("configure", ["out", "a:1"]).operands, [
    "out",
    "a:1",
    "ca",
    "server",
    "client",
  ]);
  assertEquals(readFlags("configure", []).problems, [
    "configure: needs <out>: directory to write to",
  ]);
  // A variable of a script that is not set.
  assertEquals(readFlags("configure", ["", "", "my-ca"]), {
    byName: new Map(),
    operands: ["", "localhost:3025", "my-ca", "server", "client"],
    problems: ["configure: needs <out>: directory to write to"],
  });
  assertEquals(
    readFlags("configure", ["1", "2", "3", "4", "5", "6"]).problems,
    [
      'configure: unexpected argument "6"',
    ],
  );
});

Deno.test("what is wrong with operands is told with what is wrong with flags", () => {
  assertEquals(
    readFlags("configure", ["--print-config", "out", "host:", "../ca"])
      .problems,
    [
      "--print-config: is an option of check, and not of configure",
      'configure: addr: "host:" has no port: write host:port',
      'configure: ca-name: "../ca" is not a plain file name: use letters, digits, ".", "-" and "_"',
    ],
  );
});

Deno.test("an operand may be any number of words, at least one, or one of a few", () => {
  assertEquals(readFlags("rejected retry", []).problems, []);
  assertEquals(readFlags("rejected retry", ["1", "2"]).operands, ["1", "2"]);
  assertEquals(readFlags("rejected drop", ["1", "2"]).problems, []);
  assertEquals(readFlags("rejected drop", []).problems, [
    "rejected drop: needs <id>: the events to delete",
  ]);
  assertEquals(readFlags("completion", ["tcsh"]).problems, [
    'completion: "tcsh" is not one of bash, zsh, fish',
  ]);
});
