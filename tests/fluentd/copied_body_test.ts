import { CopiedBody } from "../../lib/fluentd/copied_body.ts";
import { freeMemory, takeMemory } from "../../lib/own_memory.ts";
import { assertEquals, assertGreater } from "../assert.ts";

const BODY_BYTES = 300_000;

/** A receiver that keeps all bodies, and an address to post to. */
function startReceiver() {
  const bodies: Uint8Array[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      bodies.push(await request.bytes());
      return new Response(null, { status: 204 });
    },
  );
  return {
    bodies,
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function post(url: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(url, { method: "POST", body, client });
  assertEquals(response.status, 204);
}

Deno.test("fetch copies a body into memory that is used again", async () => {
  await using receiver = startReceiver();
  const encoded = new Uint8Array(BODY_BYTES).fill(7);
  {
    using copied = new CopiedBody(encoded);
    await post(receiver.url, copied.bytes);
  }
  const next = takeMemory(BODY_BYTES);
  assertEquals(new Uint8Array(next), encoded);
  freeMemory(next);
  assertEquals(receiver.bodies, [encoded]);
});

Deno.test("what is written over a body once fetch was called does not arrive", async () => {
  await using receiver = startReceiver();
  const memory = new Uint8Array(2 * BODY_BYTES);
  const body = memory.subarray(1_000, 1_000 + BODY_BYTES).fill(1);
  using copied = new CopiedBody(body);
  const posted = post(receiver.url, copied.bytes);
  memory.fill(2);
  await posted;
  assertEquals(receiver.bodies, [new Uint8Array(BODY_BYTES).fill(1)]);
});

Deno.test("bodies that are under way at the same time arrive each as it is", async () => {
  await using receiver = startReceiver();
  const sizes = [1, 5_000, BODY_BYTES, 20_000, BODY_BYTES + 1, 100];
  for (const _round of [1, 2, 3]) {
    await Promise.all(sizes.map(async (size, i) => {
      using copied = new CopiedBody(new Uint8Array(size).fill(i));
      await post(receiver.url, copied.bytes);
    }));
  }
  assertGreater(receiver.bodies.length, sizes.length);
  for (const body of receiver.bodies) {
    const size = sizes[body[0] ?? -1];
    assertEquals(body, new Uint8Array(size ?? 0).fill(body[0] ?? 0));
  }
  assertEquals(
    receiver.bodies.map(({ length }) => length).toSorted((a, b) => a - b),
    [...sizes, ...sizes, ...sizes].toSorted((a, b) => a - b),
  );
});
