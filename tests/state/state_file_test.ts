import { join } from "node:path";
import { readStateOrKeepAside } from "../../lib/state/damaged_state.ts";
import { type StateDocument, StateError } from "../../lib/state/document.ts";
import {
  createStateDirectory,
  readState,
  StateFile,
} from "../../lib/state/state_file.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { cursorOf } from "../fakes/audit_events.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";
import { FakeClock, turnsUntil } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { runLimited, startChild } from "./child_process.ts";
import { sampleDocument } from "./sample_document.ts";

const SAVE_INTERVAL_MS = 100;

Deno.test("a first run finds no state", async () => {
  await withDirectory(async (directory) => {
    assertEquals(await readState(directory), undefined);
  });
});

Deno.test("what is saved is read back whole", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    await file.save();
    assertEquals(await readState(directory), sampleDocument());
  });
});

Deno.test("progress is saved with the recordings announced on the way", async () => {
  await withDirectory(async (directory) => {
    const { file, clock } = open(directory);
    const { position, recordings } = sampleDocument();
    const { "5a1d": _finished, ...others } = recordings;
    const further = { ...position, cursor: "further" };
    file.progress.advance(further, ["new"]);
    file.progress.finishRecording("5a1d");
    await file.save();
    assertEquals(await readState(directory), {
      ...sampleDocument(),
      position: further,
      recordings: {
        ...others,
        new: {
          index: 0,
          count: 0,
          attempts: 0,
          sinceMs: clock.now(),
          notBeforeMs: 0,
          lastError: "",
        },
      },
    });
  });
});

Deno.test("only the owner may read the state", async () => {
  await withDirectory(async (root) => {
    const directory = join(root, "storage", "localhost_3025");
    await createStateDirectory(directory);
    const { file } = open(directory);
    file.change();
    await file.save();
    assertEquals(await modeOf(join(root, "storage")), 0o700);
    assertEquals(await modeOf(directory), 0o700);
    assertEquals(await modeOf(join(directory, "state.json")), 0o600);
  });
});

Deno.test("a state directory that is there already is taken as it is", async () => {
  await withDirectory(async (directory) => {
    await createStateDirectory(directory);
    await createStateDirectory(directory);
  });
});

Deno.test("a state directory that cannot be made is told by name", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "file");
    await Deno.writeTextFile(path, "");
    for (const blocked of [path, join(path, "below")]) {
      await assertRejects(
        () => createStateDirectory(blocked),
        StateError,
        `cannot create the state directory ${blocked}: `,
      );
    }
  });
});

Deno.test("a damaged state is told by name, and left as it is", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    for (const text of ["", '{"version":1,', '{"version":2}']) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => readState(directory), StateError, path);
      assertEquals(await Deno.readTextFile(path), text);
      assertEquals(await namesIn(directory), ["state.json"]);
    }
  });
});

Deno.test("who holds the directory keeps a copy of a damaged state beside it, one of each content", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    const damaged = [new Uint8Array([0xff, 0x7b]), new Uint8Array()];
    const copies: string[] = [];
    for (const bytes of [...damaged, ...damaged]) {
      await Deno.writeFile(path, bytes);
      const { message } = await assertRejects(
        () => readStateOrKeepAside(directory),
        StateError,
        `${path} is damaged: `,
      );
      const [, copy = ""] = /a copy of it is kept in (.*)$/.exec(message) ?? [];
      assertEquals(await Deno.readFile(copy), bytes);
      assertEquals(await Deno.readFile(path), bytes);
      assertEquals(await modeOf(copy), 0o600);
      copies.push(copy);
    }
    assertEquals(copies.slice(2), copies.slice(0, 2));
    assertEquals((await namesIn(directory)).length, 3);
  });
});

Deno.test("a copy of a damaged state that was cut off is made whole", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await Deno.writeTextFile(path, '{"version":1,');
    const { message } = await assertRejects(
      () => readStateOrKeepAside(directory),
      StateError,
    );
    const [, copy = ""] = /a copy of it is kept in (.*)$/.exec(message) ?? [];
    await Deno.truncate(copy, 3);
    await assertRejects(
      () => readStateOrKeepAside(directory),
      StateError,
      `a copy of it is kept in ${copy}`,
    );
    assertEquals(await Deno.readTextFile(copy), '{"version":1,');
  });
});

Deno.test("a state of another release, or none, is no reason for a copy", async () => {
  await withDirectory(async (directory) => {
    assertEquals(await readStateOrKeepAside(directory), undefined);
    await Deno.writeTextFile(join(directory, "state.json"), '{"version":2}');
    const { message } = await assertRejects(
      () => readStateOrKeepAside(directory),
      StateError,
      "has version 2",
    );
    assert(!message.includes("copy"));
    assertEquals(await namesIn(directory), ["state.json"]);
  });
});

