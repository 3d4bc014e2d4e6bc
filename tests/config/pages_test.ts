/** What README.md and docs/ tell people to type and to write is right. */

import { readFlags } from "../../lib/config/flags.ts";
import { splitCommand } from "../../lib/config/command_line.ts";
import { isOption } from "../../lib/config/options.ts";
import { readToml } from "../../lib/config/toml.ts";
import { roleYaml } from "../../lib/configure/role.ts";
import { assert, assertEquals } from "../assert.ts";
import { parseYamlAll } from "../yaml.ts";

const ROOT = new URL("../../", import.meta.url);

const PAGES = [
  "README.md",
  ...Array.from(
    Deno.readDirSync(new URL("docs/", ROOT)),
    ({ name }) => `docs/${name}`,
  ).filter((name) => name.endsWith(".md")),
].sort();

interface Block {
  readonly page: string;
  /** `sh`, `toml`, …; "" where none is said. */
  readonly language: string;
  readonly text: string;
}

const BLOCKS = PAGES.flatMap(blocksOf);

/** The code blocks of a page, also those within a list. */
function blocksOf(page: string): Block[] {
  const content = Deno.readTextFileSync(new URL(page, ROOT));
  return Array.from(
    content.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms),
    ([, indent = "", language = "", text = ""]) => ({
      page,
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }),
  );
}

const COMMANDS = BLOCKS.filter(({ language }) => language === "sh")
  .flatMap(({ page, text }) =>
    text.replaceAll("\\\n", " ").split("\n").map((line) => ({ page, line }))
  )
  .flatMap(({ page, line }) => {
    const [, words] = /^(?:teleport-event-handler|deno task handler) ([^#|]*)/
      .exec(line) ?? [];
    return words === undefined ? [] : [{ page, words }];
  });

Deno.test("the pages have commands to check", () => {
  assert(COMMANDS.length > 5, `${COMMANDS.length}`);
});

for (const { page, words } of COMMANDS) {
  Deno.test(`${page}: "${words}" is a command with options that it has`, () => {
    const { command, args } = splitCommand(
      words.trim().split(/ +/).map((word) => word.replace(/^'(.*)'$/, "$1")),
    );
    assertEquals(readFlags(command, args).problems, []);
  });
}

for (const { page, text } of BLOCKS.filter(isOurToml)) {
  Deno.test(`${page}: ${JSON.stringify(text.slice(0, 60))}… is a configuration`, () => {
    assertEquals(readToml("x.toml", text).problems, []);
  });
}

/** Vector's configuration is TOML as well. */
function isOurToml({ language, text }: Block): boolean {
  return language === "toml" && !text.includes("[sources.");
}

Deno.test("every option that a page names in its text is one", () => {
  const names = PAGES.flatMap((page) => {
    const content = Deno.readTextFileSync(new URL(page, ROOT))
      .replaceAll(/^ *```.*?^ *```$/gms, "");
    return Array.from(
      content.matchAll(
        /`(?:--)?((?:teleport|fluentd|lock|retry|start|skip)-[a-z-]+)[=` ]/g,
      ),
      ([, name = ""]) => ({ page, name }),
    );
  });
  assert(names.length > 10);
  assertEquals(
    names.filter(({ name }) => !isOption(name) && !isProgram(name)),
    [],
  );
});

/** This one, and the Helm chart's. */
function isProgram(name: string): boolean {
  return /^teleport-(plugin-)?event-handler/.test(name);
}

Deno.test("the role of the README is the one that configure writes", () => {
  const yaml = BLOCKS.find(({ page, language }) =>
    page === "README.md" && language === "yaml"
  );
  assertEquals(
    parseYamlAll(yaml?.text ?? ""),
    parseYamlAll(roleYaml({ lockUsers: false })),
  );
});
