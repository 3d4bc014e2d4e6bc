import { needsAction } from "../../lib/errors.ts";
import { describeFetchError } from "../../lib/fluentd/fetch_error.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";

const URL = "https://fluentd.example.com:8888/test.log";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const REQUEST = {
  url: URL,
  option: "fluentd-url",
  terms: [{
    name: "fluentd-cert",
    path: "/keys/client.crt",
    notBeforeMs: 0,
    notAfterMs: Infinity,
  }],
  nowMs: NOW_MS,
};

/** As fetch says it: the text of a failed connection. */
function atConnect(text: string): Error {
  return new TypeError("fetch failed", {
    cause: new TypeError(
      `error sending request for url (${URL}): client error (Connect): ${text}`,
    ),
  });
}

/** As fetch says it: the text of a connection that was made. */
function atRequest(text: string, port = 40_000): Error {
  return new TypeError(
    `error sending request from 127.0.0.1:${port} for ${URL} (127.0.0.1:8888): client error (SendRequest): ${text}`,
  );
}

function said(error: Error): string {
  return describeFetchError(error, REQUEST).message;
}

// Measured against servers with OpenSSL, such as Fluentd's.
for (
  const [text, meaning] of [
    [
      "received fatal alert: HandshakeFailure",
      /none of the ciphers, .*: have it allow TLS 1\.3, or ECDHE/,
    ],
    [
      "received fatal alert: ProtocolVersion",
      /speaks no version of TLS that we do: have it allow TLS 1\.2 or 1\.3/,
    ],
    [
      "peer is incompatible: ServerDoesNotSupportTls12Or13",
      /speaks no version of TLS that we do/,
    ],
    ["received fatal alert: UnknownCA", /does not trust our certificate/],
    ["received fatal alert: BadCertificate", /does not trust our certificate/],
    [
      "received fatal alert: NoApplicationProtocol",
      /is the port in fluentd-url right, or only for gRPC\?/,
    ],
    ["received fatal alert: CertificateExpired", /our certificate expired/],
    ["received fatal alert: CertificateRevoked", /was revoked/],
    ["received fatal alert: UnsupportedCertificate", /not meant for clients/],
    ["received fatal alert: IllegalParameter", /the curve of our key/],
    [
      "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
      /certificate is that of a CA/,
    ],
    [
      "invalid peer certificate: BadSignature",
      /if the key of its certificate is RSA, has it 2048 bits at least\?/,
    ],
    [
      "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
      /is of X\.509 version 1, .*issue one of version 3/,
    ],
    [
      'invalid peer certificate: certificate not valid for name "localhost"; certificate is not valid for any names (according to its subjectAltName extension)',
      /names no host in subjectAltName, and the common name does not count/,
    ],
    ["unsuccessful tunnel", /HTTP proxy does not connect us to it/],
    ["unexpected eof while tunneling", /HTTP proxy does not connect us to it/],
    ["proxy authentication required", /HTTP proxy wants a user/],
    [
      "tcp connect error: No route to host (os error 113)",
      /cannot be reached/,
    ],
    [
      "tcp connect error: Network is unreachable (os error 101)",
      /cannot be reached/,
    ],
  ] as const
) {
  Deno.test(`"${text}" is told in words, with the text itself`, () => {
    const message = said(atConnect(text));
    assertMatch(message, meaning);
    assertEquals(message.endsWith(` (${text})`), true);
  });
}

for (
  const text of [
    "connection closed before message completed",
    "connection error: Connection reset by peer (os error 104)",
    "connection error: Broken pipe (os error 32)",
  ]
) {
  Deno.test(`"${text}" says that the request is sent again`, () => {
    assertMatch(said(atRequest(text)), /connection broke.*sent again/);
  });
}

Deno.test("a connection that was reset in TLS may be a refusal of our certificate, and how to find out is told", () => {
  const hint = "; where that goes on, the command check tells whether";
  for (
    const [text, url, isTold] of [
      ["Broken pipe (os error 32)", URL, true],
      ["connection error: Connection reset by peer (os error 104)", URL, true],
      ["connection closed before message completed", URL, false],
      ["Broken pipe (os error 32)", URL.replace("https", "http"), false],
    ] as const
  ) {
    const { message } = describeFetchError(atRequest(text), {
      ...REQUEST,
      url,
    });
    assertEquals(message.includes(hint), isTold, `${text} ${url}`);
  }
});

Deno.test("a connection without TLS that broke may have met somebody who speaks TLS", () => {
  // HAProxy, stunnel and Hitch say nothing to plain HTTP on a port for TLS.
  const hint = "does it speak TLS there, and should fluentd-session-url begin";
  for (
    const text of [
      "connection closed before message completed",
      "Connection reset by peer (os error 104)",
    ]
  ) {
    const about = { ...REQUEST, option: "fluentd-session-url" };
    const plain = { ...about, url: URL.replace("https", "http") };
    const { message } = describeFetchError(atRequest(text), plain);
    assertStringIncludes(message, hint);
    const secure = describeFetchError(atRequest(text), about).message;
    assertEquals(secure.includes("does it speak TLS"), false);
  }
});

