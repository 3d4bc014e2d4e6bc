import { assert, assertEquals, assertMatch } from "../assert.ts";
import { outwaitIdleTimeout } from "../fakes/fluentd_client.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { logEvent } from "../fakes/log_event.ts";
import { fluentdPki } from "../fakes/pki.ts";
import { Program, runProgram } from "../fakes/program.ts";
import {
  ignoreWithoutFluentd,
  startRealFluentd,
} from "../fakes/real_fluentd.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { setStage } from "./stage.ts";

/** Fluentd takes the time out of the record, and writes it with it. */
function withoutTime(
  event: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { time: _time, ...rest } = event;
  return rest;
}

Deno.test({
  name:
    "a real Fluentd writes every event and every recording, through an idle time and a restart",
  ignore: ignoreWithoutFluentd(),
  async fn() {
    const pki = await fluentdPki();
    await using stage = await setStage({ size: 4_000, uploadEvery: 200 });
    await using fluentd = await startRealFluentd({ tls: fluentdTls(pki) });
    const { log } = stage.teleport;
    await using program = new Program(
      stage.startAt(fluentd.url, "--timeout=200ms", "--fluentd-batch=50"),
    );
    const writtenIds = async () =>
      new Set((await fluentd.written("test.log")).map(({ uid }) => uid));

    await waitUntil(
      "the first events",
      async () => (await writtenIds()).size > 0,
    );
    await fluentd.restart();
    await waitUntil(
      "all events",
      async () => (await writtenIds()).size === 4_000,
    );

    await outwaitIdleTimeout(fluentd, pki);
    const late = logEvent("user.login", { timeMs: Date.now() - 1_000 });
    stage.teleport.append(late);
    await waitUntil(
      "the late event",
      async () => (await writtenIds()).has(late.id),
    );

    program.kill("SIGTERM");
    const { code, stderr } = await program.outcome();
    assertEquals(code, 0, stderr);

    const written = await fluentd.written("test.log");
    const byId = new Map(written.map((record) => [record.uid, record]));
    assertEquals(byId.size, 4_001);
    for (const { id, json } of log.events()) {
      assertEquals(withoutTime(byId.get(id) ?? {}), withoutTime(json));
    }
    let recordings = 0;
    for (const sessionId of log.sessionIds()) {
      const ids = (await fluentd.written(`session.${sessionId}.log`))
        .map(({ uid }) => String(uid));
      // What was in flight at the restart may have come twice.
      assertEquals([...new Set(ids)], [...stage.expectedRecording(sessionId)]);
      recordings++;
    }
    assert(recordings > 0);
  },
});

Deno.test({
  name:
    "a real Fluentd writes what comes compressed, and what comes as one object per request",
  ignore: ignoreWithoutFluentd(),
  async fn() {
    const tls = fluentdTls(await fluentdPki());
    for (const how of ["--fluentd-compress=gzip", "--fluentd-batch=1"]) {
      await using stage = await setStage({ size: 300, uploadEvery: 100 });
      await using fluentd = await startRealFluentd({ tls });
      const { code, stderr } = await runProgram(
        stage.startAt(fluentd.url, "--exit-on-last-event", how),
      );
      assertEquals(code, 0, stderr);
      await fluentd.stop();
      const { log } = stage.teleport;
      const tags = [...log.sessionIds()].map((id) => `session.${id}.log`);
      const written: string[] = [];
      for (const tag of ["test.log", ...tags]) {
        for (const { uid } of await fluentd.written(tag)) {
          written.push(String(uid));
        }
      }
      assertEquals(written.toSorted(), [...stage.expectedIds()].toSorted());
    }
  },
});

Deno.test({
  name:
    "events larger than a real Fluentd's chunk are set aside, and each of the others is written at most twice",
  ignore: ignoreWithoutFluentd(),
  async fn() {
    const pki = await fluentdPki();
    await using stage = await setStage({ size: 300 });
    await using fluentd = await startRealFluentd({
      tls: fluentdTls(pki),
      // More than a request has without the huge ones: Fluentd loses events
      // that it acknowledged where it has to cut requests up beside such records.
      chunkLimitBytes: 200_000,
    });
    const timeMs = Date.UTC(2026, 0, 1, 0, 1);
    const huge = [210_000, 230_000, 260_000].map((length) =>
      logEvent("exec", { timeMs, fields: { command: "x".repeat(length) } })
    );
    const large = logEvent("exec", {
      timeMs,
      fields: { command: "x".repeat(150_000) },
    });
    stage.teleport.append(...huge, large);
    const { code, stderr } = await runProgram(
      stage.startAt(
        fluentd.url,
        "--exit-on-last-event",
        "--fluentd-max-connections=1",
      ),
    );
    assertEquals(code, 3, stderr);
    assertMatch(stderr, /ERROR event refused and set aside/);
    // At its end it writes all that it holds, whatever its buffers look like after
    // records that it refused.
    await fluentd.stop();
    const copies = new Map<unknown, number>();
    for (const { uid } of await fluentd.written("test.log")) {
      copies.set(uid, (copies.get(uid) ?? 0) + 1);
    }
    const hugeIds = huge.map(({ id }) => id);
    const expected = [...stage.teleport.log.ids()]
      .filter((id) => !hugeIds.includes(id));
    assertEquals([...copies.keys()].toSorted(), expected.toSorted());
    assert([...copies.values()].every((count) => count <= 2));
    const list = await runProgram([
      "rejected",
      "list",
      "--json",
      `--storage=${stage.storage}`,
      `--teleport-addr=${stage.teleport.address}`,
    ]);
    const rejected = list.stdout.split("\n").slice(0, -1)
      .map((line) => JSON.parse(line).id);
    assertEquals(rejected.toSorted(), hugeIds.toSorted());
  },
});
