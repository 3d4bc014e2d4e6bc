/**
 * Compiles the program to one binary, `bin/teleport-event-handler`.
 *
 *     deno task build [--target <triple>]
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { PERMISSIONS } from "./permissions.ts";

const OUTPUT = "bin/teleport-event-handler";

const { success, code } = await new Deno.Command(Deno.execPath(), {
  args: [
    "compile",
    "--frozen",
    "--exclude-unused-npm",
    ...PERMISSIONS,
    `--output=${OUTPUT}`,
    ...Deno.args,
    "main.ts",
  ],
}).spawn().status;
if (!success) {
  console.error(
    `\nerror: ${OUTPUT} was not built: see above. Where it says that denort could not be\n` +
      "downloaded: `deno compile` puts the program into a runtime of its own, which it\n" +
      "fetches once. Without access, get the denort archive of this Deno version from its\n" +
      "release page by other means, unpack it, and name the file in DENORT_BIN.",
  );
}
Deno.exit(code);
