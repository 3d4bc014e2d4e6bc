import { formatStatus } from "../../lib/operate/format_status.ts";
import { reportRecordings } from "../../lib/operate/recordings_report.ts";
import type {
  RunReport,
  StatusReport,
} from "../../lib/operate/status_report.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { pending } from "../pipeline/recordings_setup.ts";

const FROM_DISK: StatusReport = {
  time: "2026-03-01T12:00:00.000Z",
  cluster: "tele.example.com",
  startTime: "2026-01-01T00:00:00Z",
  position: "2026-03-01T11:57:00Z",
  recordings: { pending: 0, failing: 0, missing: 0, troubled: [] },
  setAside: 0,
  credentials: [],
  run: null,
};

const RUN: RunReport = {
  version: "1.2.3",
  startedAt: "2026-03-01T10:00:00.000Z",
  uptimeSeconds: 7_200,
  state: {
    name: "retrying",
    since: "2026-03-01T11:58:30.000Z",
    text:
      "Retrying: Fluentd fails since 2026-03-01T11:58:30.000Z: connection refused.",
  },
  lagSeconds: 180,
  eventsPerSecond: 1_234.5,
  events: {
    audit: {
      read: 1_300,
      filtered: 0,
      delivered: 1_234,
      setAside: 0,
      unaccounted: 0,
    },
    recording: {
      read: 60,
      filtered: 10,
      delivered: 50,
      setAside: 0,
      unaccounted: 0,
    },
    leftOut: 0,
  },
  recordingsDelivered: 2,
  requests: {
    delivered: 3,
    refused: 0,
    busy: 0,
    misdirected: 0,
    timeout: 0,
    connection: 4,
    aborted: 0,
  },
  requestsInFlight: 0,
  retries: { teleport: {}, fluentd: { connection: 4 } },
  sides: {
    teleport: {
      address: "teleport.example.com:3025",
      ok: true,
      failing: [],
      since: "2026-03-01T10:00:00.000Z",
      error: null,
    },
    fluentd: {
      address: "https://fluentd.example.com:8888",
      ok: false,
      failing: ["delivery of events"],
      since: "2026-03-01T11:58:30.000Z",
      error: "connection refused",
    },
  },
  problems: [
    {
      what: "delivery of events",
      error: "connection refused",
      first: "2026-03-01T11:58:30.000Z",
      last: "2026-03-01T11:59:59.000Z",
      over: null,
      times: 4,
    },
    {
      what: "reading from Teleport",
      error: "no answer",
      first: "2026-03-01T10:00:01.000Z",
      last: "2026-03-01T10:00:01.000Z",
      over: "2026-03-01T10:00:02.000Z",
      times: 1,
    },
  ],
  history: [],
  memoryBytes: 1,
};

Deno.test("from the state directory, it says how far forwarding is", () => {
  assertEquals(
    formatStatus(FROM_DISK),
    `cluster      tele.example.com
start time   2026-01-01T00:00:00Z
position     2026-03-01T11:57:00Z (3 min ago)
recordings   0 pending, 0 missing
set aside    0
`,
  );
});

Deno.test("from the running process, it says what it does, what is wrong and since when", () => {
  const report: StatusReport = {
    ...FROM_DISK,
    recordings: {
      pending: 3,
      failing: 1,
      missing: 1,
      troubled: [{
        sessionId: "s1",
        since: "2026-02-26T12:00:00.000Z",
        attempts: 9,
        missing: true,
        lastError: "the recording is not there (yet)",
      }],
    },
    setAside: 2,
    credentials: [
      {
        name: "fluentd-cert",
        notBefore: "2025-02-28T12:00:00.000Z",
        notAfter: "2026-02-28T12:00:00.000Z",
        endsSoon: true,
      },
      {
        name: "teleport-identity",
        notBefore: "2025-03-11T12:00:00.000Z",
        notAfter: "2026-03-11T12:00:00.000Z",
        endsSoon: false,
      },
    ],
    run: RUN,
  };
  assertEquals(
    formatStatus(report),
    `cluster      tele.example.com
start time   2026-01-01T00:00:00Z
version      1.2.3, running since 2026-03-01T10:00:00.000Z
state        Retrying: Fluentd fails since 2026-03-01T11:58:30.000Z: connection refused. (since 2026-03-01T11:58:30.000Z, 1 min 30 s)
lag          3 min
rate         1,235 events/s
delivered    1,234 events, 50 of recordings, since it runs
teleport     teleport.example.com:3025: answers (since 2026-03-01T10:00:00.000Z, 2 h)
fluentd      https://fluentd.example.com:8888: fails (since 2026-03-01T11:58:30.000Z, 1 min 30 s): connection refused
position     2026-03-01T11:57:00Z (3 min ago)
recordings   3 pending, 1 missing
             s1 since 2026-02-26T12:00:00.000Z, 9 attempts, missing: the recording is not there (yet)
set aside    2
credential   fluentd-cert ended 2026-02-28T12:00:00.000Z (1 d ago): renew it
credential   teleport-identity ends 2026-03-11T12:00:00.000Z (in 10 d)
problems     2026-03-01T11:58:30.000Z to 2026-03-01T11:59:59.000Z, delivery of events, 4 times: connection refused
             2026-03-01T10:00:01.000Z, reading from Teleport, over since 2026-03-01T10:00:02.000Z: no answer
`,
  );
});

