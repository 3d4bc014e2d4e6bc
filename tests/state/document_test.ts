import {
  formatDocument,
  parseDocument,
  type StateDocument,
  StateError,
} from "../../lib/state/document.ts";
import type { ExportPosition } from "../../lib/event.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";
import { sampleDocument } from "./sample_document.ts";

const PATH = "/var/lib/handler/state.json";

Deno.test("a document comes back as it was written", () => {
  const documents: StateDocument[] = [
    sampleDocument(),
    {
      ...sampleDocument(),
      position: {
        kind: "page",
        start: "2026-03-01T12:00:00Z",
        cursor: "",
        seen: [],
        newest: null,
      },
      recordings: {},
    },
    { ...sampleDocument(), locks: { '["alice","root"]': 1_772_366_000_000 } },
    {
      ...sampleDocument(),
      cluster: 'Zürich "1"\n\u0000',
      recordings: Object.fromEntries(
        ["__proto__", "constructor", ""].map((sessionId) => [
          sessionId,
          {
            index: -1,
            count: 2 ** 53,
            attempts: 0,
            sinceMs: 0.25,
            notBeforeMs: 8.64e15,
            lastError: "\u2028",
            toldMissing: true,
          },
        ]),
      ),
    },
  ];
  for (const document of documents) {
    const again = parseDocument(formatDocument(document), PATH);
    assertEquals(again, document);
    assertEquals(
      Object.entries(again.recordings),
      Object.entries(document.recordings),
    );
  }
});

Deno.test("what was newest before the cursor comes back as it was written", () => {
  for (const before of [null, { time: "2026-03-01T11:59:50Z", keys: ["a"] }]) {
    const position = { ...POSITION, before };
    const document: StateDocument = { ...sampleDocument(), position };
    assertEquals(parseDocument(formatDocument(document), PATH), document);
  }
});

Deno.test("a position in chunks comes back as it was written", () => {
  const { pages: _, ...rest } = IN_CHUNKS;
  for (
    const position of [IN_CHUNKS, rest, { ...rest, newest: null }]
  ) {
    const document: StateDocument = { ...sampleDocument(), position };
    assertEquals(parseDocument(formatDocument(document), PATH), document);
  }
});

Deno.test("recordings keep their order", () => {
  const [recording] = Object.values(sampleDocument().recordings);
  assert(recording !== undefined);
  const ids = ["c", "a", "b"];
  const document = {
    ...sampleDocument(),
    recordings: Object.fromEntries(ids.map((id) => [id, recording])),
  };
  const { recordings } = parseDocument(formatDocument(document), PATH);
  assertEquals(Object.keys(recordings), ids);
});

Deno.test("what is no JSON is refused, with the file and what to do", () => {
  const whole = formatDocument(sampleDocument());
  for (const text of ["", "\u0000".repeat(100), whole.slice(0, -10), "{"]) {
    assertDamaged(text, "it is not JSON");
  }
});

Deno.test("what is no object is refused", () => {
  for (const text of ["null", "[]", "1", '"state"']) {
    assertDamaged(text, "it is not an object");
  }
});

Deno.test("a document of another release is refused, with its version", () => {
  for (const version of [0, 2, "1", null]) {
    const text = JSON.stringify({ ...sampleDocument(), version });
    const error = assertThrows(() => parseDocument(text, PATH), StateError);
    assertStringIncludes(
      error.message,
      `the state file ${PATH} has version ${JSON.stringify(version)}`,
    );
    assertStringIncludes(error.message, "another release");
  }
});

Deno.test("a document without a version is damaged, and of no other release", () => {
  const { version: _, ...rest } = sampleDocument();
  assertDamaged(JSON.stringify(rest), '"version" is missing');
});

