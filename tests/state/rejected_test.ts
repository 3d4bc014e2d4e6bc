import { Buffer } from "node:buffer";
import { join } from "node:path";
import { AUDIT, type Destination } from "../../lib/event.ts";
import { StateError } from "../../lib/state/document.ts";
import { RejectedEvents } from "../../lib/state/rejected.ts";
import { readRejected } from "../../lib/state/rejected_files.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { sampleEvent } from "../teleport/sample_event.ts";
import { runLimited } from "./child_process.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const NOW = "2026-03-01T12:00:00.000Z";
const EVENT = sampleEvent({
  type: "user.login",
  id: "3f1c",
  payload: { uid: "3f1c", text: 'é "quoted"\n', nested: [1, { a: null }] },
});

Deno.test("an event set aside is one line: when, why, for whom, and what", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    const recording: Destination = { kind: "recording", sessionId: "5a1d" };
    await rejected.setAside(EVENT, AUDIT, "400: no\nJSON");
    await rejected.setAside({ ...EVENT, id: "" }, recording, "too large");
    const event = {
      uid: "3f1c",
      text: 'é "quoted"\n',
      nested: [1, { a: null }],
    };
    assertEquals(await readLines(), [
      {
        ...{ time: NOW, reason: "400: no\nJSON", destination: AUDIT },
        ...{ type: "user.login", id: "3f1c", event },
      },
      {
        ...{ time: NOW, reason: "too large", destination: recording },
        ...{ type: "user.login", id: "", event },
      },
    ]);
  });
});

Deno.test("an event that is no Struct is kept as it came, in base64", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    const payload = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
    await rejected.setAside(sampleEvent({ payload }), AUDIT, "malformed");
    const [line] = await readLines();
    assert(line !== undefined && !("event" in line));
    assertEquals(
      new Uint8Array(Buffer.from(String(line.payload), "base64")),
      payload,
    );
  });
});

Deno.test("an event that could not be read is noted with the time that it is in", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    const startMs = Date.parse("2026-03-01T11:00:00.123Z");
    await rejected.noteLeftOut({ startMs, endMs: startMs + 1 }, "too large");
    assertEquals(await readLines(), [{
      ...{ time: NOW, reason: "too large", destination: AUDIT, type: "" },
      id: "left-out-2026-03-01T11:00:00.123Z",
      between: ["2026-03-01T11:00:00.123Z", "2026-03-01T11:00:00.124Z"],
    }]);
  });
});

Deno.test("whatever is set aside is read back, and nothing that lies beside it", async () => {
  await withRejected(async ({ rejected, readLines, ...directories }) => {
    const { stateDirectory, directory } = directories;
    const recording: Destination = { kind: "recording", sessionId: "5a1d" };
    const payload = Uint8Array.of(255);
    await rejected.setAside(EVENT, AUDIT, "400");
    await rejected.setAside(EVENT, recording, "400");
    await rejected.setAside(sampleEvent({ payload }), AUDIT, "malformed");
    await rejected.noteLeftOut({ startMs: 0, endMs: 1 }, "too large");
    await Deno.writeTextFile(join(directory, "2026-03-01.jsonl~"), "a copy\n");
    const read: unknown[] = await Array.fromAsync(readRejected(stateDirectory));
    assertEquals(read, await readLines());
    assertEquals(read.length, 4);
  });
});

Deno.test("an event of 2 MiB is kept whole", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    const text = "x".repeat(2 ** 21);
    await rejected.setAside(sampleEvent({ payload: { text } }), AUDIT, "413");
    assertEquals((await readLines())[0]?.event, { text });
  });
});

Deno.test("each day has its file, and only the owner may read it", async () => {
  await withRejected(async ({ rejected, clock, directory }) => {
    await rejected.setAside(EVENT, AUDIT, "400");
    await clock.advance(DAY_MS);
    await rejected.setAside(EVENT, AUDIT, "400");
    assertEquals(await namesIn(directory), [
      "2026-03-01.jsonl",
      "2026-03-02.jsonl",
    ]);
    assertEquals(await modeOf(directory), 0o700);
    for (const name of await namesIn(directory)) {
      assertEquals(await modeOf(join(directory, name)), 0o600);
    }
  });
});

