import { fileURLToPath } from "node:url";
import { assertEquals } from "../assert.ts";

const GOODBYE = fileURLToPath(new URL("./goodbye.ts", import.meta.url));

Deno.test("a session that ends on its peer's GOAWAY does not take the process with it", async () => {
  const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--quiet",
      GOODBYE,
    ],
  }).output();
  assertEquals(
    { code, signal, stdout: new TextDecoder().decode(stdout) },
    { code: 0, signal: null, stdout: "survived\n" },
  );
});
