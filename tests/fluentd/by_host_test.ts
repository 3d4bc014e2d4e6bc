import { ByHost } from "../../lib/fluentd/by_host.ts";
import { assertNotStrictEquals, assertStrictEquals } from "../assert.ts";

Deno.test("each host has one of its own, whatever the path", () => {
  const hosts = new ByHost(() => ({}));
  const events = hosts.of("https://events:8888/test.log");
  assertStrictEquals(hosts.of("https://events:8888/session.s1.log"), events);
  for (
    const other of [
      "https://events:9999/test.log",
      "https://recordings:8888/test.log",
      "http://events:8888/test.log",
    ]
  ) assertNotStrictEquals(hosts.of(other), events);
});
