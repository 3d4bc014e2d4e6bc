import {
  BusyError,
  describe,
  DestinationError,
  needsAction,
  RejectedError,
} from "../../lib/errors.ts";
import { AUDIT, type Destination } from "../../lib/event.ts";
import type { FluentdOptions } from "../../lib/fluentd/sink.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { auditEvents } from "../fakes/audit_events.ts";
import { startFluentd } from "../fakes/fluentd.ts";
import { nginxPage } from "../fakes/nginx.ts";
import { NEVER, sinkTo, startTlsFluentd, TestSink } from "./setup.ts";

/** What `send` throws when the receiver answers so. */
async function thrownAt(
  status: number,
  { body = "", headers = {}, destination = AUDIT }: {
    body?: string;
    headers?: Record<string, string>;
    destination?: Destination;
  } = {},
): Promise<Error> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(body === "" ? null : body, { status, headers }),
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  using sink = new TestSink({
    url: `${origin}/test.log`,
    sessionUrl: `${origin}/session`,
  });
  return await assertRejects(
    () => sink.send(destination, auditEvents(3), NEVER),
    Error,
  );
}

Deno.test("every 2xx is a success", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (const status of [200, 201, 202, 204, 206, 299]) {
    fluentd.faults.add({ kind: "status", status, times: 1 });
    assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
  }
  assertEquals(fluentd.received.summary().events, 6);
  // None of them costs a connection.
  assertEquals(fluentd.connections.summary().accepted, 1);
});

Deno.test("what is wrong with the events themselves is refused for good, with their number", async () => {
  for (const status of [400, 409, 412, 413, 414, 416, 418, 422, 428, 501]) {
    const error = await thrownAt(status);
    assertInstanceOf(error, RejectedError, `${status}`);
    assertEquals([error.count, error.oversized], [3, 0]);
    assertStringIncludes(error.message, `/test.log answered ${status}`);
  }
});

Deno.test("what may be over soon is tried again", async () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 507, 599]) {
    const error = await thrownAt(status);
    assertInstanceOf(error, BusyError, `${status}`);
    assertEquals(error.retryAfterMs, undefined);
    assertEquals(needsAction(error), false);
    assertStringIncludes(error.message, `answered ${status}`);
  }
});

/** What every request would be answered with, and what to do about it. */
const WHOLE_DESTINATION = [
  [300, "redirects are not followed: correct fluentd-url"],
  [301, "redirects are not followed: correct fluentd-url"],
  [302, "redirects are not followed: correct fluentd-url"],
  [303, "redirects are not followed: correct fluentd-url"],
  [304, "redirects are not followed: correct fluentd-url"],
  [307, "redirects are not followed: correct fluentd-url"],
  [308, "redirects are not followed: correct fluentd-url"],
  [401, "check fluentd-cert, fluentd-header"],
  [402, "the account with it is not in order"],
  [403, "check fluentd-cert, fluentd-header"],
  [404, "is the path in fluentd-url right?"],
  [405, "it takes no POST there: is the path in fluentd-url right?"],
  [406, "check fluentd-header and fluentd-compress"],
  [407, "a proxy on the way does not let us in"],
  [410, "is the path in fluentd-url right?"],
  [415, "check fluentd-header and fluentd-compress"],
  [421, "is the host in fluentd-url right?"],
  [426, "it demands another protocol"],
  [431, "check fluentd-header"],
] as const;

Deno.test("what is wrong with the whole destination is tried again, and says what to fix", async () => {
  for (const [status, remedy] of WHOLE_DESTINATION) {
    const error = await thrownAt(status, {
      headers: status < 400 ? { location: "http://127.0.0.1:1/" } : {},
    });
    assertInstanceOf(error, DestinationError, `${status}`);
    assertEquals(needsAction(error), true);
    assertStringIncludes(error.message, `answered ${status}`);
    assertStringIncludes(error.message, remedy);
  }
});

/** As Apache 2.4 says with status 400 what is wrong. */
function apachePage(complaint: string): string {
  return `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head>
<title>400 Bad Request</title>
</head><body>
<h1>Bad Request</h1>
<p>Your browser sent a request that this server could not understand.<br />
${complaint}</p>
</body></html>
`;
}

