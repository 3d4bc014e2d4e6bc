import { readEnvironment } from "../../lib/config/environment.ts";
import { assertEquals } from "../assert.ts";

function read(env: Record<string, string>) {
  const { byName, problems } = readEnvironment(env);
  return { settings: Object.fromEntries(byName), problems };
}

Deno.test("variables are read by both prefixes, and others left alone", () => {
  assertEquals(
    read({
      FDFWD_BATCH: "5",
      FDWRD_TELEPORT_CERT: "x.crt",
      PATH: "/bin",
      BATCH: "7",
    }),
    {
      settings: {
        batch: { texts: ["5"], origin: "FDFWD_BATCH" },
        "teleport-cert": { texts: ["x.crt"], origin: "FDWRD_TELEPORT_CERT" },
      },
      problems: [],
    },
  );
});

Deno.test("both prefixes with the same value are fine, and with two values an error", () => {
  assertEquals(read({ FDFWD_BATCH: "5", FDWRD_BATCH: "5" }).problems, []);
  assertEquals(read({ FDFWD_BATCH: "5", FDWRD_BATCH: "6" }).problems, [
    "FDFWD_BATCH and FDWRD_BATCH differ, and both mean batch: set one of them",
  ]);
});

Deno.test("two names of one option with two values are an error", () => {
  assertEquals(
    read({ FDFWD_MAX_CONNECTIONS: "5", FDFWD_FLUENTD_MAX_CONNECTIONS: "6" })
      .problems,
    [
      "FDFWD_MAX_CONNECTIONS and FDFWD_FLUENTD_MAX_CONNECTIONS differ, and both mean fluentd-max-connections: set one of them",
    ],
  );
});

Deno.test("a blank variable counts as none, except that it empties a list", () => {
  assertEquals(
    read({ FDFWD_CURSOR: "", FDFWD_BATCH: "", FDFWD_SKIP_SESSION_TYPES: "" }),
    {
      settings: {
        "skip-session-types": {
          texts: [""],
          origin: "FDFWD_SKIP_SESSION_TYPES",
        },
      },
      problems: [],
    },
  );
  assertEquals(read({ FDFWD_BATCH: "", FDWRD_BATCH: "5" }), {
    settings: { batch: { texts: ["5"], origin: "FDWRD_BATCH" } },
    problems: [],
  });
});

Deno.test("an unknown variable names the nearest known one, with its prefix", () => {
  assertEquals(read({ FDFWD_FLUENTD_ULR: "x", FDWRD_STORGE: "x" }).problems, [
    'FDFWD_FLUENTD_ULR: unknown environment variable: did you mean "FDFWD_FLUENTD_URL"?',
    'FDWRD_STORGE: unknown environment variable: did you mean "FDWRD_STORAGE"?',
  ]);
});

Deno.test("an option that is a flag only has no variable", () => {
  assertEquals(read({ FDFWD_JSON: "true" }).settings, {});
  assertEquals(read({ FDFWD_JSON: "true" }).problems.length, 1);
});
