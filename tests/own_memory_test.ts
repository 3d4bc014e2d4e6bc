import { Buffer } from "node:buffer";
import {
  endsOwnMemory,
  freeIfAlone,
  freeMemory,
  isOwnMemory,
  takeMemory,
} from "../lib/own_memory.ts";
import { assert, assertEquals, assertNotStrictEquals } from "./assert.ts";

const PAGE_BYTES = 600_000;

Deno.test("what is freed has no bytes, whoever still looks at it", () => {
  const page = takeMemory(PAGE_BYTES);
  const event = page.subarray(100, 200);
  freeMemory(event);
  assertEquals([page.length, event.length], [0, 0]);
  assert(!isOwnMemory(page));
});

Deno.test("memory that was freed is used again, and who had it does not see that", () => {
  const before = takeMemory(PAGE_BYTES);
  before.fill("before");
  freeMemory(before);
  const after = takeMemory(PAGE_BYTES - 1_000);
  assertEquals(after.length, PAGE_BYTES - 1_000);
  assertEquals(after.toString("latin1", 0, 6), "before");
  assertNotStrictEquals(after.buffer, before.buffer);
  assertEquals(before.length, 0);
  freeMemory(after);
});

Deno.test("freed twice is freed once: nobody else has the same memory", () => {
  const page = takeMemory(PAGE_BYTES);
  freeMemory(page);
  freeMemory(page);
  const [one, other] = [takeMemory(PAGE_BYTES), takeMemory(PAGE_BYTES)];
  one.fill(1);
  other.fill(2);
  assert(one.every((byte) => byte === 1));
  for (const memory of [one, other]) freeMemory(memory);
});

Deno.test("no more than a few pages are kept, and nothing that is huge", () => {
  const pages = Array.from({ length: 20 }, () => takeMemory(PAGE_BYTES));
  const huge = takeMemory(30_000_000);
  for (const [i, page] of [...pages, huge].entries()) {
    page.fill(0xee);
    page[0] = i;
    freeMemory(page);
  }
  const used = Array.from({ length: 20 }, () => takeMemory(PAGE_BYTES))
    .filter((page) => page[1] === 0xee);
  assert(used.length <= 6, `${used.length} were kept`);
  assertEquals(takeMemory(30_000_000)[1], 0);
});

Deno.test("however much is taken and freed, it is used again", () => {
  for (let i = 1; i <= 50; i++) {
    const page = takeMemory(PAGE_BYTES);
    if (i > 1) assertEquals(page[1], i - 1);
    page.fill(i);
    freeMemory(page);
  }
});

Deno.test("no more than three times what is used is wasted", () => {
  freeMemory(takeMemory(PAGE_BYTES));
  const small = takeMemory(20_000);
  assert(small.buffer.byteLength <= 4 * 20_000);
  freeMemory(small);
});

Deno.test("only what is taken is one's own, up to where it is in use", () => {
  const page = takeMemory(PAGE_BYTES);
  assert(isOwnMemory(page.subarray(5)));
  assert(endsOwnMemory(page.subarray(5)));
  assert(!endsOwnMemory(page.subarray(5, 10)));
  const other = Buffer.from(new ArrayBuffer(10));
  assert(!isOwnMemory(other) && !endsOwnMemory(other));
  freeMemory(page);
});

Deno.test("what shares its memory with something else is left alone", () => {
  const alone = Buffer.from(new ArrayBuffer(10));
  const part = Buffer.from(new ArrayBuffer(10)).subarray(1);
  const shared = Buffer.from(new SharedArrayBuffer(10));
  for (const bytes of [alone, part, shared]) freeIfAlone(bytes);
  assertEquals([alone, part, shared].map(({ length }) => length), [0, 9, 10]);
});
