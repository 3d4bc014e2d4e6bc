import { join } from "node:path";
import {
  formatDocument,
  parseDocument,
  StateError,
} from "../../lib/state/document.ts";
import { readGoState } from "../../lib/state/go_state.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";
import { goIndex } from "../fakes/go_state.ts";
import { sampleDocument } from "./sample_document.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const FRESH = { attempts: 0, sinceMs: NOW_MS, notBeforeMs: 0, lastError: "" };
const FIRST_PAGE = {
  kind: "page" as const,
  cursor: "",
  seen: [],
  newest: null,
};

const CURSOR = "eyJkYXRlIjoiMjAyNi0wMi0wMyJ9";
const ID = "0b8f7a31-0000-4000-a000-000000000000";

/** What the Go handler leaves while it searches pages. */
const FILES: Files = {
  "start_time": "2026-01-01T00:00:00Z",
  "window_time": "2026-02-03T00:00:00Z",
  "cursor": CURSOR,
  "id": ID,
};

Deno.test("a directory that the Go handler never saw has nothing to take over", async () => {
  for (
    const files of [{}, {
      lock: "{}",
      "state.json.tmp": "",
      "rejected/2026-01-01.jsonl": "{}",
      "cursor_v2/readme": "",
    }]
  ) assertEquals(await read(files), undefined);
});

Deno.test("the page and the last event of it are taken over", async () => {
  assertEquals(await read(FILES), {
    startTime: "2026-01-01T00:00:00Z",
    position: {
      ...FIRST_PAGE,
      start: "2026-02-03T00:00:00Z",
      cursor: "eyJkYXRlIjoiMjAyNi0wMi0wMyJ9",
      after: "0b8f7a31-0000-4000-a000-000000000000",
    },
    recordings: {},
  });
});

Deno.test("an older release without a window goes on from its start time", async () => {
  const { window_time: _, ...files } = FILES;
  assertEquals((await read(files))?.position, {
    ...FIRST_PAGE,
    start: "2026-01-01T00:00:00Z",
    cursor: CURSOR,
    after: ID,
  });
});

Deno.test("where a crash has left the start time empty, the window's is it", async () => {
  const { start_time: _, ...files } = FILES;
  for (const left of [files, { ...files, "start_time": "" }]) {
    assertEquals((await read(left))?.startTime, "2026-02-03T00:00:00Z");
  }
});

Deno.test("a handler that sent nothing yet begins at its start time", async () => {
  for (
    const files of [
      {},
      { "window_time": "", cursor: "", id: "" },
      { "window_time": "0001-01-01T00:00:00Z" },
    ] as Files[]
  ) {
    assertEquals(
      (await read({ "start_time": FILES["start_time"] ?? "", ...files }))
        ?.position,
      { ...FIRST_PAGE, start: "2026-01-01T00:00:00Z" },
    );
  }
});

Deno.test("times in other zones and with line ends are the same moments", async () => {
  const taken = await read({
    ...FILES,
    "start_time": "2026-01-01T02:00:00+02:00\n",
    "window_time": "2026-02-02T19:00:00.75-05:00",
  });
  assertEquals(taken?.startTime, "2026-01-01T00:00:00Z");
  assertEquals(taken?.position, {
    ...FIRST_PAGE,
    start: "2026-02-03T00:00:00Z",
    cursor: CURSOR,
    after: ID,
  });
});

Deno.test("a start time before 1970 is a time like any other", async () => {
  for (const start of ["1969-12-31T23:59:59Z", "1960-01-01T00:00:00Z"]) {
    assertEquals(
      (await read({ ...FILES, "start_time": start }))?.startTime,
      start,
    );
    assertEquals((await read({ "start_time": start }))?.position, {
      ...FIRST_PAGE,
      start,
    });
  }
});

