import { compileWasm, readWasm } from "../../scripts/wasm.ts";
import { assert } from "../assert.ts";

Deno.test("the WebAssembly is what its source compiles to", async () => {
  const [compiled, committed] = await Promise.all([compileWasm(), readWasm()]);
  assert(
    compiled.toHex() === committed.toHex(),
    "lib/struct/struct_json.wasm is stale: run deno task wasm, and commit it",
  );
});