Deno.test("who shows no certificate is told that one is demanded, and who shows one is not", () => {
  // Servers written in Go say BadCertificate with TLS 1.2, and older ones always.
  for (
    const alert of ["BadCertificate", "HandshakeFailure", "CertificateRequired"]
  ) {
    const error = atConnect(`received fatal alert: ${alert}`);
    const demanded = "it demands a client certificate: set";
    const none = describeFetchError(error, { ...REQUEST, terms: [] }).message;
    assertStringIncludes(none, demanded);
    assertEquals(said(error).includes(demanded), false);
  }
});

Deno.test("a connection that broke in TLS is told without links to a manual", () => {
  assertEquals(
    said(
      new TypeError(
        "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof",
      ),
    ),
    `cannot send to ${URL}: the connection broke before the answer; whether it took the request is not known, so it is sent again (peer closed connection without sending TLS close_notify)`,
  );
});

Deno.test("the same trouble has the same text, whatever our own port is", () => {
  const text = "connection closed before message completed";
  assertEquals(said(atRequest(text, 40_000)), said(atRequest(text, 50_000)));
});

Deno.test("what nobody has seen before is told as it is, and the URL only once", () => {
  assertEquals(
    said(atConnect("the moon is full")),
    `cannot send to ${URL}: the moon is full`,
  );
});

Deno.test("a port that fetch refuses is told as such, and what to do", () => {
  assertEquals(
    said(new TypeError("Fetch failed: Requests to port 1 are blocked")),
    `cannot send to ${URL}: fetch refuses to connect to that port: have it listen on another one (Requests to port 1 are blocked)`,
  );
});

Deno.test("what lasts until somebody acts is told from what may be over soon", () => {
  for (
    const [text, lasts] of [
      ["invalid peer certificate: UnknownIssuer", true],
      ["received fatal alert: CertificateRequired", true],
      ["received fatal alert: UnknownCA", true],
      ["received corrupt message of type InvalidContentType", true],
      ["proxy authentication required", true],
      ["unsuccessful tunnel", false],
      ["tls handshake eof", false],
      ["tcp connect error: Connection refused (os error 111)", false],
      ["dns error: failed to lookup address information", false],
      ["something that nobody has seen before", false],
    ] as const
  ) {
    assertEquals(
      needsAction(describeFetchError(atConnect(text), REQUEST)),
      lasts,
    );
  }
});

const ENDED = {
  path: "/keys/it.crt",
  notBeforeMs: 0,
  notAfterMs: Date.parse("2026-02-28T00:00:00Z"),
};

Deno.test("a certificate of ours that has expired is the cause of whatever the receiver does", () => {
  const terms = [{ ...ENDED, name: "fluentd-cert" }];
  for (
    const error of [
      atConnect("received fatal alert: CertificateExpired"),
      atConnect("received fatal alert: HandshakeFailure"),
      atConnect("tls handshake eof"),
      atRequest("connection closed before message completed"),
      atRequest("connection error: Connection reset by peer (os error 104)"),
    ]
  ) {
    const told = describeFetchError(error, { ...REQUEST, terms });
    assertMatch(
      told.message,
      /the certificate in \/keys\/it\.crt \(fluentd-cert\) expired on 2026-02-28T00:00:00\.000Z: renew it/,
    );
    assertEquals(needsAction(told), true);
  }
});

Deno.test("a CA that has expired is the cause where the receiver is not trusted", () => {
  const terms = [{ ...ENDED, name: "fluentd-ca" }];
  const told = (text: string) =>
    describeFetchError(atConnect(text), { ...REQUEST, terms }).message;
  assertMatch(
    told("invalid peer certificate: UnknownIssuer"),
    /it\.crt \(fluentd-ca\) expired/,
  );
  assertMatch(told("received fatal alert: UnknownCA"), /does not trust our/);
});

Deno.test("an expired certificate is not the cause of what has nothing to do with it", () => {
  const terms = [{ ...ENDED, name: "fluentd-cert" }];
  const good = [{ ...ENDED, name: "fluentd-cert", notAfterMs: NOW_MS + 1 }];
  const told = (text: string, inUse: typeof terms) =>
    describeFetchError(atConnect(text), { ...REQUEST, terms: inUse }).message;
  assertMatch(told("Connection refused (os error 111)", terms), /refused: is/);
  assertMatch(told("dns error: nothing", terms), /cannot be resolved/);
  assertMatch(
    told("received fatal alert: HandshakeFailure", good),
    /none of the ciphers/,
  );
});
