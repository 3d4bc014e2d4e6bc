import { assert, assertEquals } from "./assert.ts";

const ROOT = new URL("../", import.meta.url);
const PROGRAM = "lib/commands/program.ts";
/** What takes tens of milliseconds to load. */
const HEAVY = [
  "@bufbuild/protobuf",
  "@grpc/grpc-js",
  "@logtape/logtape",
  "@peculiar/x509",
  "node:http",
  "node:http2",
  "node:tls",
];

Deno.test("what is only printed is printed without loading anything heavy", async () => {
  const graph = await Graph.load();
  for (
    const module of [
      "lib/commands/version.ts",
      "lib/config/help.ts",
      "lib/config/completion.ts",
    ]
  ) {
    assertEquals(graph.loadedFor(module).filter(isOneOf(HEAVY)), [], module);
  }
});

Deno.test("what looks at files speaks to nobody", async () => {
  const graph = await Graph.load();
  const network = ["@grpc/grpc-js", "@peculiar/x509", "node:http2", "node:tls"];
  for (const module of ["lib/commands/status.ts", "lib/commands/rejected.ts"]) {
    const loaded = graph.loadedFor(module);
    assertEquals(loaded.filter(isOneOf(network)), [], module);
  }
});

Deno.test("what makes certificates is loaded for that alone", async () => {
  const graph = await Graph.load();
  const x509 = isOneOf(["@peculiar/x509"]);
  assert(graph.loadedFor("lib/commands/configure.ts").some(x509));
  for (const module of ["lib/commands/start.ts", "lib/commands/check.ts"]) {
    const loaded = graph.loadedFor(module);
    assertEquals(loaded.filter(x509), [], module);
    assert(loaded.some(isOneOf(["@grpc/grpc-js"])), module);
  }
});

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly isDynamic?: boolean;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** Which modules import which. */
class Graph {
  readonly #modules: ReadonlyMap<string, Module>;

  private constructor(modules: readonly Module[]) {
    this.#modules = new Map(modules.map((it) => [it.specifier, it]));
  }

  static async load(): Promise<Graph> {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "main.ts"],
      cwd: ROOT,
    }).output();
    return new Graph(JSON.parse(new TextDecoder().decode(stdout)).modules);
  }

  /** What the program has loaded once it has the module of a command. */
  loadedFor(module: string): string[] {
    const specifier = new URL(module, ROOT).href;
    const commands = this.#modules.get(new URL(PROGRAM, ROOT).href)
      ?.dependencies?.filter(({ isDynamic }) => isDynamic)
      .map(({ code }) => code?.specifier);
    assert(commands?.includes(specifier), `${PROGRAM} imports ${module}`);
    const main = new URL("main.ts", ROOT).href;
    return [...new Set([...this.#reach(main), ...this.#reach(specifier)])];
  }

  /** A module and what it imports before it runs. */
  #reach(specifier: string, reached = new Set<string>()): Set<string> {
    if (reached.has(specifier)) return reached;
    reached.add(specifier);
    for (
      const { code, isDynamic } of this.#modules.get(specifier)
        ?.dependencies ?? []
    ) {
      if (isDynamic || code?.specifier === undefined) continue;
      this.#reach(code.specifier, reached);
    }
    return reached;
  }
}

/** Packages are `npm:/@scope/name@1.2.3/path`, with or without the slash. */
function isOneOf(names: readonly string[]): (specifier: string) => boolean {
  const bare = (specifier: string) =>
    specifier.replace(/^npm:\/?(@[^@]+)@.*$/, "$1");
  return (specifier) => names.includes(bare(specifier));
}