Deno.test("a session goes on after its stored index, or from its beginning", async () => {
  const taken = await read({
    ...FILES,
    "session5a1d": goIndex(258),
    "session9c2e": goIndex(0),
    "sessionfe01": "",
    "sessionff02": goIndex(2 ** 31 - 1),
  });
  assertEquals(taken?.recordings, {
    "5a1d": { ...FRESH, index: 258, count: 1 },
    "9c2e": { ...FRESH, index: 0, count: 0 },
    "fe01": { ...FRESH, index: 0, count: 0 },
    "ff02": { ...FRESH, index: 2 ** 31 - 1, count: 1 },
  });
});

Deno.test("a missing recording becomes a pending one, with what is known of it", async () => {
  const timestamp = "2026-02-28T08:30:00.5Z";
  const lastError = "the Go handler did not find the recording";
  const taken = await read({
    ...FILES,
    "missing_recording5a1d": JSON.stringify({
      Index: 7,
      Attempt: 2,
      Timestamp: timestamp,
    }),
    "missing_recording9c2e":
      '{"Index":0,"Attempt":1,"Timestamp":"0001-01-01T00:00:00Z"}',
  });
  assertEquals(taken?.recordings, {
    "5a1d": {
      index: 7,
      count: 1,
      attempts: 2,
      sinceMs: Date.parse(timestamp),
      notBeforeMs: 0,
      lastError,
    },
    "9c2e": { ...FRESH, index: 0, count: 0, attempts: 1, lastError },
  });
});

Deno.test("a missing recording whose file a crash has left empty is sent from its beginning", async () => {
  const taken = await read({
    ...FILES,
    "missing_recording5a1d": "",
    "missing_recording9c2e": "",
    "session9c2e": goIndex(9),
  });
  assertEquals(taken?.recordings, {
    "5a1d": { ...FRESH, index: 0, count: 0 },
    "9c2e": { ...FRESH, index: 9, count: 1 },
  });
});

Deno.test("a recording that a crash left twice goes on where its session is", async () => {
  const taken = await read({
    ...FILES,
    "missing_recording5a1d":
      '{"Index":7,"Attempt":2,"Timestamp":"2026-02-28T08:30:00Z"}',
    "session5a1d": goIndex(9),
  });
  assertEquals(taken?.recordings["5a1d"]?.index, 9);
});

Deno.test("a bulk export goes on chunk by chunk, on the days that were not done", async () => {
  const taken = await read({
    ...FILES,
    "cursor_v2/2026-02-27/completed-chunks": "a\nb\n",
    "cursor_v2/2026-02-28/completed-chunks": "d\n\n e.chunk \n",
    "cursor_v2/2026-02-28/c.chunk": "7\n",
    "cursor_v2/2026-02-28/d.chunk": "8",
    "cursor_v2/2026-02-28/empty.chunk": " \n",
    "cursor_v2/2026-02-28/__proto__.chunk": "9",
    "cursor_v2/2026-02-28/.chunk": "10",
    "cursor_v2/2026-02-28/note": "11",
    "cursor_v2/2026-03-01/completed-chunks": "",
    "cursor_v2/notes/x": "",
  });
  assertEquals(taken?.position, {
    kind: "export",
    days: {
      "2026-02-27": { done: ["a", "b"], cursors: {} },
      "2026-02-28": {
        done: ["d", "e.chunk"],
        cursors: Object.fromEntries([["__proto__", "9"], ["c", "7"]]),
      },
      "2026-03-01": { done: [], cursors: {} },
    },
    newest: null,
  });
});

Deno.test("a day without any file is taken over, for it tells where days follow", async () => {
  const taken = await read({
    "start_time": "2026-02-27T15:30:00Z",
    "cursor_v2/2026-02-27/nothing": "",
  });
  assertEquals(taken, {
    startTime: "2026-02-27T15:30:00Z",
    position: {
      kind: "export",
      days: { "2026-02-27": { done: [], cursors: {} } },
      newest: null,
    },
    recordings: {},
  });
});

