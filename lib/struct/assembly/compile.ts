/**
 * Compiles struct_json.ts, which is AssemblyScript, to ../struct_json.wasm. With
 * --check, writes nothing and fails where that is stale.
 *
 * It has a configuration of its own, `deno.json` beside it, so that nobody has to
 * download a compiler who does not compile.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import * as asc from "assemblyscript/asc";

const SOURCE = new URL("./struct_json.ts", import.meta.url);
const COMPILED = new URL("../struct_json.wasm", import.meta.url);

/** As the compiler sees them: it knows no folders. */
const INPUT = "struct_json.ts";
const OUTPUT = "struct_json.wasm";

const OPTIONS = [
  // For speed, and then for size.
  ...["--optimizeLevel", "3", "--shrinkLevel", "0"],
  // Nothing is allocated.
  ...["--runtime", "stub"],
  // Nothing is checked that its source says is the caller's to see to.
  "--noAssert",
  ...["--enable", "simd", "--enable", "nontrapping-f2i"],
];

/**
 * What the source compiles to.
 *
 * @throws {Error} with what the compiler says
 */
async function compile(source: string): Promise<Uint8Array> {
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [INPUT, "--outFile", OUTPUT, ...OPTIONS],
    {
      readFile: (name) => name === INPUT ? source : null,
      listFiles: () => [],
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") compiled = contents;
      },
    },
  );
  if (error !== null || compiled === undefined) {
    throw new Error(`${SOURCE.pathname} does not compile:\n${stderr}`);
  }
  return compiled;
}

const compiled = await compile(await Deno.readTextFile(SOURCE));
if (!Deno.args.includes("--check")) {
  await Deno.writeFile(COMPILED, compiled);
} else if (compiled.toHex() !== (await Deno.readFile(COMPILED)).toHex()) {
  console.error(
    `${COMPILED.pathname} is stale: run deno task wasm, and commit it`,
  );
  Deno.exit(1);
}
