import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { WatchedFiles } from "../lib/watched_files.ts";
import { assertEquals, assertRejects } from "./assert.ts";
import { withDirectory } from "./fakes/directory.ts";
import { FakeClock } from "./fakes/fake_clock.ts";
import { waitUntil } from "./fakes/wait_until.ts";
import { changeWatched } from "./fakes/watching_clock.ts";

const HOUR_MS = 3_600_000;

interface Watched {
  readonly clock: FakeClock;
  readonly directory: string;
  readonly told: string[];
  readonly value: () => string;
  readonly write: (name: string, text: string) => Promise<void>;
}

/** Watches a and b in a directory, which are good where they are the same. */
async function watching(
  use: (watched: Watched) => Promise<void>,
  { within = ".", prepare, beforeWatching }: {
    within?: string;
    prepare?: (directory: string) => Promise<void>;
    beforeWatching?: (directory: string) => Promise<void>;
  } = {},
): Promise<void> {
  await withDirectory(async (directory) => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const pathOf = (name: string) => join(directory, within, name);
    const write = (name: string, text: string) =>
      Deno.writeTextFile(pathOf(name), text);
    const read = (name: string) => Deno.readTextFile(pathOf(name));
    await Deno.mkdir(join(directory, within), { recursive: true });
    await write("a", "1");
    await write("b", "1");
    await prepare?.(directory);
    const told: string[] = [];
    const files = await WatchedFiles.open({
      paths: [pathOf("a"), pathOf("b")],
      async load() {
        const [a, b] = [await read("a"), await read("b")];
        if (a !== b) throw new Error(`${a} is not ${b}`);
        return a;
      },
      intervalMs: HOUR_MS,
      clock,
      observer: {
        renewed: (value) => told.push(`renewed ${value}`),
        kept: (error) => told.push(`kept: ${error}`),
        restored: () => told.push("restored"),
      },
    });
    await beforeWatching?.(directory);
    const kept = files.keepFresh(stop.signal);
    try {
      await use({ clock, directory, told, value: () => files.value, write });
    } finally {
      stop.abort();
      await kept;
    }
  });
}

Deno.test("files that are written are noticed at once", async () => {
  await watching(async ({ clock, told, value, write }) => {
    await changeWatched(clock, async () => {
      await write("a", "2");
      await write("b", "2");
    });
    assertEquals(told, ["renewed 2"]);
    assertEquals(value(), "2");
  });
});

Deno.test("files that are replaced are noticed at once", async () => {
  await watching(async ({ clock, told, directory }) => {
    await changeWatched(clock, async () => {
      for (const name of ["a", "b"]) {
        const path = join(directory, name);
        await Deno.writeTextFile(`${path}.new`, "2");
        await Deno.rename(`${path}.new`, path);
      }
    });
    assertEquals(told, ["renewed 2"]);
  });
});

Deno.test("what changed before anybody watched is taken at once", async () => {
  await watching(async ({ clock, told, value }) => {
    await clock.untilSleeping();
    assertEquals(told, ["renewed 2"]);
    assertEquals(value(), "2");
  }, {
    async beforeWatching(directory) {
      for (const name of ["a", "b"]) {
        await Deno.writeTextFile(join(directory, name), "2");
      }
    },
  });
});

Deno.test("links that lead elsewhere are noticed at once, as in a Kubernetes secret", async () => {
  const publish = async (directory: string, version: number) => {
    const data = join(directory, `..${version}`);
    await Deno.mkdir(data);
    await Deno.writeTextFile(join(data, "a"), `${version}`);
    await Deno.writeTextFile(join(data, "b"), `${version}`);
    const link = join(directory, `..link${version}`);
    await Deno.symlink(`..${version}`, link);
    await Deno.rename(link, join(directory, "..data"));
  };
  await watching(async ({ clock, told, directory }) => {
    await changeWatched(clock, () => publish(directory, 2));
    assertEquals(told, ["renewed 2"]);
  }, {
    async prepare(directory) {
      await publish(directory, 1);
      for (const name of ["a", "b"]) {
        await Deno.remove(join(directory, name));
        await Deno.symlink(join("..data", name), join(directory, name));
      }
    },
  });
});

Deno.test("files that links lead to are noticed where they are", async () => {
  await withDirectory(async (elsewhere) => {
    await watching(async ({ clock, told }) => {
      await changeWatched(clock, async () => {
        for (const name of ["a", "b"]) {
          await Deno.writeTextFile(join(elsewhere, name), "2");
        }
      });
      assertEquals(told, ["renewed 2"]);
    }, {
      async prepare(directory) {
        for (const name of ["a", "b"]) {
          await Deno.rename(join(directory, name), join(elsewhere, name));
          await Deno.symlink(join(elsewhere, name), join(directory, name));
        }
      },
    });
  });
});

