import {
  explainFailure,
  type StatusName,
  TeleportError,
} from "../../lib/teleport/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../assert.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const VALID = { path: "/etc/identity", notAfterMs: NOW_MS + 1 };
const EXPIRED = { path: "/etc/identity", notAfterMs: NOW_MS };
const METHOD = "GetUnstructuredEvents";

const MESSAGES: readonly {
  readonly status: StatusName;
  readonly details: string;
  readonly method?: string;
  readonly expired?: true;
  readonly says: string;
  readonly permanent?: true;
}[] = [
  {
    status: "PERMISSION_DENIED",
    details: "access denied",
    says:
      'access denied: the role needs the rule "event: list, read" (access denied)',
    permanent: true,
  },
  {
    status: "PERMISSION_DENIED",
    method: "StreamUnstructuredSessionEvents",
    details: "access denied",
    says:
      'access denied: the role needs the rule "session: list, read" (access denied)',
    permanent: true,
  },
  {
    status: "PERMISSION_DENIED",
    method: "UpsertLock",
    details: "access denied",
    says:
      'access denied: the role needs the rule "lock: create, update" (access denied)',
    permanent: true,
  },
  {
    status: "UNAUTHENTICATED",
    details: "invalid certificate",
    says:
      "the credentials in /etc/identity were not accepted: issue new ones (invalid certificate)",
    permanent: true,
  },
  {
    status: "UNIMPLEMENTED",
    method: "GetEventExportChunks",
    details: "unknown method",
    says:
      "this server has no bulk export, which was there when this program started: if that is to stay so, restart it, and it goes on by pages (unknown method)",
    permanent: true,
  },
  {
    status: "UNIMPLEMENTED",
    method: "ExportUnstructuredEvents",
    details: "unknown method",
    says:
      "this server has no bulk export, which was there when this program started: if that is to stay so, restart it, and it goes on by pages (unknown method)",
    permanent: true,
  },
  {
    status: "UNIMPLEMENTED",
    details: "unknown method GetUnstructuredEvents",
    says:
      "this server is too old for it: upgrade Teleport (unknown method GetUnstructuredEvents)",
    permanent: true,
  },
  {
    status: "UNIMPLEMENTED",
    method: "Ping",
    details: "unknown service proto.AuthService",
    says:
      "this is no auth service: is the address right? (unknown service proto.AuthService)",
    permanent: true,
  },
  {
    status: "PERMISSION_DENIED",
    method: "Ping",
    details: "access denied",
    says:
      "access denied: is there still such a user in the cluster? (access denied)",
    permanent: true,
  },
  {
    status: "PERMISSION_DENIED",
    details: 'lock targeting User:"event-handler" is in force',
    says:
      "access denied: the user is locked: find the lock by tctl get locks, and remove it " +
      '(lock targeting User:"event-handler" is in force)',
    permanent: true,
  },
  {
    status: "UNAVAILABLE",
    details:
      "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:3025",
    says:
      "connection refused: is it running, and is the port right? (No connection established. Last error: connect ECONNREFUSED 127.0.0.1:3025)",
  },
  {
    status: "UNAVAILABLE",
    details: "Name resolution failed for target dns:auth.invalid:3025",
    says:
      "the host name cannot be resolved (Name resolution failed for target dns:auth.invalid:3025)",
  },
  {
    status: "UNAVAILABLE",
    details: "invalid peer certificate: UnknownIssuer",
    says:
      "its certificate is not signed by a CA of our credentials, or not for the name teleport.cluster.local: are they of this cluster? (invalid peer certificate: UnknownIssuer)",
    permanent: true,
  },
  {
    status: "UNAVAILABLE",
    details: "invalid peer certificate: NotValidForName",
    says:
      "its certificate is not signed by a CA of our credentials, or not for the name teleport.cluster.local: are they of this cluster? (invalid peer certificate: NotValidForName)",
    permanent: true,
  },
  {
    status: "UNAVAILABLE",
    details: "received fatal alert: CertificateRequired",
    says:
      "it does not accept our client certificate: is it of this cluster, and still valid? (received fatal alert: CertificateRequired)",
  },
  {
    status: "UNAVAILABLE",
    details:
      "No connection established. Last error: Failed to connect (2026-03-01T12:00:00.123Z). Resolution note: ",
    says:
      "it closed the connection at once, as when it does not accept our client certificate: is it of this cluster, and still valid? (No connection established. Last error: Failed to connect)",
  },
  {
    status: "UNAVAILABLE",
    details: "No connection established. Last error: write EPIPE",
    says:
      "it closed the connection at once, as when it does not accept our client certificate: is it of this cluster, and still valid? (No connection established. Last error: write EPIPE)",
  },
  {
    status: "UNAVAILABLE",
    details:
      "Last error: Error: received corrupt message of type InvalidContentType",
    says:
      "it does not speak Teleport's protocol: is the port right? (Last error: Error: received corrupt message of type InvalidContentType)",
  },
  {
    status: "UNAVAILABLE",
    details: "Last error: Protocol error (2026-03-01T12:00:00.123Z)",
    says:
      "it does not speak Teleport's protocol: is the port right? (Last error: Protocol error)",
  },
  {
    status: "UNAVAILABLE",
    details: "Last error: Error: received fatal alert: NoApplicationProtocol",
    says:
      "it does not speak Teleport's protocol: is the port right? (Last error: Error: received fatal alert: NoApplicationProtocol)",
  },
  {
    status: "UNAVAILABLE",
    details: "Connection dropped",
    says: "not reachable (Connection dropped)",
  },
  {
    status: "DEADLINE_EXCEEDED",
    details:
      "Deadline exceeded after 60.001s,metadata filters: 0.001s,LB pick: 0.002s,remote_addr=192.0.2.1:3025",
    says:
      "no answer in time: if that goes on, a smaller window-size makes each search shorter (Deadline exceeded,remote_addr=192.0.2.1:3025)",
  },
  {
    status: "DEADLINE_EXCEEDED",
    method: "Ping",
    details: "Deadline exceeded after 15.001s",
    says: "no answer in time (Deadline exceeded)",
  },
  {
    status: "RESOURCE_EXHAUSTED",
    details: "rate limit exceeded",
    says: "RESOURCE_EXHAUSTED: rate limit exceeded",
  },
  {
    status: "INTERNAL",
    details: "it broke",
    says: "INTERNAL: it broke",
  },
  ...(["UNAVAILABLE", "DEADLINE_EXCEEDED", "UNAUTHENTICATED"] as const).map(
    (status) => ({
      status,
      details: "Connection dropped",
      expired: true as const,
      says:
        "the certificate in /etc/identity expired on 2026-03-01T12:00:00.000Z: renew it (Connection dropped)",
      ...(status === "UNAUTHENTICATED" && { permanent: true as const }),
    }),
  ),
  {
    status: "PERMISSION_DENIED",
    details: "access denied",
    expired: true,
    says:
      'access denied: the role needs the rule "event: list, read" (access denied)',
    permanent: true,
  },
];

