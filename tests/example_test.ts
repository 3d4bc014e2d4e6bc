/** The examples of how to keep the program running: they are right as far as that goes here. */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { splitCommand } from "../lib/config/command_line.ts";
import type { Config } from "../lib/config/config.ts";
import { readOptions } from "../lib/config/read_options.ts";
import { toConfig } from "../lib/config/resolve.ts";
import { IDENTITY_KEY, IDENTITY_SECRET } from "../lib/configure/kubernetes.ts";
import { exampleToml } from "../scripts/docs.ts";
import { assert, assertEquals, assertMatch } from "./assert.ts";
import { runConfigure } from "./configure/configure_process.ts";
import { withDirectory } from "./fakes/directory.ts";
import { renderChart } from "./fakes/helm_chart.ts";
import { parseYamlAll } from "./yaml.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PROGRAM = "/usr/local/bin/teleport-event-handler";
const TOML = "/etc/teleport-event-handler/teleport-event-handler.toml";

function read(name: string): string {
  return Deno.readTextFileSync(join(ROOT, "example", name));
}

/** What the program would do, with every file there that is asked for. */
function configOf(
  words: readonly string[],
  { env = {}, toml = exampleToml() }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly toml?: string;
  } = {},
): Config {
  const { command, args } = splitCommand(words);
  assertEquals(command, "start");
  return toConfig(readOptions({
    command,
    args,
    env,
    readTextFile: (path) => path === TOML ? toml : "",
  }));
}

Deno.test("the systemd unit starts the program, with its state where it may write", () => {
  const unit = read("teleport-event-handler.service");
  const value = (name: string) =>
    new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";
  const [program, ...words] = value("ExecStart").split(" ");
  assertEquals(program, PROGRAM);
  const [name = "", storage = ""] = value("Environment").split("=");
  const { target } = configOf(words, { env: { [name]: storage } });
  assert(target.kind === "fluentd");
  assertEquals(target.storage, `/var/lib/${value("StateDirectory")}`);
});

