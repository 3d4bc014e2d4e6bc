/**
 * Failed calls to Teleport, in words.
 *
 * @module
 */

/** gRPC status codes by name, as far as Teleport answers with them. */
export type StatusName =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** A call that Teleport, or the way to it, failed. */
export class TeleportError extends Error {
  override readonly name = "TeleportError";
  /** Whether there was no connection, or none any more: it says nothing of what was asked. */
  readonly unreachable: boolean;

  constructor(
    message: string,
    readonly status: StatusName,
    options: ErrorOptions & { readonly unreachable?: boolean } = {},
  ) {
    super(message, options);
    this.unreachable = options.unreachable ?? false;
  }

  /** Whether the connection was refused for what we are, so that a retry is in vain. */
  get permanent(): boolean {
    return this.status === "UNAUTHENTICATED" ||
      this.status === "PERMISSION_DENIED" || this.status === "UNIMPLEMENTED" ||
      this.status === "UNAVAILABLE" && isVerificationFailure(this.message);
  }

  /** Whether it lasts until somebody acts (see `needsAction` in `lib/errors.ts`). */
  get needsAction(): boolean {
    return this.permanent;
  }

  /** Whether a page was refused for its size (some backends, for one event over 1 MiB). */
  get pageTooLarge(): boolean {
    return /exceeds the maximum response size|larger than max/i.test(
      this.message,
    );
  }
}

/** Which right a call needs, as Teleport checks it, by method name. */
const RULES: Record<string, string> = {
  GetUnstructuredEvents: "event: list, read",
  GetEventExportChunks: "event: list, read",
  ExportUnstructuredEvents: "event: list, read",
  StreamUnstructuredSessionEvents: "session: list, read",
  UpsertLock: "lock: create, update",
};

/**
 * Says what a failed call means.
 *
 * @param call The method, the address it went to, and what gRPC said
 * @param certificate The client certificate that was presented, by file and end;
 * an expired one shows as a dropped connection or a deadline, never as itself
 */
export function explainFailure(
  call: {
    readonly method: string;
    readonly address: string;
    readonly status: StatusName;
    readonly details: string;
    /** Whether the connection is gone, or never came about. */
    readonly unreachable?: boolean;
  },
  certificate: { readonly path: string; readonly notAfterMs: number },
  nowMs: number,
): TeleportError {
  const { method, address, status, unreachable = false } = call;
  const details = tidy(call.details);
  const fail = (text: string) =>
    new TeleportError(`Teleport at ${address}: ${method}: ${text}`, status, {
      unreachable,
    });
  const expired = expiry(certificate, nowMs);
  if (
    expired !== undefined &&
    (status === "UNAVAILABLE" || status === "DEADLINE_EXCEEDED" ||
      status === "UNAUTHENTICATED")
  ) return fail(`${expired} (${details})`);
  switch (status) {
    case "PERMISSION_DENIED":
      return fail(`${denied(method, details)} (${details})`);
    case "UNAUTHENTICATED":
      return fail(
        `the credentials in ${certificate.path} were not accepted: issue new ones (${details})`,
      );
    case "UNIMPLEMENTED":
      return fail(`${unimplemented(method)} (${details})`);
    case "UNAVAILABLE":
      return fail(unavailable(details));
    case "DEADLINE_EXCEEDED":
      return fail(`${late(method)} (${details})`);
    default:
      return fail(`${status}: ${details}`);
  }
}

function unimplemented(method: string): string {
  switch (method) {
    case "Ping":
      return "this is no auth service: is the address right?";
    case "GetEventExportChunks":
    case "ExportUnstructuredEvents":
      // A run that begins asks for it, and goes by pages where it is not there.
      return "this server has no bulk export, which was there when this program started: " +
        "if that is to stay so, restart it, and it goes on by pages";
    default:
      return "this server is too old for it: upgrade Teleport";
  }
}

function late(method: string): string {
  return method === "GetUnstructuredEvents"
    ? "no answer in time: if that goes on, a smaller window-size makes each search shorter"
    : "no answer in time";
}

function denied(method: string, details: string): string {
  if (/\block targeting\b/i.test(details)) {
    return "access denied: the user is locked: find the lock by tctl get locks, and remove it";
  }
  const rule = RULES[method];
  return rule === undefined
    ? "access denied: is there still such a user in the cluster?"
    : `access denied: the role needs the rule "${rule}"`;
}

/** Says that a certificate has expired, if it has. */
export function expiry(
  { path, notAfterMs }: { readonly path: string; readonly notAfterMs: number },
  nowMs: number,
): string | undefined {
  return notAfterMs > nowMs
    ? undefined
    : `the certificate in ${path} expired on ${
      new Date(notAfterMs).toISOString()
    }: renew it`;
}

/**
 * Says what it means that no connection comes about.
 *
 * @param details What the system said
 */
export function describeConnectFailure(details: string): string {
  return unavailable(tidy(details));
}

/** Without the times that make each failure another one, and without an empty note. */
function tidy(details: string): string {
  return details.replace(/ \(\d{4}-\d{2}-\d{2}T[\d:.]+Z\)/, "")
    .replace(/\. Resolution note: $/, "")
    .replace(/^(Deadline exceeded) after [\d.]+s(?:,[\w ]+: [\d.]+s)*/, "$1");
}

function unavailable(details: string): string {
  // Then it is not Teleport that does not listen, or has no name.
  if (details.includes("the HTTP proxy ")) {
    return `not reachable (${details})`;
  }
  if (/ECONNREFUSED|connection refused/i.test(details)) {
    return `connection refused: is it running, and is the port right? (${details})`;
  }
  if (/ENOTFOUND|name resolution failed/i.test(details)) {
    return `the host name cannot be resolved (${details})`;
  }
  if (isVerificationFailure(details)) {
    return "its certificate is not signed by a CA of our credentials, or not " +
      `for the name teleport.cluster.local: are they of this cluster? (${details})`;
  }
  if (/corrupt message|Protocol error|NoApplicationProtocol/.test(details)) {
    return `it does not speak Teleport's protocol: is the port right? (${details})`;
  }
  if (refusesClient(details) || /HandshakeFailure|alert/i.test(details)) {
    return "it does not accept our client certificate: is it of this cluster, " +
      `and still valid? (${details})`;
  }
  // With TLS 1.3 a server refuses a client after the handshake, by closing.
  if (
    /Failed to connect|Last error: (write EPIPE|read ECONNRESET)/.test(details)
  ) {
    return "it closed the connection at once, as when it does not accept our " +
      `client certificate: is it of this cluster, and still valid? (${details})`;
  }
  return `not reachable (${details})`;
}

function isVerificationFailure(text: string): boolean {
  return /UnknownIssuer|NotValidForName|self.signed certificate|unable to (verify|get)|altnames|invalid peer certificate/i
    .test(text);
}

/** Whether an error says that the other end refuses our certificate. */
export function refusesClient(text: string): boolean {
  return /CertificateRequired|UnknownCA|(Bad|Unsupported)Certificate|Certificate(Unknown|Expired|Revoked)/i
    .test(text);
}
