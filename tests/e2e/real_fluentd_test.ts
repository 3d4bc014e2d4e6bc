import { assert, assertEquals } from "../assert.ts";
import { outwaitIdleTimeout } from "../fakes/fluentd_client.ts";
import { fluentdTls } from "../fakes/fluentd_tls.ts";
import { logEvent } from "../fakes/log_event.ts";
import { fluentdPki } from "../fakes/pki.ts";
import { Program } from "../fakes/program.ts";
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