const POSITION = sampleDocument().position;
const IN_CHUNKS: ExportPosition = {
  kind: "export",
  days: {
    "2026-02-28": { done: ["a", "__proto__"], cursors: {} },
    "2026-03-01": {
      done: [],
      cursors: Object.fromEntries([["__proto__", "7"], ["b", ""]]),
    },
  },
  newest: { time: "2026-03-01T11:59:58Z" },
  pages: { until: "2026-02-28T00:00:00Z", keys: ["0b8f", "sha256:77aa"] },
};
const [[SESSION_ID, RECORDING] = ["", undefined]] = Object.entries(
  sampleDocument().recordings,
);
const NO_TIMES = [
  undefined,
  null,
  0,
  "",
  "1",
  "yesterday",
  "2026-13-01T00:00:00Z",
];
const NO_STRINGS = [undefined, null, "a", {}, [1], ["a", null]];
const DAMAGES: readonly {
  readonly field: string;
  readonly says: string;
  readonly values: readonly unknown[];
  readonly put: (value: unknown) => object;
}[] = [
  {
    field: "cluster",
    says: '"cluster" is missing',
    values: [undefined, null, 7, {}],
    put: (cluster) => ({ cluster }),
  },
  {
    field: "startTime",
    says: '"startTime" is no time',
    values: NO_TIMES,
    put: (startTime) => ({ startTime }),
  },
  {
    field: "position",
    says: '"position" is incomplete',
    values: [undefined, null, [], "page", {}],
    put: (position) => ({ position }),
  },
  {
    field: "position.kind",
    says: '"position" is incomplete',
    values: [undefined, "export", "chunk"],
    put: (kind) => ({ position: { ...POSITION, kind } }),
  },
  {
    field: "position.start",
    says: '"position" is incomplete',
    values: NO_TIMES,
    put: (start) => ({ position: { ...POSITION, start } }),
  },
  {
    field: "position.cursor",
    says: '"position" is incomplete',
    values: [undefined, null, 7],
    put: (cursor) => ({ position: { ...POSITION, cursor } }),
  },
  {
    field: "position.seen",
    says: '"position" is incomplete',
    values: NO_STRINGS,
    put: (seen) => ({ position: { ...POSITION, seen } }),
  },
  {
    field: "position.newest",
    says: '"position" is incomplete',
    values: [undefined, "2026-03-01T12:00:00Z", [], {}],
    put: (newest) => ({ position: { ...POSITION, newest } }),
  },
  {
    field: "position.newest.time",
    says: '"position" is incomplete',
    values: NO_TIMES,
    put: (time) => ({
      position: { ...POSITION, newest: { ...POSITION.newest, time } },
    }),
  },
  {
    field: "position.newest.keys",
    says: '"position" is incomplete',
    values: NO_STRINGS,
    put: (keys) => ({
      position: { ...POSITION, newest: { ...POSITION.newest, keys } },
    }),
  },
  {
    field: "position.before",
    says: '"position" is incomplete',
    values: ["2026-03-01T12:00:00Z", [], { time: "1", keys: [] }],
    put: (before) => ({ position: { ...POSITION, before } }),
  },
  {
    field: "position.after",
    says: '"position" is incomplete',
    values: [null, 7, {}],
    put: (after) => ({ position: { ...POSITION, after } }),
  },
  {
    field: "position.days",
    says: '"position" is incomplete',
    values: [
      undefined,
      null,
      [],
      {},
      { "2026-03-01": null },
      { "2026-03-01": { done: [] } },
      { "2026-03-01": { done: [1], cursors: {} } },
      { "2026-03-01": { done: [], cursors: [] } },
      { "2026-03-01": { done: [], cursors: { a: 1 } } },
      { "2026-02-30": { done: [], cursors: {} } },
      { "2026-13-01": { done: [], cursors: {} } },
      { ...IN_CHUNKS.days, "2026-03-02": null },
      { "yesterday": { done: [], cursors: {} } },
      { "2026-03-01T00:00:00Z": { done: [], cursors: {} } },
    ],
    put: (days) => ({ position: { ...IN_CHUNKS, days } }),
  },
  {
    field: "position.newest in chunks",
    says: '"position" is incomplete',
    values: [undefined, {}, "2026-03-01T00:00:00Z", { time: "1" }],
    put: (newest) => ({ position: { ...IN_CHUNKS, newest } }),
  },
  {
    field: "position.pages",
    says: '"position" is incomplete',
    values: [
      null,
      {},
      { until: "2026-03-01T00:00:00Z" },
      { until: "1", keys: [] },
      { until: "2026-03-01T00:00:00Z", keys: [1] },
    ],
    put: (pages) => ({ position: { ...IN_CHUNKS, pages } }),
  },
  {
    field: "recordings",
    says: '"recordings" is missing',
    values: [undefined, null, [], 7],
    put: (recordings) => ({ recordings }),
  },
  {
    field: "locks",
    says: '"locks" is not by name and time',
    values: [null, [], 7, { "a": "1" }, { "a": -1 }, { a: 1, b: "1" }],
    put: (locks) => ({ locks }),
  },
  {
    field: "a recording",
    says: `the recording "${SESSION_ID}" is incomplete`,
    values: [null, [], 7, {}],
    put: (recording) => ({ recordings: { [SESSION_ID]: recording } }),
  },
  ...(["index", "count", "attempts", "sinceMs", "notBeforeMs"] as const).map(
    (name) => ({
      field: `a recording's ${name}`,
      says: `the recording "${SESSION_ID}" is incomplete`,
      values: [
        undefined,
        null,
        "1",
        [],
        ...name === "index" ? [] : [-1],
        ...name.endsWith("Ms") ? [17643e13] : [],
      ],
      put: (value: unknown) => ({
        recordings: { [SESSION_ID]: { ...RECORDING, [name]: value } },
      }),
    }),
  ),
  {
    field: "a recording's lastError",
    says: `the recording "${SESSION_ID}" is incomplete`,
    values: [undefined, null, 7],
    put: (lastError) => ({
      recordings: { [SESSION_ID]: { ...RECORDING, lastError } },
    }),
  },
  {
    field: "a recording's toldMissing",
    says: `the recording "${SESSION_ID}" is incomplete`,
    values: [null, "true", 1],
    put: (toldMissing) => ({
      recordings: { [SESSION_ID]: { ...RECORDING, toldMissing } },
    }),
  },
];

for (const { field, says, values, put } of DAMAGES) {
  Deno.test(`a document whose ${field} is wrong is refused`, () => {
    for (const value of values) {
      assertDamaged(
        JSON.stringify({ ...sampleDocument(), ...put(value) }),
        says,
      );
    }
  });
}

function assertDamaged(text: string, what: string): void {
  const error = assertThrows(() => parseDocument(text, PATH), StateError);
  assertStringIncludes(
    error.message,
    `the state file ${PATH} is damaged: ${what}: restore it from a backup`,
  );
}