const DAMAGED: [file: string, content: string | Uint8Array, what: string][] = [
  ["start_time", "yesterday", '"yesterday" is no RFC 3339 time'],
  ["start_time", "2026-01-01T00:00:00", "is no RFC 3339 time"],
  ["window_time", "2026-02-30T00:00:00Z", "is no RFC 3339 time"],
  ["window_time", "0000-12-31T23:59:59Z", "is no RFC 3339 time"],
  // Nothing before it would ever be sent, and in UTC it has five digits.
  ["start_time", "9999-12-31T23:59:59-05:00", "is in the future"],
  ["window_time", "9999-12-31T23:59:59-05:00", "is in the future"],
  ["window_time", "2026-03-01T12:00:01Z", "is in the future"],
  ["window_time", new Uint8Array(1), '"\\u0000" is no RFC 3339 time'],
  ["cursor", Uint8Array.of(0xff, 0xfe), "it is no text"],
  ["id", Uint8Array.of(0xc3), "it is no text"],
  ["session5a1d", Uint8Array.of(0, 0, 0, 7), "it has 4 bytes and not 8"],
  ["session5a1d", new Uint8Array(9), "it has 9 bytes and not 8"],
  ["session5a1d", goIndex(-1), "-1 is no event's index"],
  ["session5a1d", goIndex(2 ** 31), "2147483648 is no event's index"],
  ["missing_recording5a1d", "{", "it is not JSON"],
  ["missing_recording5a1d", "null", '"Index" is no index'],
  ["missing_recording5a1d", '{"Index":1}', '"Attempt" is no number'],
  [
    "missing_recording5a1d",
    '{"Index":1,"Attempt":1,"Timestamp":"soon"}',
    '"Timestamp" is no time',
  ],
  ["cursor_v2/2026-02-31/completed-chunks", "", "there is no such day"],
  ["cursor_v2/2026-03-02/completed-chunks", "", "that day is in the future"],
  ["cursor_v2/9999-12-31/completed-chunks", "", "that day is in the future"],
  [
    "cursor_v2/2026-02-28/c.chunk",
    Uint8Array.of(0xff),
    "it is no text",
  ],
];
for (const [file, content, what] of DAMAGED) {
  Deno.test(`a damaged file is told by name: ${file}: ${what}`, async () => {
    await withFiles({ ...FILES, [file]: content }, async (directory) => {
      const { message } = await assertRejects(
        () => readGoState(directory, NOW_MS),
        StateError,
      );
      const path = join(directory, file.replace("/completed-chunks", ""));
      assert(message.startsWith(`${path}, which the Go handler has left`));
      assert(message.includes(`is damaged: `) && message.includes(what));
    });
  });
}

Deno.test("a directory without any time is never begun anew", async () => {
  for (
    const files of [
      { cursor: "c" },
      { id: "i" },
      { "session5a1d": goIndex(1) },
      { "start_time": "" },
      { "cursor_v2/2026-02-27/completed-chunks": "" },
    ] as Files[]
  ) {
    await withFiles(files, async (directory) => {
      await assertRejects(
        () => readGoState(directory, NOW_MS),
        StateError,
        join(directory, "start_time"),
      );
    });
  }
});

Deno.test("what cannot be read is told by name", async () => {
  for (const name of ["window_time", "id", "session5a1d"]) {
    const { [name]: _, ...files } = FILES;
    await withFiles(
      { ...files, [`${name}/in the way`]: "" },
      async (directory) => {
        await assertRejects(
          () => readGoState(directory, NOW_MS),
          StateError,
          `cannot read ${
            join(directory, name)
          }, which the Go handler has left: `,
        );
      },
    );
  }
});

Deno.test("a position that was taken over survives in the state until it is passed", () => {
  const { position, ...document } = sampleDocument();
  const taken = { ...document, position: { ...position, after: "0b8f" } };
  assertEquals(parseDocument(formatDocument(taken), "state.json"), taken);
});

type Files = Readonly<Record<string, string | Uint8Array>>;

async function read(files: Files) {
  let taken: Awaited<ReturnType<typeof readGoState>>;
  await withFiles(files, async (directory) => {
    taken = await readGoState(directory, NOW_MS);
  });
  return taken;
}

async function withFiles(
  files: Files,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    for (const [name, content] of Object.entries(files)) {
      const path = join(directory, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await (typeof content === "string"
        ? Deno.writeTextFile(path, content)
        : Deno.writeFile(path, content));
    }
    await use(directory);
  });
}
