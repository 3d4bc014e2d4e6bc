/**
 * Writes what is derived: docs/options.md and example/teleport-event-handler.toml
 * from the table of options, docs/metrics.md from that of metrics, and
 * example/fluent.conf from what `configure` writes. With --check, writes nothing and
 * fails where one of them is stale.
 *
 * @module
 */

import {
  canStandIn,
  environmentNames,
  GROUPS,
  OPTION_NAMES,
  type OptionName,
  optionOf,
} from "../lib/config/options.ts";
import { TELEPORT_ADDRESSES } from "../lib/config/teleport_address.ts";
import type { ValueType } from "../lib/config/value_type.ts";
import { HISTOGRAMS, METRICS } from "../lib/operate/metric_table.ts";
import { fluentConf } from "../lib/configure/fluent_conf.ts";

const ROOT = new URL("../", import.meta.url);

/** The reference of all options, in Markdown as `deno fmt` writes it. */
export function optionReference(): Promise<string> {
  const sections = GROUPS.map((group) => {
    const rows = OPTION_NAMES.filter((name) => optionOf(name).group === group)
      .map(referenceRow);
    return `## ${group}\n
| option | environment | default | meaning |
| --- | --- | --- | --- |
${rows.join("\n")}\n`;
  });
  return formatMarkdown(`# Options

<!-- Generated from lib/config/options.ts by \`deno task docs\`: edit there. -->

Options are taken from the command line, else from the environment, else from the TOML file that \`--config\` names, else the default holds. An unknown flag, variable or key is an error that names the nearest known one. All problems are reported at once, each with the place where it was written.

- Command line: \`--name=value\` or \`--name value\`. A switch is turned on by \`--name\`, off by \`--no-name\` or \`--name=false\`. A list is separated by commas or repeated; an empty value empties it.
- Environment: the variable below, or the same with the prefix \`FDWRD_\`, a historic misspelling. Where both are set and differ, that is an error. A blank variable counts as one that is not set, except that it empties a list. The program may not list its environment: of unknown variables it finds those that differ from a known one by a letter, by two that are swapped, or by a word left out, and \`TELEPORT_ADDRESS\` and \`FORWARD_FLUENTD_…\`.
- TOML: the option's name is the key. \`teleport-*\`, \`lock-*\` and \`fluentd-*\` may stand without their prefix in the sections \`[teleport]\`, \`[lock]\` and \`[forward.fluentd]\`, and a dot may be written for a dash. Paths are relative to the working directory; those of files may begin with \`~/\`.
- Durations are written like \`5s\`, \`1m30s\` or \`24h\`, sizes like \`512KiB\`, \`1MiB\` or \`65536\`.

${sections.join("\n")}`);
}

function referenceRow(name: OptionName): string {
  const { short, help, default: value, otherwise, type, required, commands } =
    optionOf(name);
  const [variable] = environmentNames(name);
  const flag = `\`--${name} ${type.placeholder}`.trimEnd() + "`";
  const flags = short === undefined ? flag : `${flag}, \`-${short}\``;
  const shown = required !== undefined
    ? "required, except in a dry run"
    : value
    ? `\`${value}\``
    : otherwise ?? "none";
  const scope = commands.includes("start")
    ? ""
    : ` (${commands.map((command) => `\`${command}\``).join(", ")})`;
  const cells = [
    flags,
    variable === undefined ? "none" : `\`${variable}\``,
    shown,
    `${help}${scope}`.replaceAll("<", "\\<"),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** A configuration with every option: those that most need are set. */
