import project from "../../deno.json" with { type: "json" };
import { version, versionInfo } from "../../lib/commands/version.ts";
import { assertEquals } from "../assert.ts";

Deno.test("the version is that of the project, on what runs it", () => {
  assertEquals(versionInfo(), {
    version: project.version,
    commit: null,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    target: Deno.build.target,
  });
});

Deno.test("the version is printed for people and for programs", () => {
  const { deno, v8, target } = versionInfo();
  assertEquals(
    version({ json: false }),
    `teleport-event-handler ${project.version}\ndeno ${deno}, v8 ${v8}, ${target}\n`,
  );
  assertEquals(JSON.parse(version({ json: true })), versionInfo());
});