Deno.test("events set aside at the same time keep whole lines, in order", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    const ids = Array.from({ length: 50 }, (_, i) => `event-${i}`);
    await Promise.all(ids.map((id, i) =>
      rejected.setAside(
        sampleEvent({ id, payload: { text: "x".repeat(i * 500) } }),
        AUDIT,
        "400",
      )
    ));
    assertEquals((await readLines()).map(({ id }) => id), ids);
  });
});

Deno.test("what is set aside goes behind what an earlier run left", async () => {
  await withRejected(async ({ rejected, stateDirectory, clock, readLines }) => {
    await rejected.setAside(EVENT, AUDIT, "first run");
    await new RejectedEvents(stateDirectory, { clock })
      .setAside(EVENT, AUDIT, "second run");
    assertEquals((await readLines()).map(({ reason }) => reason), [
      "first run",
      "second run",
    ]);
  });
});

Deno.test("a line that a crash cut off is removed, and not mixed with the next", async () => {
  for (const rest of ["{", `{"text":"${"x".repeat(20_000)}`]) {
    await withRejected(async ({ rejected, directory, readLines }) => {
      await rejected.setAside(EVENT, AUDIT, "first");
      const path = join(directory, "2026-03-01.jsonl");
      await Deno.writeTextFile(path, rest, { append: true });
      await rejected.setAside(EVENT, AUDIT, "second");
      assertEquals((await readLines()).map(({ reason }) => reason), [
        "first",
        "second",
      ]);
    });
  }
});

Deno.test("a file that holds nothing but a cut-off line begins anew", async () => {
  await withRejected(async ({ rejected, directory, readLines }) => {
    await Deno.mkdir(directory);
    const path = join(directory, "2026-03-01.jsonl");
    await Deno.writeTextFile(path, "x".repeat(10_000));
    await rejected.setAside(EVENT, AUDIT, "400");
    assertEquals((await readLines()).length, 1);
  });
});

Deno.test("past the limit nothing is set aside, in words, and what is there stays", async () => {
  await withRejected(async ({ rejected, stateDirectory, clock, directory }) => {
    await rejected.setAside(EVENT, AUDIT, "400");
    const path = join(directory, "2026-03-01.jsonl");
    const { size } = await Deno.stat(path);
    const limited = new RejectedEvents(stateDirectory, {
      clock,
      maxBytes: 2 * size,
    });
    await limited.setAside(EVENT, AUDIT, "400");
    await clock.advance(DAY_MS);
    const error = await assertRejects(
      () => limited.setAside(EVENT, AUDIT, "400"),
      StateError,
      "cannot set a refused event aside in ",
    );
    assertStringIncludes(error.message, "there is no room left: ");
    assertStringIncludes(error.message, "send them again or drop them");
    assertEquals(await namesIn(directory), ["2026-03-01.jsonl"]);
    assertEquals((await Deno.stat(path)).size, 2 * size);
  });
});

Deno.test("unless told otherwise, the limit is 1 GiB", async () => {
  await withRejected(async ({ rejected, stateDirectory, clock, directory }) => {
    await rejected.setAside(EVENT, AUDIT, "400");
    const { size } = await Deno.stat(join(directory, "2026-03-01.jsonl"));
    const full = join(directory, "2026-02-28.jsonl");
    await Deno.writeTextFile(full, "");
    // A hole, which takes no room on the disk.
    await Deno.truncate(full, 1024 ** 3 - 2 * size);
    const limited = new RejectedEvents(stateDirectory, { clock });
    await limited.setAside(EVENT, AUDIT, "400");
    await assertRejects(
      () => limited.setAside(EVENT, AUDIT, "400"),
      StateError,
      "there is no room left: 1073741824 bytes",
    );
  });
});

