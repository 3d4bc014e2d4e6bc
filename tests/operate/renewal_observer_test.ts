import { renewalObserver } from "../../lib/operate/renewal_observer.ts";
import { assertEquals } from "../assert.ts";
import { captureLog } from "./captured_log.ts";

const TERM = {
  name: "fluentd-cert",
  path: "/keys/client.crt",
  notBeforeMs: 0,
  notAfterMs: Date.UTC(2030, 0, 1),
};

Deno.test("a renewal is told with its side, and with the end of what ends first", async () => {
  await using log = await captureLog();
  const later = { ...TERM, notAfterMs: Date.UTC(2040, 0, 1) };
  const observer = renewalObserver("fluentd", () => [later, TERM]);
  observer.renewed("new");
  renewalObserver("fluentd", () => []).renewed("headers alone");
  const told = {
    level: "INFO",
    message: "renewed credentials are in use",
    side: "fluentd",
  };
  assertEquals(log.records, [
    { ...told, until: "2030-01-01T00:00:00.000Z" },
    told,
  ]);
});

Deno.test("what cannot be used is told once for each reason, and anew after a renewal", async () => {
  await using log = await captureLog();
  const observer = renewalObserver("fluentd", () => [TERM]);
  for (const reason of ["half", "half", "no key", "no key"]) {
    observer.kept(new Error(reason));
  }
  observer.renewed("new");
  observer.kept(new Error("no key"));
  assertEquals(
    log.records.map(({ level, side, error }) => [level, side, error]),
    [
      ["WARN", "fluentd", "half"],
      ["WARN", "fluentd", "no key"],
      ["INFO", "fluentd", undefined],
      ["WARN", "fluentd", "no key"],
    ],
  );
});

Deno.test("files that are again those in use are told, and what cannot be used anew after that", async () => {
  await using log = await captureLog();
  const observer = renewalObserver("fluentd", () => [TERM]);
  observer.kept(new Error("no such file"));
  observer.restored();
  observer.kept(new Error("no such file"));
  assertEquals(
    log.records.map((it) => [it.level, it["side"], it["error"] ?? it.message]),
    [
      ["WARN", "fluentd", "no such file"],
      ["INFO", "fluentd", "the credentials on disk are again those in use"],
      ["WARN", "fluentd", "no such file"],
    ],
  );
});
