import { canStandIn, OPTION_NAMES } from "../../lib/config/options.ts";
import { readOptions } from "../../lib/config/read_options.ts";
import { readToml } from "../../lib/config/toml.ts";
import {
  exampleFluentConf,
  exampleToml,
  metricReference,
  optionReference,
} from "../../scripts/docs.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("docs/options.md is what the table says", async () => {
  assertEquals(
    await Deno.readTextFile(new URL("docs/options.md", ROOT)),
    await optionReference(),
  );
});

Deno.test("docs/metrics.md is what the table says", async () => {
  assertEquals(
    await Deno.readTextFile(new URL("docs/metrics.md", ROOT)),
    await metricReference(),
  );
});

Deno.test("the example configuration is what the table says", async () => {
  assertEquals(
    await Deno.readTextFile(
      new URL("example/teleport-event-handler.toml", ROOT),
    ),
    exampleToml(),
  );
});

Deno.test("the example of Fluentd's configuration is what configure writes", async () => {
  assertEquals(
    await Deno.readTextFile(new URL("example/fluent.conf", ROOT)),
    exampleFluentConf(),
  );
});

Deno.test("the reference has a row for every option", async () => {
  const reference = await optionReference();
  for (const name of OPTION_NAMES) {
    assertStringIncludes(reference, `| \`--${name}`);
  }
});

Deno.test("the example configuration works as it is", () => {
  const { value } = readOptions({
    command: "start",
    args: ["--config=example.toml"],
    env: {},
    readTextFile: (path) => path === "example.toml" ? exampleToml() : "",
  });
  assertEquals(value("storage"), "./storage");
  assertEquals(value("fluentd-url"), "https://localhost:8888/test.log");
  assertEquals(value("teleport-addr"), [{ host: "localhost", port: 3025 }]);
});

Deno.test("each line of the example that is not set names an option rightly", () => {
  const everything = exampleToml().replace(/^# (?=[a-z-]+ = )/gm, "");
  const { byName, problems } = readToml("example.toml", everything);
  assertEquals(problems, []);
  assertEquals(
    [...byName.keys()].toSorted(),
    OPTION_NAMES.filter((name) => canStandIn("toml", name)).toSorted(),
  );
});

Deno.test("each value of the example is a good one", () => {
  const everything = exampleToml().replace(/^# (?=[a-z-]+ = )/gm, "");
  // One of the two ways to log in, and one of the two to say where to begin.
  const one = everything.replace(/^(ca|cert|key) = "teleport.*\n/gm, "")
    .replace(/^cursor = .*\n/m, "");
  const { effective } = readOptions({
    command: "start",
    args: ["--config=example.toml"],
    env: {},
    readTextFile: (path) => path === "example.toml" ? one : "content",
  });
  assertEquals(
    effective.filter(({ origin }) => origin === "default")
      .map(({ name }) => name),
    ["teleport-ca", "teleport-cert", "teleport-key", "cursor"],
  );
});