Deno.test("a state whose link leads nowhere is told, and not begun anew", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await Deno.symlink(join(directory, "elsewhere.json"), path);
    await assertRejects(
      () => readState(directory),
      StateError,
      `cannot read the state file ${path}: No such file`,
    );
  });
});

Deno.test("a state that cannot be read is told by name", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    await Deno.mkdir(path);
    await assertRejects(
      () => readState(directory),
      StateError,
      `cannot read the state file ${path}: `,
    );
  });
});

Deno.test("a save that a crash cut off leaves the state before it", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    await file.save();
    const temporary = join(directory, "state.json.tmp");
    await Deno.writeTextFile(temporary, '{"version":1,"clus', { mode: 0o644 });
    assertEquals(await readState(directory), sampleDocument());
    // The next save goes over what is left, however long it was.
    await Deno.writeTextFile(temporary, "x".repeat(100_000));
    file.progress.advance(moved(1), []);
    await file.save();
    assertEquals((await readState(directory))?.position, moved(1));
    assertEquals(await modeOf(join(directory, "state.json")), 0o600);
    assertEquals(await namesIn(directory), ["state.json"]);
  });
});

Deno.test("a volume on which no mode can be changed takes the state all the same", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    const { chmod } = Deno;
    const denied = new Deno.errors.PermissionDenied("Operation not permitted");
    Object.assign(Deno, { chmod: () => Promise.reject(denied) });
    try {
      await file.save();
    } finally {
      Object.assign(Deno, { chmod });
    }
    assertEquals(await readState(directory), sampleDocument());
  });
});

Deno.test("a process that is killed while it saves leaves a whole state", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    await file.save();
    let cursor = "";
    for (let kills = 0; kills < 5; kills++) {
      await using child = startChild(["save", directory]);
      // So that it is killed in another place each time.
      for (let saves = 0; saves < 3 + kills; saves++) {
        assertEquals(await child.nextLine(), "saved");
      }
      await child.kill();
      const state = await readState(directory);
      assert(cursorOf(state?.position) !== cursor);
      cursor = cursorOf(state?.position);
    }
  });
});

Deno.test("nothing is saved while nothing changes", async () => {
  await withDirectory(async (directory) => {
    const { file, saves } = open(directory);
    await file.save();
    assertEquals(await namesIn(directory), []);
    file.change();
    await file.save();
    await file.save();
    file.progress.advance(file.progress.position, []);
    file.progress.finishRecording("unknown");
    await file.save();
    assertEquals(saves.length, 1);
  });
});

Deno.test("changes are saved soon, together, and at most every 100 ms", async () => {
  await withDirectory(async (directory) => {
    const { file, clock, saves } = open(directory);
    const stop = new AbortController();
    const saving = file.keepSaved(stop.signal);
    for (let change = 1; change <= 10; change++) {
      file.progress.advance(moved(change), []);
    }
    // The first save begins at once, and is followed by a pause.
    await clock.untilSleeping();
    assertEquals(saves.length, 1);
    assertEquals((await readState(directory))?.position, moved(10));
    for (let change = 11; change <= 20; change++) {
      file.progress.advance(moved(change), []);
      await clock.advance(SAVE_INTERVAL_MS / 10 - 1);
    }
    assertEquals(saves.length, 1);
    await clock.advance(SAVE_INTERVAL_MS / 10);
    await waitUntil("the second save", () => saves.length === 2);
    assertEquals((await readState(directory))?.position, moved(20));
    // After that, only another change is saved.
    await clock.advance(100 * SAVE_INTERVAL_MS);
    assertEquals(saves.length, 2);
    file.progress.advance(moved(21), []);
    await waitUntil("the third save", () => saves.length === 3);
    stop.abort();
    await saving;
    assertEquals((await readState(directory))?.position, moved(21));
  });
});

Deno.test("a save that takes long is followed by a pause four times as long, of five seconds at most", async () => {
  for (
    const [tookMs, pauseMs] of [
      [25, 100],
      [50, 200],
      [1_250, 5_000],
      [60_000, 5_000],
    ] as const
  ) {
    await withDirectory(async (directory) => {
      const clock = new LateClock(tookMs);
      const { file } = open(directory, sampleDocument(), clock);
      const stop = new AbortController();
      const saving = file.keepSaved(stop.signal);
      file.change();
      await clock.untilSleeping();
      assertEquals(clock.sleeps, [pauseMs]);
      stop.abort();
      await saving;
    });
  }
});

