import { Pool } from "../../lib/fluentd/pool.ts";
import {
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
} from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { NEVER } from "./setup.ts";

/** A pool, and how many connections it has made. */
function createPool(size: number) {
  let made = 0;
  const pool = new Pool(size, () => ({ connection: ++made }));
  return { pool, made: () => made };
}

Deno.test("connections are made when they are needed, and used again", async () => {
  const { pool, made } = createPool(3);
  for (let i = 0; i < 5; i++) pool.release(await pool.acquire(NEVER));
  assertEquals(made(), 1);
  const [first, second] = [
    await pool.acquire(NEVER),
    await pool.acquire(NEVER),
  ];
  assertEquals(made(), 2);
  assertNotStrictEquals(first, second);
});

Deno.test("there are never more connections than the pool's size, and who waits longest gets the next one", async () => {
  const { pool, made } = createPool(2);
  const held = [await pool.acquire(NEVER), await pool.acquire(NEVER)];
  const order: number[] = [];
  for (let i = 0; i < 3; i++) {
    pool.acquire(NEVER).then((connection) => {
      order.push(i);
      pool.release(connection);
    });
  }
  await turn();
  assertEquals(order, []);
  for (const connection of held) pool.release(connection);
  await turn();
  assertEquals(order, [0, 1, 2]);
  assertEquals(made(), 2);
});

Deno.test("who gives up waiting takes no connection away", async () => {
  const { pool } = createPool(1);
  const connection = await pool.acquire(NEVER);
  const controller = new AbortController();
  const waiting = pool.acquire(controller.signal);
  const reason = new Error("killed");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  pool.release(connection);
  assertStrictEquals(await pool.acquire(NEVER), connection);
});

Deno.test("the connection that was used last is used first, so that the others may grow idle", async () => {
  const { pool } = createPool(2);
  const [first, second] = [
    await pool.acquire(NEVER),
    await pool.acquire(NEVER),
  ];
  pool.release(first);
  pool.release(second);
  assertStrictEquals(await pool.acquire(NEVER), second);
});
