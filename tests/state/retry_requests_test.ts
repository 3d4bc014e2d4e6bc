import { join } from "node:path";
import { StateError } from "../../lib/state/document.ts";
import {
  requestRetry,
  RetryRequestFiles,
} from "../../lib/state/retry_requests.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { modeOf, namesIn, withDirectory } from "../fakes/directory.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";

interface Setup {
  readonly directory: string;
  readonly clock: FakeClock;
  readonly failures: StateError[];
  readonly requests: RetryRequestFiles;
  readonly next: () => Promise<readonly string[]>;
}

async function withRequests(use: (setup: Setup) => Promise<void>) {
  await withDirectory(async (directory) => {
    const clock = new FakeClock();
    const failures: StateError[] = [];
    const requests = new RetryRequestFiles(directory, {
      clock,
      onFailure: (error) => failures.push(error),
    });
    await use({
      directory,
      clock,
      failures,
      requests,
      next: () => requests.next(never()),
    });
  });
}

Deno.test("what was asked for before is found at once, what is asked for later within seconds", async () => {
  await withRequests(async ({ directory, clock, next }) => {
    await requestRetry(directory, ["s1", "s2"]);
    assertEquals((await next()).toSorted(), ["s1", "s2"]);
    const later = next();
    await clock.untilSleeping();
    await requestRetry(directory, ["s3"]);
    const startedMs = clock.now();
    assertEquals(await clock.runUntil(later), ["s3"]);
    assert(clock.now() - startedMs <= 5_000);
  });
});

Deno.test("a request stays until the next one is waited for, and is gone then", async () => {
  await withRequests(async ({ directory, clock, next }) => {
    await requestRetry(directory, ["s1"]);
    await next();
    assertEquals(await namesIn(join(directory, "retry", ".taken")), ["s1"]);
    const stop = new AbortController();
    const waiting = new RetryRequestFiles(directory, {
      clock,
      onFailure: () => {},
    });
    // Whoever comes after a crash finds it again.
    assertEquals(await waiting.next(stop.signal), ["s1"]);
    const ended = waiting.next(stop.signal);
    await clock.untilSleeping();
    assertEquals(await namesIn(join(directory, "retry")), [".taken"]);
    assertEquals(await namesIn(join(directory, "retry", ".taken")), []);
    const reason = new Error("stopped");
    stop.abort(reason);
    assertEquals(await assertRejects(() => ended), reason);
  });
});

Deno.test("a request that comes before the last one for the same session is done with is another one", async () => {
  await withRequests(async ({ directory, next }) => {
    await requestRetry(directory, ["s1", "s2"]);
    assertEquals((await next()).toSorted(), ["s1", "s2"]);
    await requestRetry(directory, ["s1"]);
    assertEquals(await next(), ["s1"]);
  });
});

Deno.test("whatever a session is called, its request stays in its directory", async () => {
  await withRequests(async ({ directory, next }) => {
    const sessionIds = [
      "../../etc/passwd",
      "a b",
      "é",
      "%2e%2e",
      "a/b",
      ".",
      "..",
      ".taken",
    ];
    await requestRetry(directory, sessionIds);
    assertEquals(await namesIn(directory), ["retry"]);
    assertEquals((await next()).toSorted(), sessionIds.toSorted());
  });
});

Deno.test("a session whose name is too long for a file keeps no other one from being asked for", async () => {
  await withRequests(async ({ directory, next }) => {
    const long = "x".repeat(300);
    await assertRejects(
      () => requestRetry(directory, ["s1", long, "s2"]),
      StateError,
      `cannot write ${join(directory, "retry", long)}: `,
    );
    assertEquals((await next()).toSorted(), ["s1", "s2"]);
  });
});

Deno.test("only the owner may see what is asked for, and nobody's odd files matter", async () => {
  await withRequests(async ({ directory, next }) => {
    await requestRetry(directory, ["s1"]);
    const retry = join(directory, "retry");
    assertEquals(await modeOf(retry), 0o700);
    await Deno.mkdir(join(retry, "directory"));
    await Deno.writeTextFile(join(retry, "100%"), "");
    assertEquals(await next(), ["s1"]);
  });
});

Deno.test("requests that cannot be read are told, and looked for again later", async () => {
  await withRequests(async ({ directory, clock, failures, next }) => {
    const retry = join(directory, "retry");
    await Deno.writeTextFile(retry, "in the way");
    await assertRejects(
      () => requestRetry(directory, ["s1"]),
      StateError,
      `cannot write ${retry}/s1: `,
    );
    const asked = next();
    await clock.untilSleeping();
    assertEquals(failures.length, 1);
    assert(failures[0]?.message.startsWith("cannot take requests out of "));
    const failedMs = clock.now();
    await Deno.remove(retry);
    await requestRetry(directory, ["s1"]);
    assertEquals(await clock.runUntil(asked), ["s1"]);
    assert(clock.now() - failedMs <= 60_000);
  });
});
