/**
 * TLS with Teleport: how it is spoken, and what the other end shows.
 *
 * @module
 */

import type { Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Identity } from "./identity.ts";

/** The name in the certificate of every auth server, whatever its address. */
export const AUTH_SERVER_NAME = "teleport.cluster.local";

/** What a server showed in a handshake. */
export interface Shown {
  /** DNS names and addresses of its certificate, or its common name. */
  readonly names: readonly string[];
  /** The name of the authority that signed it. */
  readonly issuer: string;
  /** End of the certificate, milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Why it is no auth server that our credentials vouch for; undefined: it is one. */
  readonly problem: string | undefined;
  /** The protocol that it chose; undefined: it knows nothing of such a choice. */
  readonly protocol: string | undefined;
}

/** How TLS is begun with an auth server, whoever passes it on. */
export function tlsOptions(
  identity: Identity,
  protocols: readonly string[],
): ConnectionOptions {
  return {
    ca: [...identity.authorities],
    cert: identity.certificate.pem,
    key: identity.privateKey,
    servername: AUTH_SERVER_NAME,
    ALPNProtocols: [...protocols],
  };
}

/**
 * Shakes hands over a connection and reports what the server showed. Closes the
 * connection.
 *
 * @throws {Error} where there is no handshake
 * @throws `signal.reason`
 */
export function shakeHands(
  socket: Socket,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const tls = connect({ ...options, socket, rejectUnauthorized: false });
    const abort = () => settle(() => reject(signal.reason));
    const settle = (how: () => void) => {
      signal.removeEventListener("abort", abort);
      how();
      tls.destroy();
      socket.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    const fail = (error: Error) => settle(() => reject(error));
    tls.on("error", fail);
    socket.on("error", fail);
    tls.once(
      "close",
      () =>
        settle(() =>
          reject(new Error("the connection was closed in the TLS handshake"))
        ),
    );
    tls.once("secureConnect", () => settle(() => resolve(shownBy(tls))));
  });
}

function shownBy(tls: TLSSocket): Shown {
  const { subject, issuer, subjectaltname, valid_to: end } = tls
    .getPeerCertificate();
  const names = (subjectaltname ?? "").split(", ")
    .map((name) => name.replace(/^[^:]*:/, "")).filter(Boolean);
  return {
    names: names.length > 0 ? names : [nameIn(subject)],
    issuer: nameIn(issuer),
    notAfterMs: Date.parse(end),
    problem: tls.authorized ? undefined : String(tls.authorizationError),
    protocol: tls.alpnProtocol || undefined,
  };
}

function nameIn(
  entity: { readonly CN?: string | string[]; readonly O?: string | string[] },
): string {
  return String(entity.CN ?? entity.O ?? "nobody");
}
