import { assertEquals, assertMatch, assertNotMatch } from "../assert.ts";
import { logEvent } from "../fakes/log_event.ts";
import { runProgram } from "../fakes/program.ts";
import { ignoreWithoutPromtool, promtool } from "../fakes/promtool.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { type Listening, startListening } from "./listening.ts";
import { FAST_CLOCK } from "./other_mains.ts";
import { setStage } from "./stage.ts";

const POLL = "--timeout=50ms";
const OURS = "teleport_event_handler";

function isCaughtUp(listening: Listening): Promise<void> {
  return listening.until(
    "everything to be delivered",
    ({ run, recordings }) =>
      run?.state.name === "caught up" && recordings.pending === 0,
  );
}

Deno.test("metrics and status count what was forwarded", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 40 });
  await using listening = await startListening(stage.start(POLL));
  await isCaughtUp(listening);
  const ids = [...stage.teleport.log.ids()].length;
  const all = [...stage.expectedIds()].length;
  const { cluster, position, run } = await listening.report();
  assertEquals(cluster, "tele.example.com");
  assertEquals(
    Date.parse(position ?? ""),
    Math.floor(stage.teleport.log.timeUsAt(99) / 1e6) * 1_000,
  );
  assertEquals(run?.lagSeconds, 0);
  assertEquals(run?.events.audit.delivered, ids);
  assertEquals(run?.events.recording.delivered, all - ids);
  assertEquals(
    run?.recordingsDelivered,
    [...stage.teleport.log.sessionIds()].length,
  );
  assertEquals(
    await listening.metric(`${OURS}_events_delivered_total{kind="audit"}`),
    ids,
  );
  assertEquals(await listening.metric(`${OURS}_lag_seconds`), 0);
});

Deno.test({
  name: "promtool finds nothing wrong with the metrics of a run",
  ignore: ignoreWithoutPromtool(),
  async fn() {
    await using stage = await setStage({ size: 100, uploadEvery: 40 });
    await using listening = await startListening(stage.start(POLL));
    await isCaughtUp(listening);
    const { text } = await listening.get("/metrics");
    assertEquals(await promtool(["check", "metrics"], { input: text }), {
      code: 0,
      output: "",
    });
  },
});

Deno.test("an outage of Fluentd is told with since when and why, and so is its end", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start(POLL));
  await isCaughtUp(listening);
  assertEquals(await listening.get("/readyz"), { status: 200, text: "ok\n" });
  await stage.fluentd.stop();
  const before = new Date().toISOString();
  stage.teleport.append(
    logEvent("user.login", { timeMs: Date.now() - 1_000 }),
  );
  await listening.until(
    "the outage to be told",
    ({ run }) => run?.state.name === "retrying",
  );
  const { status, text } = await listening.get("/readyz");
  assertEquals(status, 503);
  const since =
    /^Fluentd fails since (\S+): cannot send to .*connection refused/
      .exec(text)?.[1] ?? text;
  assertEquals(since > before, true, since);
  assertEquals((await listening.get("/healthz")).status, 200);
  assertEquals(await listening.metric(`${OURS}_side_up{side="fluentd"}`), 0);
  assertEquals(await listening.metric(`${OURS}_side_up{side="teleport"}`), 1);
  assertEquals(
    await listening.metric(
      `${OURS}_side_since_timestamp_seconds{side="fluentd"}`,
    ),
    Date.parse(since) / 1_000,
  );
  const { run } = await listening.report();
  assertEquals(run?.sides.fluentd.since, since);
  assertEquals(run?.sides.teleport.ok, true);
  assertEquals(run?.problems[0]?.what, "delivery of events");
  assertEquals(run?.problems[0]?.over, null);
  await stage.fluentd.start();
  await isCaughtUp(listening);
  assertEquals((await listening.get("/readyz")).status, 200);
  const after = await listening.report();
  assertEquals(after.run?.problems.filter(({ over }) => over === null), []);
  assertEquals(after.run?.events.audit.delivered, 11);
});

