import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { goIndex } from "../fakes/go_state.ts";
import { searchPage } from "../fakes/page_search.ts";
import { runProgram } from "../fakes/program.ts";
import { COMPLETE_AND_ONCE, setStage, type Stage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
/** The Go handler's default. */
const PAGE_SIZE = 20;
/** The last event that it sent: the seventh of its third page. */
const LAST = 2 * PAGE_SIZE + 6;

const PAGES: [name: string, args: string[]][] = [
  ["with pages like its own", [`--batch=${PAGE_SIZE}`]],
  ["with smaller pages", ["--batch=3"]],
  ["with larger pages", ["--batch=100"]],
];
for (const [name, args] of PAGES) {
  Deno.test(`the Go handler's state goes on exactly after its last event, ${name}`, async () => {
    await using stage = await setStage({ size: 300, uploadEvery: 15 });
    const { expected, files } = await leaveGoState(stage);
    const { code, stderr } = await runProgram(stage.start(EXIT, ...args));
    assertEquals(code, 0, stderr);
    assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
    assertMatch(
      stderr,
      /took over the Go handler's state.*after=\S+ pending_recordings=2/,
    );
    for (const [name, content] of Object.entries(files)) {
      assertEquals(
        await Deno.readFile(join(stage.stateDirectory, name)),
        content,
      );
    }
    const again = await runProgram(stage.start(EXIT));
    assertEquals(again.code, 0, again.stderr);
    assert(!again.stderr.includes("took over"));
    assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
  });
}

Deno.test("a last event that does not show up has its page sent, and is told", async () => {
  await using stage = await setStage({ size: 100 });
  await leaveGoState(stage, { id: "gone" });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN .*does not show up.* id=gone/);
  assertEquals(
    stage.fluentd.received.compare(
      [...stage.teleport.log.ids()].slice(2 * PAGE_SIZE),
    ),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("a bulk export of the Go handler goes on by the day, and says so", async () => {
  await using stage = await setStage({ size: 100 });
  await leaveGoState(stage);
  const day = join(stage.stateDirectory, "cursor_v2", "2026-01-01");
  await Deno.mkdir(day, { recursive: true });
  await Deno.writeTextFile(join(day, "completed-chunks"), "a\nb\n");
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN .*sent again since=2026-01-01T00:00:00Z/);
  assertEquals(
    stage.fluentd.received.compare(stage.teleport.log.ids()),
    COMPLETE_AND_ONCE,
  );
});

Deno.test("a damaged state of the Go handler is never begun anew", async () => {
  await using stage = await setStage({ size: 100 });
  await leaveGoState(stage, { "window_time": "last week" });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /window_time, which the Go handler has left, is damaged/);
  assertEquals(stage.fluentd.received.events, 0);
});

Deno.test("another start time than the Go handler's is refused", async () => {
  await using stage = await setStage({ size: 1 });
  await leaveGoState(stage, { "start_time": "2025-12-31T00:00:00Z" });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 2, stderr);
  assertMatch(stderr, /begun with 2025-12-31T00:00:00Z/);
});

/**
 * Writes what a Go handler leaves that was stopped in the middle of a page, with
 * one recording half sent, and another one not found.
 */
async function leaveGoState(
  stage: Stage,
  changes: Readonly<Record<string, string>> = {},
) {
  const { log } = stage.teleport;
  const ids = [...log.ids()];
  const [half, missing] = sessionsBetween(stage, 0, LAST);
  const sent = 3;
  const texts = {
    "start_time": "2026-01-01T00:00:00Z",
    "window_time": "2026-01-01T00:00:00Z",
    cursor: thirdPage(stage),
    id: ids[LAST] ?? "",
    ...missing !== undefined && {
      [`missing_recording${missing}`]:
        '{"Index":0,"Attempt":1,"Timestamp":"2026-01-01T00:00:00Z"}',
    },
    ...changes,
  };
  const files: Record<string, Uint8Array> = {};
  for (const [name, text] of Object.entries(texts)) {
    files[name] = new TextEncoder().encode(text);
  }
  if (half !== undefined) files[`session${half}`] = goIndex(sent);
  await Deno.mkdir(stage.stateDirectory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeFile(join(stage.stateDirectory, name), content);
  }
  const expected = ids.slice(LAST + 1);
  if (half !== undefined) {
    const before = new Set(
      Array.from(log.recording(half)?.events() ?? [])
        .filter(({ index }) => index <= sent).map(({ id }) => id),
    );
    expected.push(
      ...stage.expectedRecording(half).filter((id) => !before.has(id)),
    );
  }
  if (missing !== undefined) expected.push(...stage.expectedRecording(missing));
  for (const sessionId of sessionsBetween(stage, LAST + 1, log.size)) {
    expected.push(...stage.expectedRecording(sessionId));
  }
  return { expected, files };
}

/** The cursor of the page with the events 40 to 59. */
function thirdPage({ teleport: { log } }: Stage): string {
  let startKey = "";
  for (let turned = 0; turned < 2; turned++) {
    ({ lastKey: startKey } = searchPage(log, {
      startUs: 0,
      endUs: Date.UTC(2027, 0, 1) * 1_000,
      types: [],
      limit: PAGE_SIZE,
      startKey,
      ascending: true,
    }));
  }
  return startKey;
}

/** The sessions whose upload is at a position of the log from `first` up to `end`. */
function sessionsBetween(
  { teleport: { log } }: Stage,
  first: number,
  end: number,
): string[] {
  return Array.from(log.events()).slice(first, end)
    .filter(({ type }) => type === "session.upload")
    .map(({ json }) => String(json["sid"]));
}
