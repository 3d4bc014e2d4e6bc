import { TeleportError } from "../../lib/teleport/errors.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  CONCURRENCY,
  MAX_EVENTS,
  MAX_REQUESTS,
  startBetween,
  STEP_MS,
} from "./outage_setup.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
/** Half a step on average from one attempt to the next, and some at the beginning. */
const ATTEMPTS_PER_HOUR = HOUR_MS / (STEP_MS / 2);
const MAX_PAGE = 1_000;
/** In flight, waiting for a request, read by now, and read ahead. */
const MAX_HELD = MAX_REQUESTS * MAX_EVENTS + MAX_EVENTS + 2 * MAX_PAGE;

function assertBetween(low: number, value: number, high: number): void {
  assert(low <= value && value <= high, `${value}: not in ${low} to ${high}`);
}

Deno.test("a Fluentd that is away for an hour: few requests, little held, nothing lost, back within one step", async () => {
  await using it = startBetween({ events: 8_000 });
  const { audit } = it.fluentd;
  audit.away = new Error("connection refused");
  await it.clock.advance(60 * SECOND_MS);
  const { asked } = it.teleport;
  for (let minute = 0; minute < 60; minute++) {
    it.append(50);
    await it.clock.advance(60 * SECOND_MS);
  }
  assertBetween(
    MAX_REQUESTS * ATTEMPTS_PER_HOUR / 2,
    audit.asked,
    MAX_REQUESTS * ATTEMPTS_PER_HOUR * 1.5,
  );
  assertEquals(it.delivered, []);
  // Whatever comes meanwhile stays where it is.
  assertEquals(it.teleport.asked, asked);
  assertBetween(MAX_REQUESTS * MAX_EVENTS, it.counts.read, MAX_HELD);

  const held = it.counts.read;
  audit.away = undefined;
  await it.clock.advance(STEP_MS);
  assertBetween(held, it.delivered.length, it.log.events.length);
  await it.clock.advance(60 * SECOND_MS);
  assertEquals(it.delivered.length, 11_000);
  assertEquals(new Set(it.delivered).size, 11_000);
});

Deno.test("an outage in the middle repeats nothing of what was confirmed", async () => {
  await using it = startBetween({ events: 2_000 });
  await it.clock.advance(10 * SECOND_MS);
  for (let outage = 0; outage < 5; outage++) {
    it.fluentd.audit.away = new Error("connection refused");
    it.append(500);
    await it.clock.advance(600 * SECOND_MS);
    it.fluentd.audit.away = undefined;
    await it.clock.advance(60 * SECOND_MS);
  }
  assertEquals(it.delivered.length, 4_500);
  assertEquals(new Set(it.delivered).size, 4_500);
});

Deno.test("a receiver of recordings that is away for an hour: few streams, few recordings waiting, none lost", async () => {
  await using it = startBetween({ events: 8_000, uploadEvery: 10 });
  const { recording } = it.fluentd;
  recording.away = new Error("connection refused");
  await it.clock.advance(HOUR_MS);
  assertBetween(
    CONCURRENCY * ATTEMPTS_PER_HOUR / 2,
    recording.asked,
    CONCURRENCY * ATTEMPTS_PER_HOUR * 1.5,
  );
  assertEquals(it.streams.most, CONCURRENCY);
  // Until there is room again, no more events are read that may announce some.
  const waiting = it.progress.recordings().size;
  assertBetween(CONCURRENCY, waiting, 16 * CONCURRENCY + MAX_HELD / 10);
  assertBetween(0, it.counts.read - it.delivered.length, MAX_HELD);

  recording.away = undefined;
  await it.clock.advance(2 * STEP_MS);
  assertEquals(it.counts.recordings, 800);
  assertEquals(it.delivered.length, 8_000);
  assertEquals(it.streams.open, 0);
});

Deno.test("by bulk export, little is held while Fluentd is away, and all of it arrives once", async () => {
  await using it = startBetween({ events: 12_000, by: "chunks" });
  const { audit } = it.fluentd;
  audit.away = new Error("connection refused");
  await it.clock.advance(60 * SECOND_MS);
  const { asked } = it.teleport;
  await it.clock.advance(HOUR_MS);
  assertEquals(it.teleport.asked, asked);
  assertBetween(MAX_REQUESTS * MAX_EVENTS, it.counts.read, MAX_HELD);
  audit.away = undefined;
  await it.clock.advance(2 * STEP_MS);
  assertEquals(it.delivered.length, 12_000);
  assertEquals(new Set(it.delivered).size, 12_000);
});

const AWAY: [name: string, error: TeleportError][] = [
  ["is away", new TeleportError("not reachable", "UNAVAILABLE")],
  ["throttles", new TeleportError("slow down", "RESOURCE_EXHAUSTED")],
];
for (const [what, error] of AWAY) {
  Deno.test(`a Teleport that ${what} for an hour: few requests, and what came meanwhile arrives within one step`, async () => {
    await using it = startBetween({ events: 5_000 });
    await it.clock.advance(60 * SECOND_MS);
    assertEquals(it.delivered.length, 5_000);
    it.teleport.away = error;
    const { asked } = it.teleport;
    it.append(100);
    await it.clock.advance(HOUR_MS);
    assertBetween(
      ATTEMPTS_PER_HOUR / 2,
      it.teleport.asked - asked,
      ATTEMPTS_PER_HOUR * 1.5,
    );
    it.teleport.away = undefined;
    await it.clock.advance(STEP_MS);
    assertEquals(it.delivered.length, 5_100);
  });
}

for (const by of ["pages", "chunks"] as const) {
  for (const end of ["Teleport", "Fluentd"] as const) {
    Deno.test(`by ${by}, nobody is told to have caught up with what came while ${end} was away`, async () => {
      await using it = startBetween({ events: 3_000, by });
      await it.clock.advance(60 * SECOND_MS);
      const away = new TeleportError("not reachable", "UNAVAILABLE");
      const { audit } = it.fluentd;
      for (let outage = 0; outage < 3; outage++) {
        (end === "Teleport" ? it.teleport : audit).away = away;
        for (let part = 0; part < 10; part++) {
          await it.clock.advance(HOUR_MS / 10);
          it.append(1_000);
        }
        it.teleport.away = audit.away = undefined;
        await it.clock.advance(10 * 60 * SECOND_MS);
      }
      assertEquals(it.delivered.length, 33_000);
      for (const { askedMs, read } of it.caughtUp) {
        const there = it.appended.findLast(({ atMs }) => atMs < askedMs);
        assert(read >= (there?.events ?? 0), `${askedMs}: only ${read} read`);
      }
      assertEquals(it.caughtUp.at(-1)?.read, it.delivered.length);
    });
  }
}
