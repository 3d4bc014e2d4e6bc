import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { runProgram } from "../fakes/program.ts";
import { leaveGoState, PAGE_SIZE } from "./go_leftovers.ts";
import { COMPLETE_AND_ONCE, setStage } from "./stage.ts";

const EXIT = "--exit-on-last-event";
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

for (const exportSupported of [false, true]) {
  const way = exportSupported ? "bulk export" : "pages";
  Deno.test(`a cursor of the Go handler that leads nowhere keeps nothing back, by ${way}`, async () => {
    await using stage = await setStage({ size: 300, uploadEvery: 15 }, {
      exportSupported,
    });
    const { expected } = await leaveGoState(stage);
    stage.teleport.faults.add({ kind: "stuck cursor", lastKey: "none" });
    const { code, stderr } = await runProgram(stage.start(EXIT));
    assertEquals(code, 0, stderr);
    assertMatch(
      stderr,
      /WARN .*cursor shows nothing.* from=2026-01-01T00:00:00Z/,
    );
    assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
  });
}

Deno.test("a bulk export of the Go handler goes on behind the last event of each chunk", async () => {
  await using stage = await setStage(
    { size: 400, spacingMs: 600_000, exportChunkEvents: 40 },
    { exportSupported: true },
  );
  const { log } = stage.teleport;
  await leaveGoState(stage);
  const day = "2026-01-02";
  const dayUs = Date.parse(day) * 1_000;
  const [sent = "", half = ""] = log.chunkNames(dayUs);
  const directory = join(stage.stateDirectory, "cursor_v2", day);
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(join(directory, "completed-chunks"), `${sent}\n`);
  await Deno.writeTextFile(join(directory, `${half}.chunk`), "25");
  const before = new Set([
    ...Array.from(log.chunk(sent), ({ id }) => id),
    ...Array.from(log.chunk(half), ({ id }) => id).slice(0, 25),
  ]);
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /took over the Go handler's state.* days=2026-01-02 /);
  // Days before that one were done.
  const expected = Array.from(log.events())
    .filter(({ id, timeUs }) => timeUs >= dayUs && !before.has(id))
    .map(({ id }) => id);
  assert(before.size > 25 && expected.length > 100);
  assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
});

Deno.test("where bulk export is gone, that of the Go handler goes on by the day, and says so", async () => {
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

Deno.test("the way out of a state that is damaged later names the Go handler's files, and leads on", async () => {
  await using stage = await setStage({ size: 300, uploadEvery: 15 });
  const { expected, files } = await leaveGoState(stage);
  assertEquals((await runProgram(stage.start(EXIT))).code, 0);
  const last = [...stage.teleport.log.ids()].at(-1);
  stage.teleport.log.grow(10);

  const state = join(stage.stateDirectory, "state.json");
  await Deno.truncate(state);
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 1, stderr);
  assertMatch(
    stderr,
    /move it away, with the Go handler's files where it left any, and say with start-time and start-id/,
  );

  const away = await Deno.makeTempDir({ dir: stage.directory });
  for (const name of ["state.json", ...Object.keys(files)]) {
    await Deno.rename(join(stage.stateDirectory, name), join(away, name));
  }
  const args = stage.start(EXIT, `--start-id=${last}`);
  const again = await runProgram(args);
  assertEquals(again.code, 0, again.stderr);
  expected.push(...[...stage.teleport.log.ids()].slice(-10));
  assertEquals(stage.fluentd.received.compare(expected), COMPLETE_AND_ONCE);
});

Deno.test("another start time than the Go handler's is refused", async () => {
  await using stage = await setStage({ size: 1 });
  await leaveGoState(stage, { "start_time": "2025-12-31T00:00:00Z" });
  const { code, stderr } = await runProgram(stage.start(EXIT));
  assertEquals(code, 2, stderr);
  assertMatch(stderr, /begun with 2025-12-31T00:00:00Z/);
});