Deno.test("a run that gets nowhere for minutes is told by its health and its log, and so is its end", async () => {
  await using stage = await setStage({ size: 60 });
  const { faults, received } = stage.fluentd;
  faults.add({ kind: "hang" });
  await using listening = await startListening(stage.start(), {
    main: FAST_CLOCK,
  });
  const { program } = listening;
  await waitUntil(
    "its health to be bad",
    async () => (await listening.get("/healthz")).status === 503,
  );
  const { text } = await listening.get("/healthz");
  assertMatch(text, /^delivery of events: nothing has moved for \d/m);
  assertEquals((await listening.report()).run?.state.name, "stalled");
  await waitUntil(
    "a word in the log",
    () =>
      /WARN .*nothing has moved for long what="delivery of events"/
        .test(program.stderr),
  );
  // And each minute how far it is.
  await waitUntil(
    "summaries",
    () =>
      [...program.stderr.matchAll(/INFO {2}forwarding events=0/g)].length > 4,
  );

  faults.clear();
  await stage.fluentd.restart();
  await received.until(({ events }) => events === 60);
  await waitUntil(
    "its health to be good",
    async () => (await listening.get("/healthz")).status === 200,
  );
  await waitUntil(
    "a word in the log",
    () =>
      /INFO .*it moves again what="delivery of events"/.test(program.stderr),
  );
});

Deno.test("a run with nothing to do is healthy, however long it pauses between polls", async () => {
  const startMs = Date.now() - 60 * 60_000;
  await using stage = await setStage({ size: 10, startMs });
  // What takes seconds on a slow machine takes minutes by that clock.
  const args = stage.start("--timeout=1h", "--fluentd-timeout=1h");
  await using listening = await startListening(args, {
    main: FAST_CLOCK,
  });
  await isCaughtUp(listening);
  const { program } = listening;
  const minutes = () => program.stderr.match(/ forwarding events=/g)?.length;
  await waitUntil("ten minutes", () => (minutes() ?? 0) >= 10);
  assertEquals((await listening.get("/healthz")).status, 200);
  assertNotMatch(program.stderr, /nothing has moved/);
});

Deno.test("an outage of Teleport is told from the start, and so is its end", async () => {
  await using stage = await setStage({ size: 10 });
  await stage.teleport.stop();
  await using listening = await startListening(stage.start(POLL));
  await listening.until(
    "the outage to be told",
    ({ run }) => run?.state.name === "retrying",
  );
  const first = await listening.get("/readyz");
  assertEquals(first.status, 503);
  assertMatch(first.text, /^Teleport fails since 20.*connection refused/);
  assertEquals((await listening.get("/healthz")).status, 200);
  assertEquals((await listening.report()).cluster, null);
  await stage.teleport.start();
  await isCaughtUp(listening);
  assertEquals((await listening.get("/readyz")).status, 200);
  await stage.teleport.stop();
  await listening.until(
    "the second outage to be told",
    ({ run }) => run?.sides.teleport.ok === false,
  );
  assertMatch((await listening.get("/readyz")).text, /^Teleport fails since/);
  assertEquals(await listening.metric(`${OURS}_side_up{side="teleport"}`), 0);
  await stage.teleport.start();
  await isCaughtUp(listening);
  assertEquals((await listening.get("/readyz")).status, 200);
});