Deno.test("what changes while the state is saved is for the next save", async () => {
  await withDirectory(async (directory) => {
    const { file, clock } = open(directory);
    file.progress.advance(moved(1), []);
    const saving = file.save();
    file.progress.advance(moved(2), []);
    const saved = file.saved(never());
    await saving;
    assertEquals((await readState(directory))?.position, moved(1));
    let known = false;
    saved.then(() => known = true);
    await clock.advance(10 * SAVE_INTERVAL_MS);
    assert(!known);
    await file.save();
    assertEquals((await readState(directory))?.position, moved(2));
    // What changes after that is not waited for.
    file.progress.advance(moved(3), []);
    await clock.advance(10 * SAVE_INTERVAL_MS);
    await turnsUntil("it to be known", () => known);
  });
});

Deno.test("what has changed is known to be saved once it is on disk, and not before", async () => {
  await withDirectory(async (directory) => {
    const { file, clock } = open(directory);
    const stop = new AbortController();
    // There is nothing to save.
    await file.saved(stop.signal);
    file.progress.advance(moved(1), []);
    const saved = file.saved(stop.signal).then(() => readState(directory));
    await clock.untilSleeping();
    await file.save();
    assertEquals((await clock.runUntil(saved))?.position, moved(1));
    file.progress.advance(moved(2), []);
    const stopped = file.saved(stop.signal);
    await clock.untilSleeping();
    const reason = new Error("stopped");
    stop.abort(reason);
    assertEquals(await assertRejects(() => stopped), reason);
  });
});

Deno.test("saving ends at once when it is stopped, whatever it waits for", async () => {
  await withDirectory(async (directory) => {
    const { file, clock, saves } = open(directory);
    await file.keepSaved(AbortSignal.abort());
    const idle = new AbortController();
    const waiting = file.keepSaved(idle.signal);
    idle.abort(new Error("stopped"));
    await waiting;
    assertEquals(saves.length, 0);
    const pause = new AbortController();
    const pausing = file.keepSaved(pause.signal);
    file.change();
    await clock.untilSleeping();
    pause.abort(new Error("stopped"));
    await pausing;
    // What comes last is for save.
    file.progress.advance(moved(1), []);
    assertEquals(saves.length, 1);
    await file.save();
    assertEquals((await readState(directory))?.position, moved(1));
  });
});

Deno.test("a save that fails ends the saving in words, and is made up for later", async () => {
  await withDirectory(async (directory) => {
    const { file, saves } = open(directory);
    const path = join(directory, "state.json");
    file.change();
    await Deno.mkdir(path);
    await assertRejects(
      () => file.keepSaved(never()),
      StateError,
      `cannot save the state file ${path}: `,
    );
    await assertRejects(() => file.save(), StateError, "nothing is lost");
    assertEquals(saves.length, 0);
    await Deno.remove(path);
    await file.save();
    assertEquals(await readState(directory), sampleDocument());
  });
});

Deno.test("where a save fails and no earlier one is there, it is not told that nothing is lost", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    await file.save();
    await Deno.remove(directory, { recursive: true });
    file.change();
    const { message } = await assertRejects(() => file.save(), StateError);
    assertMatch(message, /: no earlier one is there, .*set start-time/);
    assert(!message.includes("nothing is lost"), message);
    await Deno.mkdir(directory);
    await file.save();
    assertEquals(await readState(directory), sampleDocument());
  });
});

Deno.test("a disk without room leaves the state before, and says so", async () => {
  await withDirectory(async (directory) => {
    const { file } = open(directory);
    file.change();
    await file.save();
    const [message = ""] = await runLimited(["save-large", directory]);
    assertStringIncludes(message, "StateError: cannot save the state file ");
    assertStringIncludes(message, "File too large");
    assertEquals(await readState(directory), sampleDocument());
  });
});

/** At each look, so much has passed. */
class LateClock extends FakeClock {
  readonly #ms: number;
  #looks = 0;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  override monotonic(): number {
    return this.#looks++ * this.#ms;
  }
}

function open(
  directory: string,
  document: StateDocument = sampleDocument(),
  clock = new FakeClock(),
) {
  const saves: number[] = [];
  const file = new StateFile(directory, document, {
    clock,
    observer: { saved: (seconds) => saves.push(seconds) },
  });
  return { file, clock, saves };
}

function moved(change: number): StateDocument["position"] {
  return { ...sampleDocument().position, cursor: `cursor ${change}` };
}