Deno.test("what configure has written is found where a unit or a container has it, by the documented commands", async () => {
  await withDirectory(async (directory) => {
    const written = join(directory, "event-handler");
    const etc = join(directory, "etc");
    assertEquals((await runConfigure([written])).code, 0);
    await Deno.writeTextFile(join(written, "identity"), "");
    const tomlIn = async (place: string) =>
      await Deno.readTextFile(join(place, "teleport-event-handler.toml"));
    const namedIn = (toml: string) =>
      [...toml.matchAll(/^(?:identity|ca|cert|key) = "(.*)"$/gm)]
        .map(([, path = ""]) => path);
    const page = await Deno.readTextFile(join(ROOT, "docs/deploy.md"));
    const run = async (command: RegExp, place: string) => {
      const [text = ""] = command.exec(page) ?? [];
      const words = text.replaceAll("-o teleport-event-handler ", "")
        .replaceAll("/etc/teleport-event-handler", place);
      const { success, stderr } = await new Deno.Command("sh", {
        args: ["-ec", words],
        cwd: directory,
      }).output();
      assert(success, words + new TextDecoder().decode(stderr));
    };

    await Deno.mkdir(etc);
    await run(/^\(cd event-handler[^]*?\n {2}\/etc.*toml$/m, etc);
    const paths = namedIn(await tomlIn(etc));
    assertEquals(paths.length, 4);
    for (const path of paths) {
      assert(path.startsWith(`${etc}/`), path);
      await Deno.stat(path);
    }
    await run(/^sed -i \\\n[^]*?\n {2}event-handler\/.*toml$/m, "/etc/other");
    const toml = await tomlIn(written);
    for (const path of namedIn(toml)) {
      assert(path.startsWith("/etc/other/"), path);
    }
    assertMatch(toml, /^storage = "\/var\/lib\/teleport-event-handler"$/m);
  });
});

Deno.test({
  name: "systemd takes the unit, and finds little that it exposes",
  ignore: !hasSystemdAnalyze(),
  async fn() {
    await withDirectory(async (directory) => {
      const unit = join(directory, "teleport-event-handler.service");
      await Deno.writeTextFile(
        unit,
        // It has to be there.
        read("teleport-event-handler.service")
          .replace(`ExecStart=${PROGRAM}`, "ExecStart=/bin/true"),
      );
      assertEquals(await systemdAnalyze(["verify", unit]), "");
      const security = await systemdAnalyze([
        "security",
        "--offline=yes",
        "--no-pager",
        "--threshold=20",
        unit,
      ]);
      assertMatch(security, /exposure level .*: [01]\.\d OK/);
    });
  },
});

Deno.test("the README's certificates are good for the Fluentd of its configuration", () => {
  const readme = Deno.readTextFileSync(join(ROOT, "README.md"));
  const [, url = ""] = /^ *url = "(.*)"$/m.exec(readme) ?? [];
  const [, names] = /handler configure .*--dns-names (\S+)/.exec(readme) ?? [];
  assertEquals(names, new URL(url).hostname);
});

Deno.test("the cron table is installed by a name that cron does not pass over", () => {
  const deploy = Deno.readTextFileSync(join(ROOT, "docs", "deploy.md"));
  for (const text of [deploy, read("teleport-event-handler.cron")]) {
    const [, name = ""] = /^.*install .* \/etc\/cron\.d\/(\S+)$/m.exec(text) ??
      [];
    // What cron(8) demands of names in that directory; it says nothing of others.
    assertMatch(name, /^[A-Za-z0-9_-]+$/);
  }
});

Deno.test("the cron table does without a home of its user, who gets none", () => {
  const deploy = Deno.readTextFileSync(join(ROOT, "docs", "deploy.md"));
  assertMatch(deploy, /^useradd .*--no-create-home/m);
  // Where it is not there, cronie runs nothing, and mails nothing.
  assertMatch(read("teleport-event-handler.cron"), /^HOME=\/$/m);
});

Deno.test("the cron table runs the program to its end, one at a time", () => {
  const jobs = read("teleport-event-handler.cron").split("\n")
    .filter((line) => /^[\d*]/.test(line));
  assertEquals(jobs.length, 1);
  const [, , , , , user, ...command] = jobs[0]?.split(" ") ?? [];
  assertEquals(user, "teleport-event-handler");
  assertEquals(command.slice(0, 2), ["flock", "--nonblock"]);
  const words = command.slice(command.indexOf("teleport-event-handler") + 1);
  const { exitOnLastEvent, log } = configOf(words);
  assertEquals([exitOnLastEvent, log.level], [true, "warning"]);
  // Its user may make no file in /run/lock, but on Debian; this one is there.
  const [lock] = command.filter((word) => word.startsWith("/"));
  assertEquals(lock, words[words.indexOf("--config") + 1]);
});

Deno.test("the container is built of what is there, by the Deno of the README", () => {
  const file = read("Containerfile");
  const [, version] = /^FROM .*\/deno:(\S+) AS build$/m.exec(file) ?? [];
  const readme = Deno.readTextFileSync(join(ROOT, "README.md"));
  assertEquals(/deno@([\d.]+) task/.exec(readme)?.[1], version);
  const copied = [...file.matchAll(/^COPY ([^-].*) \S+$/gm)]
    .flatMap(([, sources = ""]) => sources.split(" "));
  assert(copied.includes("main.ts"));
  for (const source of copied) Deno.statSync(join(ROOT, source));
  const entrypoint: string[] = JSON.parse(
    /^ENTRYPOINT (.*)$/m.exec(file)?.[1] ?? "",
  );
  assertEquals(entrypoint, [PROGRAM]);
  const words: string[] = JSON.parse(/^CMD (.*)$/m.exec(file)?.[1] ?? "");
  assertEquals(configOf(words).target.kind, "fluentd");
  assertMatch(
    file,
    /^COPY .* --chown=65532:65532 \/state \/var\/lib\/teleport-event-handler$/m,
  );
});

for (
  const [values, volume] of [
    ["", "/var/lib/teleport/plugins/event-handler/storage"],
    // As the Go handler's configure writes it; mounted by its place under the root.
    ["eventHandler: { storagePath: ./storage }", "/storage"],
  ] as const
) {
  Deno.test(`in the Helm chart, the container keeps its state on the chart's volume at ${volume}`, () => {
    const image = read("Containerfile").split(/^FROM /m).at(-1) ?? "";
    const variables = [...image.matchAll(/^ENV (\w+)=(\S+)$/gm)]
      .map(([, name, value]) => [name, value]);
    const directory = /^WORKDIR (.*)$/m.exec(image)?.[1] ?? "/home/nonroot";
    const { toml, env } = renderChart(`
fluentd:
  url: https://fluentd:8888/test.log
  sessionUrl: https://fluentd:8888/session
teleport:
  address: teleport.example.com:3025
${values}
`);
    const { target } = configOf(["start", "--config", TOML], {
      env: { ...Object.fromEntries(variables), ...env },
      toml,
    });
    assert(target.kind === "fluentd");
    assertEquals(resolve(directory, target.storage), volume);
  });
}

Deno.test("the commands ahead of the Kubernetes manifests make each file before they use it", () => {
  const text = read("kubernetes.yaml");
  const signed = text.indexOf("--out=out/identity");
  const used = text.indexOf("--from-file=identity=out/identity");
  assert(0 < signed && signed < used);
});

Deno.test("the Kubernetes manifests give the program what its configuration names", () => {
  const text = read("kubernetes.yaml");
  const objects = parseYamlAll(text) as Manifest[];
  assertEquals(objects.map(({ kind }) => kind), [
    "ConfigMap",
    "PersistentVolumeClaim",
    "Deployment",
  ]);
  const [configMap, claim, deployment] = objects;
  const { spec } = deployment?.spec?.template ?? {};
  const container = spec?.containers[0];
  assert(configMap && claim && spec && container);
  const volume = (name: string) =>
    spec.volumes.find((volume) => volume.name === name);
  const mountOf = (path: string) =>
    container.volumeMounts.find(({ mountPath }) => path.startsWith(mountPath));
  const volumeOf = (path = "") => volume(mountOf(path)?.name ?? "");

  const toml = configMap.data?.["teleport-event-handler.toml"] ?? "";
  const { teleport, target, listen } = configOf(container.args, { toml });
  assertEquals(volumeOf(TOML)?.configMap?.name, configMap.metadata.name);
  assert(teleport.credentials.kind === "identity");
  const { file } = teleport.credentials;
  assertEquals(volumeOf(file)?.secret?.secretName, IDENTITY_SECRET);
  assert(file.endsWith(`/${IDENTITY_KEY}`));
  assert(target.kind === "fluentd");
  const { caFile, client } = target.fluentd;
  for (const path of [caFile, client?.certFile, client?.keyFile]) {
    assertEquals(
      volumeOf(path)?.secret?.secretName,
      "teleport-event-handler-client-tls",
    );
  }
  assertEquals(
    volumeOf(target.storage)?.persistentVolumeClaim?.claimName,
    claim.metadata.name,
  );
  assertEquals(mountOf(target.storage)?.readOnly, undefined);
  assertEquals(container.ports[0]?.containerPort, listen?.port);
});

/** What is looked at of the objects. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec: Pod } };
}

interface Pod {
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports: readonly { readonly containerPort: number }[];
    readonly volumeMounts: readonly {
      readonly name: string;
      readonly mountPath: string;
      readonly readOnly?: boolean;
    }[];
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}

function hasSystemdAnalyze(): boolean {
  try {
    return new Deno.Command("systemd-analyze", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What it says, on either stream. */
async function systemdAnalyze(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args,
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  const said = [stdout, stderr].map((it) => new TextDecoder().decode(it))
    .join("");
  assertEquals(code, 0, said);
  return said;
}