Deno.test("a directory is noticed at once when its link leads elsewhere, and what is written there", async () => {
  const link = async (directory: string, version: string) => {
    await Deno.symlink(version, join(directory, "new"));
    await Deno.rename(join(directory, "new"), join(directory, "current"));
  };
  await watching(async ({ clock, told, directory, write }) => {
    await changeWatched(clock, () => link(directory, "v2"));
    assertEquals(told, ["renewed 2"]);
    await changeWatched(clock, async () => {
      await write("a", "3");
      await write("b", "3");
    });
    assertEquals(told, ["renewed 2", "renewed 3"]);
    await changeWatched(clock, () => link(directory, "v1"));
    assertEquals(told, ["renewed 2", "renewed 3", "renewed 1"]);
  }, {
    within: "current",
    async prepare(directory) {
      await Deno.rename(join(directory, "current"), join(directory, "v1"));
      await link(directory, "v1");
      await Deno.mkdir(join(directory, "v2"));
      for (const name of ["a", "b"]) {
        await Deno.writeTextFile(join(directory, "v2", name), "2");
      }
    },
  });
});

Deno.test("a directory that is made anew is noticed at once, and what is written there", async () => {
  await watching(async ({ clock, told, directory, write }) => {
    await changeWatched(clock, async () => {
      await Deno.remove(join(directory, "out"), { recursive: true });
      await Deno.mkdir(join(directory, "out"));
      await write("a", "2");
      await write("b", "2");
    });
    assertEquals(told, ["renewed 2"]);
    await changeWatched(clock, async () => {
      await write("a", "3");
      await write("b", "3");
    });
    assertEquals(told, ["renewed 2", "renewed 3"]);
  }, { within: "out" });
});

Deno.test("a directory that is gone for a while is noticed at once when it is back", async () => {
  await watching(async ({ clock, told, directory, value, write }) => {
    await changeWatched(
      clock,
      () => Deno.remove(join(directory, "out"), { recursive: true }),
    );
    assertEquals(value(), "1");
    await changeWatched(clock, async () => {
      await Deno.mkdir(join(directory, "out", "in"), { recursive: true });
      await write("a", "2");
      await write("b", "2");
    });
    assertEquals(told.at(-1), "renewed 2");
  }, { within: "out/in" });
});

Deno.test("links that lead in a circle are no trouble", async () => {
  await watching(async ({ clock, told, directory, value, write }) => {
    await changeWatched(clock, async () => {
      for (const name of ["a", "b"]) await Deno.remove(join(directory, name));
      await Deno.symlink("a", join(directory, "b"));
      await Deno.symlink("b", join(directory, "a"));
    });
    assertEquals(value(), "1");
    await changeWatched(clock, async () => {
      for (const name of ["a", "b"]) {
        await Deno.remove(join(directory, name));
        await write(name, "2");
      }
    });
    assertEquals(told.at(-1), "renewed 2");
  });
});

Deno.test("a change that nobody noticed is found at the interval", async () => {
  await watching(async ({ clock, told, value, write }) => {
    await clock.untilSleeping();
    // What is noticed waits for the clock, too, which stands still.
    await write("a", "2");
    await write("b", "2");
    await advanceUntil(clock, () => told.length > 0);
    assertEquals(told, ["renewed 2"]);
    assertEquals(value(), "2");
  });
});

Deno.test("files that are no good are told, and the last good ones stay", async () => {
  await watching(async ({ clock, told, value, write, directory }) => {
    await clock.untilSleeping();
    await write("a", "2");
    await advanceUntil(clock, () => told.length > 0);
    assertEquals(told[0], "kept: Error: 2 is not 1");
    assertEquals(value(), "1");
    await Deno.remove(join(directory, "b"));
    await advanceUntil(
      clock,
      () => told.some((line) => line.startsWith("kept: NotFound")),
    );
    assertEquals(value(), "1");
    await write("b", "2");
    await advanceUntil(clock, () => told.at(-1) === "renewed 2");
    assertEquals(value(), "2");
  });
});

Deno.test("files that were no good and are again what they were are told", async () => {
  await watching(async ({ clock, told, value, write }) => {
    await clock.untilSleeping();
    for (let restored = 1; restored <= 2; restored++) {
      await write("a", "2");
      await advanceUntil(clock, () => told.at(-1)?.startsWith("kept") === true);
      await write("a", "1");
      await advanceUntil(clock, () => told.at(-1) === "restored");
      await clock.advance(HOUR_MS);
      assertEquals(told.filter((it) => it === "restored").length, restored);
    }
    assertEquals(value(), "1");
  });
});

