import { assertEquals } from "./assert.ts";

/**
 * What each folder of lib/ may import, besides itself, vendor/, and the files beside
 * the folders. These import no folder but vendor/.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  vendor: ["http2"],
  http2: [],
  struct: [],
  pipeline: [],
  config: [],
  teleport: ["pipeline", "struct"],
  fluentd: ["pipeline", "struct"],
  stdout: ["pipeline", "struct"],
  state: ["pipeline", "struct"],
  operate: ["pipeline"],
  configure: ["config", "state"],
  check: ["config", "fluentd", "state", "teleport"],
  commands: [
    "check",
    "config",
    "configure",
    "fluentd",
    "operate",
    "pipeline",
    "state",
    "stdout",
    "struct",
    "teleport",
  ],
};

/** What nobody imports: the program, and that of its other thread. */
const PROGRAMS = ["main.ts", "lib/fluentd/delivery_worker.ts"];

/** Libraries whose own words several files speak. */
const SPOKEN_BY_SEVERAL = ["@bufbuild/protobuf", "preact"];

interface Specifier {
  readonly specifier: string;
}

/** As `deno info --json` tells it. */
interface Module extends Specifier {
  readonly dependencies?: readonly { code?: Specifier; type?: Specifier }[];
}

/** By the path of each file of lib/, what it imports: paths in lib/, and npm packages. */
const IMPORTS = new Map(
  (await Promise.all(PROGRAMS.map(readImports))).flatMap((it) => [...it]),
);

async function readImports(program: string): Promise<Map<string, string[]>> {
  const root = new URL("../", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", program],
    cwd: root,
  }).output();
  const { modules }: { modules: readonly Module[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const lib = new URL("lib/", root).href;
  const nameOf = (specifier: string) => {
    const [, library] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier) ?? [];
    return library ?? specifier.replace(lib, "");
  };
  return new Map(
    modules.filter(({ specifier }) => specifier.startsWith(lib))
      .map(({ specifier, dependencies = [] }) => [
        nameOf(specifier),
        dependencies.flatMap(({ code, type }) => code ?? type ?? [])
          .map((it) => nameOf(it.specifier)),
      ]),
  );
}

function folderOf(path: string): string {
  return path.includes("/") ? path.replace(/\/.*/, "") : "";
}

Deno.test("imports run downward only, as docs/architecture.md draws them", () => {
  const upward = [...IMPORTS].flatMap(([path, imports]) => {
    const folder = folderOf(path);
    const allowed = ["", "vendor", folder, ...MAY_IMPORT[folder] ?? []];
    return imports
      .filter((it) => IMPORTS.has(it) && !allowed.includes(folderOf(it)))
      .map((it) => `${path} imports ${it}`);
  });
  assertEquals(upward, []);
});

Deno.test("no file imports one that leads back to it", () => {
  const left = new Map(IMPORTS);
  for (let before = 0; before !== left.size;) {
    before = left.size;
    for (const [path, imports] of left) {
      if (!imports.some((it) => left.has(it))) left.delete(path);
    }
  }
  // What is left imports something in a circle, or is in one.
  assertEquals([...left.keys()], []);
});

Deno.test("a library is imported by one file", () => {
  const importers = new Map<string, Set<string>>();
  for (const [path, imports] of IMPORTS) {
    if (folderOf(path) === "vendor") continue;
    for (const it of imports) {
      if (IMPORTS.has(it) || it.includes(":")) continue;
      importers.set(it, (importers.get(it) ?? new Set()).add(path));
    }
  }
  const shared = [...importers].filter(([library, paths]) =>
    paths.size > 1 && !SPOKEN_BY_SEVERAL.includes(library)
  );
  assertEquals(shared, []);
});

Deno.test("docs/architecture.md draws files that are there, and each one beside the folders", async () => {
  const page = await Deno.readTextFile(
    new URL("../docs/architecture.md", import.meta.url),
  );
  const picture = page.match(/(?<=^lib\/\n)[^]*?(?=^tests\/)/m)?.[0] ?? "";
  const drawn = new Set(picture.match(/\w+\.ts\b/g));
  const paths = [...IMPORTS.keys()].filter((path) => /\.tsx?$/.test(path));
  const names = new Set(paths.map((path) => path.replace(/.*\//, "")));
  assertEquals([...drawn].filter((name) => !names.has(name)), []);
  const beside = paths.filter((path) => folderOf(path) === "");
  assertEquals(beside.filter((path) => !drawn.has(path)), []);
});