Deno.test("what a crash left of a list that was written anew is removed, and takes no room", async () => {
  await withRejected(async ({ stateDirectory, clock, directory }) => {
    await Deno.mkdir(directory);
    const left = join(directory, "2026-02-27.jsonl.tmp");
    await Deno.writeTextFile(left, "x".repeat(10_000));
    const limited = new RejectedEvents(stateDirectory, {
      clock,
      maxBytes: 5_000,
    });
    await limited.setAside(EVENT, AUDIT, "400");
    assertEquals(await namesIn(directory), ["2026-03-01.jsonl"]);
  });
});

Deno.test("a failure is told to whom it concerns, and the next event is set aside", async () => {
  await withRejected(
    async ({ rejected, stateDirectory, directory, readLines }) => {
      await Deno.writeTextFile(directory, "in the way");
      const failing = rejected.setAside(EVENT, AUDIT, "first");
      await assertRejects(() => failing, StateError, stateDirectory);
      await Deno.remove(directory);
      await rejected.setAside(EVENT, AUDIT, "second");
      assertEquals((await readLines()).map(({ reason }) => reason), ["second"]);
    },
  );
});

Deno.test("a disk without room leaves whole lines, and says so", async () => {
  await withRejected(async ({ stateDirectory, directory }) => {
    const said = await runLimited(["set-aside", stateDirectory]);
    assertEquals(said.length, 3);
    assertEquals(said[0], "set aside");
    assertStringIncludes(
      said[1] ?? "",
      "StateError: cannot set a refused event aside in ",
    );
    assertEquals(said[2], "set aside");
    const [name = ""] = await namesIn(directory);
    const text = await Deno.readTextFile(join(directory, name));
    assertEquals(parseLines(text).map(({ id }) => id), ["first", "last"]);
  });
});

Deno.test("an event counts as set aside only once its file and its directory are synced", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    using syncs = holdSyncs();
    let done = false;
    const setAside = rejected.setAside(EVENT, AUDIT, "400").then(() => {
      done = true;
    });
    for (let sync = 0; sync < 2; sync++) {
      await waitUntil("a sync", () => syncs.held.length > 0);
      assertEquals((await readLines()).length, 1);
      for (let i = 0; i < 10; i++) await turn();
      assertEquals(done, false);
      syncs.held.shift()?.();
    }
    await setAside;
    assertEquals(syncs.count, 2);
  });
});

Deno.test("of an event whose file cannot be synced nothing is left", async () => {
  await withRejected(async ({ rejected, readLines }) => {
    await rejected.setAside(EVENT, AUDIT, "first");
    const { sync } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.sync = () => Promise.reject(new Error("no space"));
    try {
      await assertRejects(
        () => rejected.setAside(EVENT, AUDIT, "second"),
        StateError,
      );
    } finally {
      Deno.FsFile.prototype.sync = sync;
    }
    assertEquals((await readLines()).map(({ reason }) => reason), ["first"]);
  });
});

/** Syncs of any file wait until a test lets them go on. */
function holdSyncs(): { held: (() => void)[]; count: number } & Disposable {
  const { sync } = Deno.FsFile.prototype;
  const syncs = {
    held: new Array<() => void>(),
    count: 0,
    [Symbol.dispose]() {
      Deno.FsFile.prototype.sync = sync;
    },
  };
  Deno.FsFile.prototype.sync = async function () {
    syncs.count++;
    await new Promise<void>((resolve) => syncs.held.push(resolve));
    await sync.call(this);
  };
  return syncs;
}

interface Rejected {
  readonly stateDirectory: string;
  readonly directory: string;
  readonly clock: FakeClock;
  readonly rejected: RejectedEvents;
  readonly readLines: () => Promise<Record<string, unknown>[]>;
}

async function withRejected(
  use: (rejected: Rejected) => Promise<void>,
): Promise<void> {
  await withDirectory(async (stateDirectory) => {
    const directory = join(stateDirectory, "rejected");
    const clock = new FakeClock(Date.parse(NOW));
    await use({
      stateDirectory,
      directory,
      clock,
      rejected: new RejectedEvents(stateDirectory, { clock }),
      readLines: async () =>
        parseLines(
          await Deno.readTextFile(join(directory, "2026-03-01.jsonl")),
        ),
    });
  });
}

function parseLines(text: string): Record<string, unknown>[] {
  assert(text.endsWith("\n"));
  return text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
}