export function exampleToml(): string {
  const names = OPTION_NAMES.filter((name) => canStandIn("toml", name));
  const inSection = (prefix: string) =>
    names.filter((name) => name.startsWith(prefix));
  const sections = ["teleport-", "fluentd-", "lock-"].map(inSection);
  const topLevel = names.filter((name) => !sections.flat().includes(name));
  const [teleport = [], fluentd = [], lock = []] = sections;
  return [
    `# Configuration of teleport-event-handler, with every option that there is.
# What stands behind a # is not set; the value is then the default or an example.
# Paths are relative to the working directory. Generated: see docs/options.md.
`,
    ...topLevel.map((name) => exampleEntry(name, name)),
    "[forward.fluentd]\n",
    ...fluentd.map((name) => exampleEntry(name, name.slice("fluentd-".length))),
    "[teleport]\n",
    ...teleport.map((name) =>
      exampleEntry(name, name.slice("teleport-".length))
    ),
    "[lock]\n",
    ...lock.map((name) => exampleEntry(name, name.slice("lock-".length))),
  ].join("\n");
}

/** What a first configuration says. */
const SET: readonly OptionName[] = [
  "storage",
  "teleport-addr",
  "teleport-identity",
  "fluentd-url",
  "fluentd-session-url",
  "fluentd-ca",
  "fluentd-cert",
  "fluentd-key",
];

function exampleEntry(name: OptionName, key: string): string {
  const { help, type, default: value, otherwise, example = value ?? "" } =
    optionOf(name);
  const without = value || otherwise;
  const remark = without === undefined ? "" : ` (default: ${without})`;
  const mark = SET.includes(name) ? "" : "# ";
  return `# ${help}${remark}\n${mark}${key} = ${literal(type, example)}\n`;
}

function literal(type: ValueType<unknown>, example: string): string {
  if (type.shape === "switch" || /^\d+$/.test(example)) return example;
  if (type.shape === "single" || type === TELEPORT_ADDRESSES) {
    return JSON.stringify(example); // There can be several addresses: mostly there is one.
  }
  const entries = example.split(",").map((entry) => JSON.stringify(entry));
  return `[${entries.join(", ")}]`;
}

/** Fluentd's configuration, with the password left out. */
export function exampleFluentConf(): string {
  return fluentConf({
    directory: "/srv/event-handler",
    teleportAddress: "localhost:3025",
    fluentdHost: "localhost",
    names: { ca: "ca", server: "server", client: "client" },
    lockUsers: false,
    clientKeyPassword: undefined,
  }, "********");
}

/** The reference of all metrics, in Markdown as `deno fmt` writes it. */
export function metricReference(): Promise<string> {
  const rows = [
    ...METRICS.map((metric) => ({
      ...metric,
      type: metric.name.endsWith("_total") ? "counter" : "gauge",
    })),
    ...Object.values(HISTOGRAMS).map((metric) => ({
      ...metric,
      type: "histogram",
    })),
  ].map(({ name, type, labels, help }) =>
    `| \`${name}\` | ${type} | ${
      labels.map((label) => `\`${label}\``).join(", ") || "none"
    } | ${help} |`
  );
  return formatMarkdown(`# Metrics

<!-- Generated from lib/operate/metric_table.ts by \`deno task docs\`: edit there. -->

What \`/metrics\` tells; see [observability](observability.md). Times are in seconds, sizes in bytes. Counters begin at 0 with the process. Something that is not known yet is left out, and not said to be 0.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${rows.join("\n")}
`);
}

async function formatMarkdown(text: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await process.output();
  if (!success) throw new Error("deno fmt does not take the reference");
  return new TextDecoder().decode(stdout);
}

async function readIfThere(file: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const isCheck = Deno.args.includes("--check");
  const generated: [path: string, content: string][] = [
    ["docs/options.md", await optionReference()],
    ["docs/metrics.md", await metricReference()],
    ["example/teleport-event-handler.toml", exampleToml()],
    ["example/fluent.conf", exampleFluentConf()],
  ];
  for (const [path, content] of generated) {
    const file = new URL(path, ROOT);
    if (await readIfThere(file) === content) continue;
    if (isCheck) {
      // deno-lint-ignore no-console
      console.error(`${path} is stale: run deno task docs`);
      Deno.exitCode = 1;
    } else {
      await Deno.mkdir(new URL("./", file), { recursive: true });
      await Deno.writeTextFile(file, content);
    }
  }
}
