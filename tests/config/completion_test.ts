import { completion } from "../../lib/config/completion.ts";
import { OPTION_NAMES } from "../../lib/config/options.ts";
import { ConfigError } from "../../lib/errors.ts";
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";

/** Runs a shell without its start-up files; undefined where it is not installed. */
async function run(
  shell: string,
  args: readonly string[],
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await new Deno.Command(shell, {
      args: [...args],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return decoder.decode(stdout) + decoder.decode(stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const hasFish = await run("fish", ["--version"]) !== undefined;
const hasZsh = await run("zsh", ["--version"]) !== undefined;

/** What bash offers for the last of the words. */
async function bashOffers(...words: string[]): Promise<string[]> {
  const script = `${completion("bash")}
compopt() { :; } # works within a real completion only
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_teleport_event_handler
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", script, "bash", "teleport-event-handler"];
  const output = await run("bash", [...args, ...words]);
  return (output ?? "bash is missing").split("\n").filter(Boolean);
}

const OFFERS: [words: string[], offered: string[]][] = [
  [["st"], ["start", "status"]],
  [["rejected", ""], ["list", "retry", "drop", "--help"]],
  [["rejected", "list", "--js"], ["--json"]],
  [["recordings", ""], ["list", "retry", "drop", "--help"]],
  [["start", "--js"], []],
  [["start", "--log-l"], ["--log-level"]],
  [["start", "--log-level", ""], ["debug", "info", "warning", "error"]],
  [["start", "--log-level", "=", "w"], ["warning"]],
  [["start", "--log-level", "="], ["debug", "info", "warning", "error"]],
  [["start", "--batch", ""], []],
  [["--debug", "configure", "--tt"], ["--ttl"]],
  [["completion", "z"], ["zsh"]],
  [["help", ""], [
    "start",
    "configure",
    "check",
    "status",
    "rejected",
    "recordings",
    "completion",
    "version",
    "help",
    "--help",
  ]],
  [["help", "rejected", ""], ["list", "retry", "drop"]],
  [["help", "recordings", "r"], ["retry"]],
];

for (const [words, offered] of OFFERS) {
  Deno.test(`bash completes "${words.join(" ")}"`, async () => {
    assertEquals(await bashOffers(...words), offered);
  });
}

Deno.test("bash completes files where one is expected, and directories only for others", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/a file.toml`, "");
    await Deno.mkdir(`${directory}/a directory`);
    const start = `${directory}/a`;
    assertEquals((await bashOffers("start", "-c", start)).toSorted(), [
      `${directory}/a directory`,
      `${directory}/a file.toml`,
    ]);
    assertEquals(await bashOffers("start", "--storage", start), [
      `${directory}/a directory`,
    ]);
    assertEquals(await bashOffers("configure", "--force", start), [
      `${directory}/a directory`,
    ]);
  });
});

Deno.test({
  name: "fish completes commands, options and values",
  ignore: !hasFish,
  async fn() {
    const offers = async (line: string) => {
      const script = `${completion("fish")}
complete -C ${JSON.stringify(`teleport-event-handler ${line}`)}`;
      const output = await run("fish", ["--no-config", "-c", script]);
      return output?.split("\n").filter(Boolean).map((it) => it.split("\t")[0]);
    };
    assertEquals(await offers("st"), ["start", "status"]);
    assertEquals(await offers("rejected "), ["drop", "list", "retry"]);
    assertEquals(await offers("rejected list --js"), ["--json"]);
    assertEquals(await offers("recordings list --js"), ["--json"]);
    assertEquals(await offers("rejected retry --fluentd-u"), ["--fluentd-url"]);
    assertEquals(await offers("recordings retry --fluentd-u"), []);
    assertEquals(await offers("start --js"), []);
    assertEquals(await offers("start --log-format "), ["json", "text"]);
    assertEquals(await offers("completion "), ["bash", "fish", "zsh"]);
    assertEquals(await offers("configure /us"), ["/usr/"]);
    assertEquals(await offers("start --storage /us"), ["/usr/"]);
  },
});

Deno.test({
  name:
    "zsh takes its script, and describes the options of the command at hand",
  ignore: !hasZsh,
  async fn() {
    const script = `compdef() { print "registered: $*" }
_arguments() {
  print -rl -- "$@"
  state=rest words=(rejected list)
}
${completion("zsh")}
_teleport_event_handler`;
    const output = await run("zsh", ["-f", "-c", script]) ?? "";
    assertStringIncludes(
      output,
      "registered: _teleport_event_handler teleport-event-handler\n",
    );
    assertStringIncludes(output, "\n--json[print JSON]\n");
    assertStringIncludes(
      output,
      "\n*--storage=[directory of the state]:value:_files -/\n",
    );
    assertStringIncludes(
      output,
      "1:command:((list\\:List\\ the\\ events\\ that\\ the\\ receiver\\ refused retry",
    );
    assertEquals(output.includes("--ttl"), false);
  },
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the script for ${shell} knows every option`, () => {
    const script = completion(shell);
    for (const name of OPTION_NAMES) {
      const flag = shell === "fish" ? ` -l ${name}` : `--${name}`;
      assertMatch(script, RegExp(`${flag}(?![a-z-])`));
    }
  });
}

Deno.test("there is no script for other shells", () => {
  assertThrows(() => completion("tcsh"), ConfigError, '"tcsh"');
});