/**
 * Of 400, what nginx 1.22, Apache 2.4, HAProxy 2.6 and Go's net/http say that is
 * about no event, and what to do about it.
 */
const COMPLAINTS = [
  [
    nginxPage("The plain HTTP request was sent to HTTPS port"),
    "it speaks TLS there: should fluentd-url begin with https://?",
  ],
  [
    "Client sent an HTTP request to an HTTPS server.\n",
    "it speaks TLS there: should fluentd-url begin with https://?",
  ],
  [
    apachePage(
      "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n" +
        " Instead use the HTTPS scheme to access this URL, please.<br />\n",
    ),
    "it speaks TLS there: should fluentd-url begin with https://?",
  ],
  [
    nginxPage("Request Header Or Cookie Too Large"),
    "the headers are too large for it: check fluentd-header",
  ],
  [
    apachePage("Size of a request header field exceeds server limit."),
    "the headers are too large for it: check fluentd-header",
  ],
  [
    "<html><body><h1>400 Bad request</h1>\n" +
    "Your browser sent an invalid request.\n</body></html>\n",
    "it does not take the head of the request, which may be too large for it: check fluentd-header",
  ],
  [
    nginxPage("No required SSL certificate was sent"),
    "it demands a client certificate: set fluentd-cert and fluentd-key",
  ],
  [
    nginxPage("The SSL certificate error"),
    "it does not take our certificate: fluentd-cert must be signed",
  ],
] as const;

Deno.test("400 that is about TLS or headers sets nothing aside: it is tried again, and says what to fix", async () => {
  for (const [body, remedy] of COMPLAINTS) {
    const error = await thrownAt(400, { body });
    assertInstanceOf(error, DestinationError, body);
    assertStringIncludes(error.message, remedy);
  }
});

Deno.test("400 that quotes such words, as an event may have them, is a refusal", async () => {
  for (const [body] of COMPLAINTS) {
    for (const quoting of [`400 Bad Request\n${body}`, `{"error":"${body}"}`]) {
      assertInstanceOf(await thrownAt(400, { body: quoting }), RejectedError);
    }
  }
});

Deno.test("the option to correct is that of the destination", async () => {
  const error = await thrownAt(404, {
    destination: { kind: "recording", sessionId: "s1" },
  });
  assertStringIncludes(
    error.message,
    "/session.s1.log answered 404: there is nothing: is the path in fluentd-session-url right?",
  );
});

Deno.test("a busy receiver's seconds are honoured", async () => {
  for (const status of [408, 429, 500, 502, 503]) {
    const error = await thrownAt(status, { headers: { "retry-after": "17" } });
    assertInstanceOf(error, BusyError);
    assertEquals(error.retryAfterMs, 17_000);
  }
});

Deno.test("a busy receiver's date is honoured, by our clock", async () => {
  // The clock of the sink says 12:00:00.
  for (
    const [date, expectedMs] of [
      ["Sun, 01 Mar 2026 12:01:30 GMT", 90_000],
      ["Sun, 01 Mar 2026 11:00:00 GMT", 0],
    ] as const
  ) {
    const error = await thrownAt(503, { headers: { "retry-after": date } });
    assertInstanceOf(error, BusyError);
    assertEquals(error.retryAfterMs, expectedMs);
  }
});

Deno.test("a busy receiver's date is honoured in each form that HTTP has, wherever we are", async () => {
  const timeZone = Deno.env.get("TZ");
  Deno.env.set("TZ", "America/New_York");
  try {
    assertEquals(
      new Date(2026, 2, 1, 7).toISOString(),
      "2026-03-01T12:00:00.000Z",
    );
    for (
      const date of [
        "Sun, 01 Mar 2026 12:01:30 GMT",
        "Sunday, 01-Mar-26 12:01:30 GMT",
        "Sun Mar  1 12:01:30 2026",
      ]
    ) {
      const error = await thrownAt(503, { headers: { "retry-after": date } });
      assertInstanceOf(error, BusyError);
      assertEquals(error.retryAfterMs, 90_000, date);
    }
  } finally {
    if (timeZone === undefined) Deno.env.delete("TZ");
    else Deno.env.set("TZ", timeZone);
  }
});