Deno.test("before anything is known, it says so", () => {
  const sides = {
    ...RUN.sides,
    fluentd: { ...RUN.sides.fluentd, ok: null, error: null },
  };
  const text = formatStatus({
    ...FROM_DISK,
    cluster: null,
    startTime: null,
    position: null,
    run: { ...RUN, lagSeconds: null, sides, problems: [] },
  });
  assertEquals(
    text.split("\n").filter((line) =>
      /^(cluster|start|position|lag|fluentd)/.test(line)
    ),
    [
      "cluster      not known yet",
      "start time   not known yet",
      "fluentd      https://fluentd.example.com:8888: not asked yet",
      "position     no event yet",
    ],
  );
});

Deno.test("events that are left out, or have no account, have a line each, and only then", () => {
  const { audit } = RUN.events;
  const text = formatStatus({
    ...FROM_DISK,
    setAside: 3,
    run: {
      ...RUN,
      events: {
        ...RUN.events,
        audit: { ...audit, unaccounted: 2 },
        leftOut: 3,
      },
    },
  });
  assertEquals(
    text.split("\n").filter((line) => /^(left|unacc)/.test(line)),
    [
      "left out     3, which Teleport could not send",
      "unaccounted  2 events: please report it",
    ],
  );
});

Deno.test("of many recordings that fail, the longest known are shown, and how many more there are", () => {
  const troubled = Array.from({ length: 25 }, (_, i) => ({
    sessionId: `s${i}`,
    since: FROM_DISK.time,
    attempts: 1,
    missing: false,
    lastError: "no",
  }));
  const text = formatStatus({
    ...FROM_DISK,
    recordings: { pending: 25, failing: 25, missing: 0, troubled },
  });
  const lines = text.split("\n").filter((line) => line.startsWith(" "));
  assertEquals(lines.length, 11);
  assertEquals(lines[0]?.trim(), `s0 since ${FROM_DISK.time}, 1 attempt: no`);
  assertEquals(lines[10]?.trim(), "and 15 more that fail");
});

Deno.test("of recordings that fail, those that are missing are told from the others", () => {
  const troubled = [true, false].map((missing, i) => ({
    sessionId: `s${i}`,
    since: FROM_DISK.time,
    attempts: 9,
    missing,
    lastError: "no",
  }));
  const text = formatStatus({
    ...FROM_DISK,
    recordings: { pending: 2, failing: 2, missing: 1, troubled },
  });
  assertEquals(
    text.split("\n").filter((line) => line.startsWith(" "))
      .map((line) => line.trim()),
    [
      `s0 since ${FROM_DISK.time}, 9 attempts, missing: no`,
      `s1 since ${FROM_DISK.time}, 9 attempts: no`,
    ],
  );
});

Deno.test("of thousands of recordings that fail, it is told how many there are", () => {
  const recordings = reportRecordings(
    new Map(
      Array.from(
        { length: 3_000 },
        (_, i) => [`s${i}`, pending({ attempts: i < 2_500 ? 1 : 0 })],
      ),
    ),
    Date.parse(FROM_DISK.time),
  );
  const text = formatStatus({ ...FROM_DISK, recordings });
  assertEquals(recordings.troubled.length, 100);
  assertStringIncludes(text, "3000 pending, 2500 missing");
  assertStringIncludes(text, "and 2490 more that fail");
});

Deno.test("what a receiver said does not command the terminal", () => {
  const [problem] = RUN.problems;
  if (problem === undefined) throw new Error("no problem");
  const problems = [{ ...problem, error: "\x1b[2J gone\r\n\x9b1m" }];
  const text = formatStatus({ ...FROM_DISK, run: { ...RUN, problems } });
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(text), false);
  assertEquals(text.includes(String.raw`\u001b[2J gone\u000d\u000a`), true);
});
