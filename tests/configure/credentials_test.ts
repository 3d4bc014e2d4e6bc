import {
  createCredentials,
  type Credentials,
} from "../../lib/configure/credentials.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { never } from "../fakes/never.ts";

const OPTIONS = {
  keyType: "ecdsa-p256",
  ttlMs: 3_600_000,
  nowMs: Date.UTC(2026, 0, 1),
  serverName: "localhost",
  dnsNames: ["localhost"],
  ipAddresses: [],
} as const;

Deno.test("each certificate is told once it is made, the CA first", async () => {
  const made: (keyof Credentials)[] = [];
  await createCredentials(OPTIONS, {
    stop: never(),
    onMade: (name) => made.push(name),
  });
  assertEquals(made[0], "ca");
  assertEquals(made.toSorted(), ["ca", "client", "server"]);
});

Deno.test("who stops does not wait for keys that are still to be made", async () => {
  const made: (keyof Credentials)[] = [];
  const stop = new AbortController();
  const reason = new Error("stopped");
  const error = await assertRejects(() =>
    createCredentials(OPTIONS, {
      stop: stop.signal,
      onMade(name) {
        made.push(name);
        stop.abort(reason);
      },
    })
  );
  assertEquals(error, reason);
  assertEquals(made, ["ca"]);
});

Deno.test("who has stopped gets no keys", async () => {
  const reason = new Error("stopped");
  const error = await assertRejects(() =>
    createCredentials(OPTIONS, {
      stop: AbortSignal.abort(reason),
      onMade: () => {},
    })
  );
  assertEquals(error, reason);
});