Deno.test("during an outage of Teleport at the start, what earlier runs did is told", async () => {
  await using stage = await setStage({ size: 100, uploadEvery: 40 });
  const [late = ""] = stage.teleport.log.sessionIds();
  const [refused = ""] = stage.teleport.log.ids();
  stage.teleport.faults.add({ kind: "cut", after: 0, stream: late });
  stage.fluentd.faults.add({ kind: "status", status: 400, ids: [refused] });
  const first = await runProgram(stage.start("--exit-on-last-event"));
  assertEquals(first.code, 3, first.stderr);
  await stage.teleport.stop();
  await using listening = await startListening(stage.start(POLL));
  const report = await listening.report();
  assertEquals(report.cluster, "tele.example.com");
  assertEquals(
    Date.parse(report.position ?? ""),
    Math.floor(stage.teleport.log.timeUsAt(99) / 1e6) * 1_000,
  );
  assertEquals([report.setAside, report.recordings.pending], [1, 1]);
  assertEquals((report.run?.lagSeconds ?? 0) > 0, true);
});

Deno.test("who asks again and again has few answers made", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start(POLL));
  for (
    const [path, time] of [
      ["/status", /"time":"[^"]*"/],
      ["/", /<td><time datetime="[^"]*"/],
    ] as const
  ) {
    const startedMs = performance.now();
    const made = new Set<string | undefined>();
    for (let i = 0; i < 300; i++) {
      made.add(time.exec((await listening.get(path)).text)?.[0]);
    }
    const seconds = (performance.now() - startedMs) / 1_000;
    assertEquals(made.has(undefined), false);
    assertEquals(made.size <= 10 * seconds + 2, true, `${made.size}`);
  }
});

Deno.test("a program that listens ends at once when told so, whoever is connected", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start(POLL));
  await isCaughtUp(listening);
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(listening.url).port),
  });
  await connection.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n"));
  listening.program.kill("SIGTERM");
  const { code, stderr } = await listening.program.outcome();
  assertEquals(code, 0, stderr);
});

Deno.test("more connections than there may be files do not end the server", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.start(), {
    shell: `ulimit -n 100; exec "$@"`,
  });
  await isCaughtUp(listening);
  const port = Number(new URL(listening.url).port);
  using connections = new DisposableStack();
  try {
    for (let i = 0; i < 150; i++) {
      connections.use(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
  } catch {
    // It takes no more.
  }
  await waitUntil(
    "the server to run out of files",
    () => /Too many open files/.test(listening.program.stderr),
  );
  connections.dispose();
  await waitUntil("the server to take connections again", async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return false;
    }
  });
  assertEquals((await listening.get("/healthz")).status, 200);
  assertMatch(
    listening.program.stderr,
    /WARN .*serving of metrics, health and status fails, retrying/,
  );
  listening.program.kill("SIGTERM");
  const { code, stderr } = await listening.program.outcome();
  assertEquals(code, 0, stderr);
});

Deno.test("a run that ends by itself is not kept by its server", async () => {
  await using stage = await setStage({ size: 10 });
  const { code, stderr } = await runProgram(
    stage.start("--exit-on-last-event", "--listen=0"),
  );
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /serving metrics, health and status url=http:\/\/127/);
});

Deno.test("a port that is taken ends the program before anything is sent", async () => {
  await using stage = await setStage({ size: 10 });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await runProgram(
    stage.start(`--listen=127.0.0.1:${taken.addr.port}`),
  );
  assertEquals(code, 2);
  assertMatch(
    stderr,
    /listen: cannot listen on 127\.0\.0\.1:\d+: another process/,
  );
  assertEquals(stage.fluentd.received.events, 0);
});

Deno.test("on a public address, a warning says so", async () => {
  await using stage = await setStage({ size: 10 });
  const { code, stderr } = await runProgram(
    stage.start("--exit-on-last-event", "--listen=0.0.0.0:0"),
  );
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /WARN .*other machines can read metrics and status/);
});

Deno.test("a dry run tells how it is, too", async () => {
  await using stage = await setStage({ size: 10 });
  await using listening = await startListening(stage.dryRun(POLL));
  await waitUntil(
    "everything to be printed",
    async () => (await listening.report()).run?.events.audit.delivered === 10,
  );
  const { run } = await listening.report();
  assertEquals(run?.sides.fluentd.address, "standard output");
});
