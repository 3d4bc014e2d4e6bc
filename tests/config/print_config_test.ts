import { printConfig } from "../../lib/config/print_config.ts";
import { assertEquals } from "../assert.ts";

Deno.test("names, values and origins stand in columns", () => {
  assertEquals(
    printConfig([
      { name: "batch", text: "5", origin: "x.toml:2: batch" },
      { name: "fluentd-header", text: "***", origin: "--fluentd-header" },
      { name: "types", text: "all", origin: "default" },
    ]),
    `batch           5    x.toml:2: batch
fluentd-header  ***  --fluentd-header
types           all  default
`,
  );
});
