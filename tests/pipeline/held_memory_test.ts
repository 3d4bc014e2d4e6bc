import { HeldMemory, type Taken } from "../../lib/pipeline/held_memory.ts";
import { assertEquals } from "../assert.ts";
import { Random } from "../fakes/random.ts";

function setUp() {
  const released: string[] = [];
  const memory = new HeldMemory();
  const hold = (count: number, name: string) =>
    memory.hold(count, () => released.push(name));
  return { released, memory, hold };
}

Deno.test("memory is released once its events are delivered, however late earlier ones are", () => {
  const { released, memory, hold } = setUp();
  hold(2, "a");
  hold(2, "b");
  const [late, first, second] = [
    memory.take(2),
    memory.take(1),
    memory.take(1),
  ];
  memory.deliver(second);
  assertEquals(released, []);
  memory.deliver(first);
  assertEquals(released, ["b"]);
  memory.deliver(late);
  assertEquals(released, ["b", "a"]);
});

Deno.test("a request that takes of two batches holds both", () => {
  const { released, memory, hold } = setUp();
  hold(3, "a");
  hold(3, "b");
  const [first, both, last] = [memory.take(2), memory.take(2), memory.take(2)];
  memory.deliver(first);
  memory.deliver(last);
  assertEquals(released, []);
  memory.deliver(both);
  assertEquals(released, ["a", "b"]);
});

Deno.test("memory with no event to deliver is released at once", () => {
  const { released, hold } = setUp();
  hold(1, "a");
  hold(0, "b");
  assertEquals(released, ["b"]);
});

Deno.test("in 1,000 random schedules memory is released once, and not while an event in it is undelivered", () => {
  for (let schedule = 0; schedule < 1_000; schedule++) {
    const random = new Random(12, schedule);
    const released = new Map<number, number>();
    const memory = new HeldMemory();
    const batchOf: number[] = [];
    const open: { taken: Taken; events: number[] }[] = [];
    const delivered = new Set<number>();
    let requested = 0;
    const check = () => {
      for (const [batch, times] of released) {
        assertEquals(times, 1, `schedule ${schedule}`);
        const all = batchOf.every((of, event) =>
          of !== batch || delivered.has(event)
        );
        assertEquals(all, true, `schedule ${schedule}`);
      }
    };
    const finishOne = () => {
      const [done] = open.splice(random.below(open.length), 1);
      if (done === undefined) return;
      for (const event of done.events) delivered.add(event);
      memory.deliver(done.taken);
      check();
    };
    let batches = 0;
    for (let step = 0; step < 30; step++) {
      const batch = batches++;
      const count = random.below(5);
      for (let i = 0; i < count; i++) batchOf.push(batch);
      memory.hold(
        count,
        () => released.set(batch, (released.get(batch) ?? 0) + 1),
      );
      while (requested < batchOf.length && random.chance(0.7)) {
        const size = 1 + random.below(batchOf.length - requested);
        const events = Array.from({ length: size }, (_, i) => requested + i);
        requested += size;
        open.push({ taken: memory.take(size), events });
      }
      while (open.length > 0 && random.chance(0.5)) finishOne();
    }
    const rest = batchOf.length - requested;
    const events = Array.from({ length: rest }, (_, i) => requested + i);
    open.push({ taken: memory.take(rest), events });
    while (open.length > 0) finishOne();
    assertEquals(released.size, batches, `schedule ${schedule}`);
  }
});