for (const { status, details, method, expired, says, permanent } of MESSAGES) {
  const when = expired ? " with an expired certificate" : "";
  Deno.test(`${status}${when}, "${details}"${method ? ` of ${method}` : ""}, is told in words`, () => {
    const error = explainFailure(
      {
        method: method ?? METHOD,
        address: "auth.example.com:3025",
        status,
        details,
      },
      expired ? EXPIRED : VALID,
      NOW_MS,
    );
    assertStrictEquals(
      error.message,
      `Teleport at auth.example.com:3025: ${method ?? METHOD}: ${says}`,
    );
    assertStrictEquals(error.status, status);
    assertStrictEquals(error.permanent, permanent ?? false);
    assertStrictEquals(error.pageTooLarge, false);
  });
}

Deno.test("a page that is too large is told from other failures", () => {
  const details = [
    "ResponseTooLarge: page exceeds the maximum response size",
    "grpc: trying to send message larger than max (5000000 vs. 4194304)",
    "Received message larger than max (70000000 vs 67108864)",
  ];
  for (const text of details) {
    const error = explainFailure(
      {
        method: METHOD,
        address: "localhost:3025",
        status: "RESOURCE_EXHAUSTED",
        details: text,
      },
      VALID,
      NOW_MS,
    );
    assert(error.pageTooLarge, text);
    assert(!error.permanent, text);
  }
  assertEquals(
    new TeleportError("limit 1000 is too high", "INVALID_ARGUMENT")
      .pageTooLarge,
    false,
  );
});
