import { Lane } from "../../lib/fluentd/lane.ts";
import { LanePool } from "../../lib/fluentd/lane_pool.ts";
import {
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { NEVER } from "./setup.ts";

/** A pool, and how many lanes it has made. */
function createPool(size: number) {
  let made = 0;
  const pool = new LanePool(size, () => {
    made++;
    return new Lane(
      () => ({ caCerts: [], client: undefined }),
      new FakeClock(),
    );
  });
  return { pool, made: () => made };
}

Deno.test("lanes are made when they are needed, and used again", async () => {
  const { pool, made } = createPool(3);
  for (let i = 0; i < 5; i++) pool.release(await pool.acquire(NEVER));
  assertEquals(made(), 1);
  const [first, second] = [
    await pool.acquire(NEVER),
    await pool.acquire(NEVER),
  ];
  assertEquals(made(), 2);
  assertNotStrictEquals(first.buffer, second.buffer);
});

Deno.test("there are never more lanes than the pool's size, and who waits longest gets the next one", async () => {
  const { pool, made } = createPool(2);
  const held = [await pool.acquire(NEVER), await pool.acquire(NEVER)];
  const order: number[] = [];
  for (let i = 0; i < 3; i++) {
    pool.acquire(NEVER).then((lane) => {
      order.push(i);
      pool.release(lane);
    });
  }
  await turn();
  assertEquals(order, []);
  for (const lane of held) pool.release(lane);
  await turn();
  assertEquals(order, [0, 1, 2]);
  assertEquals(made(), 2);
});

Deno.test("who gives up waiting takes no lane away", async () => {
  const { pool } = createPool(1);
  const lane = await pool.acquire(NEVER);
  const controller = new AbortController();
  const waiting = pool.acquire(controller.signal);
  const reason = new Error("killed");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  pool.release(lane);
  assertEquals(await pool.acquire(NEVER), lane);
});

Deno.test("the lane that was used last is used first, so that the others may grow idle", async () => {
  const { pool } = createPool(2);
  const [first, second] = [
    await pool.acquire(NEVER),
    await pool.acquire(NEVER),
  ];
  pool.release(first);
  pool.release(second);
  assertStrictEquals((await pool.acquire(NEVER)).lane, second.lane);
});
