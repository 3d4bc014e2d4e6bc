import { type Ticket, Watermark } from "../../lib/pipeline/watermark.ts";
import { assert, assertEquals } from "../assert.ts";
import { Random } from "../fakes/random.ts";

/** Marks are lists of names; merged ones are passed as one list. */
function setUp() {
  const passed: string[][] = [];
  const watermark = new Watermark<string[]>({
    onPass: (mark) => passed.push(mark),
    merge: (earlier, later) => [...earlier, ...later],
  });
  return { passed, watermark };
}

Deno.test("a mark is passed once the events before it are delivered", () => {
  const { watermark, passed } = setUp();
  watermark.read(2, ["a"]);
  const ticket = watermark.request(2);
  assertEquals(passed, []);
  watermark.finish(ticket);
  assertEquals(passed, [["a"]]);
});

Deno.test("a request that finishes early passes nothing until those before it are done", () => {
  const { watermark, passed } = setUp();
  watermark.read(1, ["a"]);
  watermark.read(1, ["b"]);
  watermark.read(1, ["c"]);
  const [first, second, third] = [
    watermark.request(1),
    watermark.request(1),
    watermark.request(1),
  ];
  watermark.finish(third);
  watermark.finish(second);
  assertEquals(passed, []);
  watermark.finish(first);
  assertEquals(passed, [["a"], ["b"], ["c"]]);
});

Deno.test("a mark in the middle of a request waits for all of it", () => {
  const { watermark, passed } = setUp();
  watermark.read(3, ["a"]);
  watermark.read(3, ["b"]);
  const first = watermark.request(2);
  const second = watermark.request(2);
  watermark.finish(first);
  assertEquals(passed, []);
  watermark.finish(second);
  assertEquals(passed, [["a"]]);
  watermark.finish(watermark.request(2));
  assertEquals(passed, [["a"], ["b"]]);
});

Deno.test("a mark with no event before it is passed at once", () => {
  const { watermark, passed } = setUp();
  watermark.read(0, ["a"]);
  assertEquals(passed, [["a"]]);
  watermark.read(1, ["b"]);
  watermark.finish(watermark.request(1));
  watermark.read(0, ["c"]);
  assertEquals(passed, [["a"], ["b"], ["c"]]);
});

Deno.test("marks with no event between them are kept as one, and nothing of them is lost", () => {
  const { watermark, passed } = setUp();
  watermark.read(1, ["a"]);
  for (let i = 0; i < 5; i++) watermark.read(0, [`idle${i}`]);
  watermark.read(1, ["b"]);
  watermark.finish(watermark.request(1));
  assertEquals(passed, [["a", "idle0", "idle1", "idle2", "idle3", "idle4"]]);
  watermark.finish(watermark.request(1));
  assertEquals(passed.at(-1), ["b"]);
});

Deno.test("pending are the unfinished requests and those that overtook them", () => {
  const { watermark } = setUp();
  watermark.read(3, ["a"]);
  const [first, second] = [watermark.request(1), watermark.request(1)];
  watermark.request(1);
  watermark.finish(second);
  assertEquals(watermark.pending, 3);
  watermark.finish(first);
  assertEquals(watermark.pending, 1);
});

Deno.test("in 3,000 random schedules no mark is ever passed before an event in front of it", () => {
  for (let schedule = 0; schedule < 3_000; schedule++) {
    const random = new Random(11, schedule);
    const marks: { name: string; end: number }[] = [];
    const delivered = new Set<number>();
    const passed: string[] = [];
    const watermark = new Watermark<string[]>({
      onPass: (names) => passed.push(...names),
      merge: (earlier, later) => [...earlier, ...later],
    });
    let read = 0;
    let requested = 0;
    const open: { ticket: Ticket; from: number; to: number }[] = [];
    const check = () => {
      const expected: string[] = [];
      let contiguous = 0;
      while (delivered.has(contiguous)) contiguous++;
      for (const { name, end } of marks) {
        if (end <= contiguous) expected.push(name);
      }
      assertEquals(passed, expected, `schedule ${schedule}`);
    };
    const finishOne = () => {
      const [done] = open.splice(random.below(open.length), 1);
      if (done === undefined) return;
      for (let i = done.from; i < done.to; i++) delivered.add(i);
      watermark.finish(done.ticket);
    };
    for (let step = 0; step < 24; step++) {
      if (random.chance(0.4)) {
        const count = random.below(4);
        read += count;
        marks.push({ name: `m${marks.length}`, end: read });
        watermark.read(count, [`m${marks.length - 1}`]);
      } else if (random.chance(0.5)) {
        const count = Math.min(1 + random.below(3), read - requested);
        if (count === 0) continue;
        open.push({
          ticket: watermark.request(count),
          from: requested,
          to: requested += count,
        });
      } else finishOne();
      check();
    }
    while (open.length > 0) {
      finishOne();
      check();
    }
    if (requested === read) assertEquals(passed.length, marks.length);
    assert(watermark.pending === 0);
  }
});

Deno.test("who waits for what was read so far is told once all of that is delivered", () => {
  const { watermark } = setUp();
  const told: string[] = [];
  const tell = (what: string) => watermark.whenDelivered(() => told.push(what));
  tell("nothing read");
  assertEquals(told, ["nothing read"]);
  watermark.read(2, ["a"]);
  tell("two");
  tell("two, later");
  const two = watermark.request(2);
  watermark.read(1, ["b"]);
  tell("three");
  watermark.finish(watermark.request(1));
  assertEquals(told, ["nothing read"]);
  watermark.finish(two);
  assertEquals(told, ["nothing read", "two, later", "three"]);
});
