import { Counters } from "../../lib/operate/counters.ts";
import {
  formatProgress,
  ProgressLine,
} from "../../lib/operate/progress_line.ts";
import { assertEquals } from "../assert.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const CLEAR = "\r\x1b[K";

Deno.test("before the first event it says only that nothing has arrived", () => {
  assertEquals(
    formatProgress(
      {
        delivered: 0,
        newestMs: 0,
        inOrder: true,
        upToDate: false,
        upToDateMs: 0,
      },
      0,
      NOW_MS,
    ),
    "0 delivered · 0 events/s",
  );
});

Deno.test("it says how much, how fast, up to when and how far behind", () => {
  assertEquals(
    formatProgress(
      {
        delivered: 1_234_567,
        newestMs: NOW_MS - 26 * 60 * 60_000,
        inOrder: true,
        upToDate: false,
        upToDateMs: 0,
      },
      12_345.6,
      NOW_MS,
    ),
    "1,234,567 delivered · 12,346 events/s · last event 2026-02-28T10:00:00Z · 1 d 2 h behind",
  );
});

Deno.test("it says when there is nothing more to deliver", () => {
  assertEquals(
    formatProgress(
      {
        delivered: 5,
        newestMs: NOW_MS - 60_000,
        inOrder: true,
        upToDate: true,
        upToDateMs: 0,
      },
      0,
      NOW_MS,
    ),
    "5 delivered · 0 events/s · last event 2026-03-01T11:59:00Z · up to date",
  );
});

Deno.test("who was up to date a minute ago is a minute behind, however old the last event is", () => {
  assertEquals(
    formatProgress(
      {
        delivered: 5,
        newestMs: NOW_MS - 7 * 24 * 60 * 60_000,
        inOrder: true,
        upToDate: false,
        upToDateMs: NOW_MS - 60_000,
      },
      0,
      NOW_MS,
    ),
    "5 delivered · 0 events/s · last event 2026-02-22T12:00:00Z · 1 min behind",
  );
});

Deno.test("of events in no order of time it does not say how far behind", () => {
  assertEquals(
    formatProgress(
      {
        delivered: 5,
        newestMs: NOW_MS - 60_000,
        inOrder: false,
        upToDate: false,
        upToDateMs: 0,
      },
      0,
      NOW_MS,
    ),
    "5 delivered · 0 events/s · last event 2026-03-01T11:59:00Z",
  );
});

const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** A terminal that understands as much as the line needs. */
class Terminal {
  /** Whole lines, and the line that the cursor is in. */
  readonly lines: string[] = [""];
  raw = "";

  write = (text: string): void => {
    this.raw += text;
    const plain = text.replaceAll(NO_WRAP, "").replaceAll(WRAP, "");
    for (const part of plain.split(/(?<=\n)|(?=\r)/)) {
      const last = this.lines.length - 1;
      const cleared = part.startsWith(CLEAR);
      const rest = cleared ? part.slice(CLEAR.length) : part;
      this.lines[last] = (cleared ? "" : this.lines[last]) +
        rest.replace("\n", "");
      if (rest.endsWith("\n")) this.lines.push("");
    }
  };
}

/** Intervals that pass only when a test says so. */
function holdIntervals(): { pass(): void } & Disposable {
  const { setInterval, clearInterval } = globalThis;
  const callbacks = new Map<number, () => void>();
  Object.assign(globalThis, {
    setInterval(callback: () => void): number {
      callbacks.set(callbacks.size + 1, callback);
      return callbacks.size;
    },
    clearInterval: (id: number) => callbacks.delete(id),
  });
  return {
    pass: () => callbacks.forEach((callback) => callback()),
    [Symbol.dispose]() {
      Object.assign(globalThis, { setInterval, clearInterval });
    },
  };
}

Deno.test("the line is drawn again and again, log lines stand above it, and it is gone at the end", async () => {
  using intervals = holdIntervals();
  const terminal = new Terminal();
  const counters = new Counters();
  const clock = new FakeClock();
  {
    using line = new ProgressLine(counters, { clock, write: terminal.write });
    counters.audit.delivered = 500;
    await clock.advance(250);
    intervals.pass();
    assertEquals(terminal.lines, ["500 delivered · 2,000 events/s"]);
    line.print("something happened\nand more\n");
    assertEquals(terminal.lines, [
      "something happened",
      "and more",
      "500 delivered · 2,000 events/s",
    ]);
    counters.audit.delivered = 600;
    await clock.advance(250);
    intervals.pass();
    assertEquals(terminal.lines.at(-1), "600 delivered · 400 events/s");
  }
  intervals.pass();
  assertEquals(terminal.lines, ["something happened", "and more", ""]);
});

Deno.test("a line that is too long for the terminal is cut, and what is logged is not", () => {
  using intervals = holdIntervals();
  const terminal = new Terminal();
  using line = new ProgressLine(new Counters(), {
    clock: new FakeClock(),
    write: terminal.write,
  });
  line.print("before the first drawing\n");
  assertEquals(terminal.raw, `${CLEAR}before the first drawing\n`);
  intervals.pass();
  const drawn = `${NO_WRAP}0 delivered · 0 events/s${WRAP}`;
  assertEquals(terminal.raw.endsWith(CLEAR + drawn), true);
  line.print("a log line\n");
  assertEquals(terminal.raw.endsWith(`${CLEAR}a log line\n${drawn}`), true);
});