Deno.test("what could not be taken is tried again at the interval", async () => {
  const clock = new FakeClock();
  await withDirectory(async (directory) => {
    const path = join(directory, "a");
    await Deno.writeTextFile(path, "1");
    const told: string[] = [];
    const stop = new AbortController();
    let works = false;
    const files = await WatchedFiles.open({
      paths: [path],
      async load(stop) {
        const text = await Deno.readTextFile(path);
        if (stop !== undefined && !works) throw new Error("not now");
        return text;
      },
      intervalMs: HOUR_MS,
      clock,
      observer: {
        renewed: (value) => told.push(`renewed ${value}`),
        kept: (error) => told.push(`kept: ${error}`),
        restored: () => told.push("restored"),
      },
    });
    const kept = files.keepFresh(stop.signal);
    try {
      await clock.untilSleeping();
      await Deno.writeTextFile(path, "2");
      await advanceUntil(clock, () => told.length > 1);
      assertEquals(new Set(told), new Set(["kept: Error: not now"]));
      assertEquals(files.value, "1");
      works = true;
      await advanceUntil(clock, () => files.value === "2");
      assertEquals(told.at(-1), "renewed 2");
    } finally {
      stop.abort();
      await kept;
    }
  });
});

Deno.test("stop ends a load, and nobody is told of it", async () => {
  const clock = new FakeClock();
  await withDirectory(async (directory) => {
    const path = join(directory, "a");
    await Deno.writeTextFile(path, "1");
    const stop = new AbortController();
    let loading = false;
    const told: string[] = [];
    const files = await WatchedFiles.open({
      paths: [path],
      async load(stop) {
        if (stop === undefined) return "1";
        loading = true;
        await systemClock.sleep(HOUR_MS, stop);
        return "2";
      },
      intervalMs: HOUR_MS,
      clock,
      observer: {
        renewed: () => told.push("renewed"),
        kept: () => told.push("kept"),
        restored: () => told.push("restored"),
      },
    });
    const kept = files.keepFresh(stop.signal);
    await clock.untilSleeping();
    await Deno.writeTextFile(path, "2");
    await advanceUntil(clock, () => loading);
    stop.abort();
    await kept;
    assertEquals(told, []);
  });
});

Deno.test("what is written again as it was is no change", async () => {
  await watching(async ({ clock, told, write }) => {
    await clock.untilSleeping();
    await write("a", "1");
    for (let i = 0; i < 5; i++) await clock.advance(HOUR_MS);
    assertEquals(told, []);
    // Who still looks would see a file that is emptied and not written yet.
    await clock.untilSleeping();
    await write("a", "2");
    await write("b", "2");
    await advanceUntil(clock, () => told.length > 0);
    assertEquals(told, ["renewed 2"]);
  });
});

Deno.test("files that are no good at the beginning are an error", async () => {
  await assertRejects(
    () =>
      WatchedFiles.open({
        paths: ["/nowhere"],
        load: () => Promise.reject(new Error("no good")),
        intervalMs: 1,
        clock: systemClock,
        observer: { renewed: () => {}, kept: () => {}, restored: () => {} },
      }),
    Error,
    "no good",
  );
});

Deno.test("a directory that comes later is noticed at once", async () => {
  const clock = new FakeClock();
  await withDirectory(async (parent) => {
    const directory = join(parent, "out");
    const path = join(directory, "a");
    const told: string[] = [];
    const stop = new AbortController();
    const files = await WatchedFiles.open({
      paths: [path],
      load: () => Deno.readTextFile(path).catch(() => "none"),
      intervalMs: HOUR_MS,
      clock,
      observer: {
        renewed: (value) => told.push(value),
        kept: () => {},
        restored: () => {},
      },
    });
    const kept = files.keepFresh(stop.signal);
    try {
      await changeWatched(clock, async () => {
        await Deno.mkdir(directory);
        await Deno.writeTextFile(path, "there");
      });
      assertEquals(told, ["there"]);
    } finally {
      stop.abort();
      await kept;
    }
  });
});

/** An hour after the other; files are read in real time between them. */
async function advanceUntil(
  clock: FakeClock,
  condition: () => boolean,
): Promise<void> {
  await waitUntil("what the interval brings", async () => {
    if (!condition()) await clock.advance(HOUR_MS);
    return condition();
  });
}