Deno.test("a busy receiver that names no time, or nonsense, is tried again like any other", async () => {
  for (const value of [undefined, "soon", ""]) {
    const error = await thrownAt(429, {
      headers: value === undefined ? {} : { "retry-after": value },
    });
    assertInstanceOf(error, BusyError);
    assertEquals(error.retryAfterMs, undefined);
  }
});

Deno.test("a receiver cannot send us away for more than an hour", async () => {
  for (
    const value of [
      "9".repeat(5),
      "9".repeat(400),
      "Thu, 31 Dec 2099 23:59:59 GMT",
    ]
  ) {
    const error = await thrownAt(503, { headers: { "retry-after": value } });
    assertInstanceOf(error, BusyError);
    assertEquals(error.retryAfterMs, 60 * 60_000);
  }
});

Deno.test("Fluentd's full buffer is tried again, its too small chunk is not, and its causes are counted", async () => {
  const full = await thrownAt(500, {
    body: "500 Internal Server Error\nbuffer space has too many data",
  });
  assertNotInstanceOf(full, RejectedError);
  const oversized = Array.from(
    { length: 200 },
    (_, nth) =>
      `a 9000000 bytes record (nth: ${nth}) is larger than buffer chunk limit size (8388608)`,
  );
  for (const causes of [1, 2, 200]) {
    const tooSmall = await thrownAt(500, {
      body: `500 Internal Server Error\n${
        oversized.slice(0, causes).join(", ")
      }\n`,
    });
    assertInstanceOf(tooSmall, RejectedError);
    assertEquals([tooSmall.count, tooSmall.oversized], [3, causes]);
  }
});

Deno.test("a receiver that is busy has refused nothing, whatever it quotes", async () => {
  for (const status of [429, 502, 503]) {
    const busy = await thrownAt(status, {
      body: "record (nth: 0) is larger than buffer chunk limit size (8388608)",
    });
    assertNotInstanceOf(busy, RejectedError);
  }
});

Deno.test("what the receiver said is quoted, in one line and not at length", async () => {
  const error = await thrownAt(400, {
    body: `400 Bad Request\n\n  invalid time format\r\n${"x".repeat(5_000)}`,
  });
  assertStringIncludes(
    error.message,
    'answered 400 "400 Bad Request invalid time format xxx',
  );
  assert(!error.message.includes("\n"));
  assert(error.message.length < 500);
});

Deno.test("a refusal leaves the sink as good as new", async () => {
  await using fluentd = await startTlsFluentd();
  using sink = await sinkTo(fluentd);
  for (const status of [400, 413, 500, 503, 404]) {
    fluentd.faults.add({ kind: "status", status, times: 1 });
    await assertRejects(() => sink.send(AUDIT, auditEvents(2), NEVER));
  }
  assertEquals(await sink.send(AUDIT, auditEvents(2), NEVER), 2);
  assertEquals(fluentd.received.ids("test.log"), ["e0", "e1"]);
  assertEquals(fluentd.connections.summary().refusedResumptions, 0);
});

Deno.test("a body over the receiver's limit is refused for good", async () => {
  await using fluentd = await startFluentd({ bodyLimitBytes: 20 });
  using sink = await sinkTo(fluentd);
  const error = await assertRejects(
    () => sink.send(AUDIT, auditEvents(3), NEVER),
    RejectedError,
    "answered 413",
  );
  assertEquals(error.count, 3);
  assertEquals(await sink.send(AUDIT, auditEvents(1), NEVER), 1);
});

Deno.test("a secret in the URL's query is in no message", async () => {
  await using fluentd = await startTlsFluentd();
  const url = `${fluentd.url}/test.log?token=hunter2`;
  const failure = async (options: Partial<FluentdOptions> = {}) => {
    using sink = await sinkTo(fluentd, { url, ...options });
    const error = await assertRejects(
      () => sink.send(AUDIT, auditEvents(1), NEVER),
      Error,
    );
    return describe(error);
  };
  fluentd.faults.add({ kind: "status", status: 503, times: 1 });
  const messages = [await failure()];
  fluentd.faults.add({ kind: "hang", times: 1 });
  messages.push(await failure({ timeoutMs: 50 }));
  await fluentd.stop();
  messages.push(await failure());
  assertEquals(messages.length, 3);
  for (const message of messages) {
    assertEquals(message.includes("hunter2"), false, message);
    assertEquals(message.includes("/test.log?…"), true, message);
  }
});
