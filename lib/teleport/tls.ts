/**
 * TLS with Teleport: how it is spoken, and what the other end shows.
 *
 * @module
 */

import type { Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Identity } from "./identity.ts";
import {
  isSignedByOne,
  readServerCertificate,
  type ServerCertificate,
} from "./server_certificate.ts";

/** The name in the certificate of every auth server, whatever its address. */
export const AUTH_SERVER_NAME = "teleport.cluster.local";

/** What a server showed in a handshake. */
export interface Shown extends ServerCertificate {
  /** Whether an authority that we trust signed its certificate, be it good or not. */
  readonly isVouchedFor: boolean;
  /** Why it is no auth server that our credentials vouch for; undefined: it is one. */
  readonly problem: string | undefined;
  /** The protocol that it chose; undefined: it knows nothing of such a choice. */
  readonly protocol: string | undefined;
}

/** How TLS is begun, and the authorities, in PEM, that are trusted. */
export type TlsOptions = ConnectionOptions & { readonly ca?: string[] };

/** How TLS is begun with an auth server, whoever passes it on. */
export function tlsOptions(
  identity: Identity,
  protocols: readonly string[],
): TlsOptions {
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
  options: TlsOptions,
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
    tls.once(
      "secureConnect",
      () => settle(() => resolve(shownBy(tls, options.ca ?? []))),
    );
  });
}

function shownBy(tls: TLSSocket, authorities: readonly string[]): Shown {
  const certificate = tls.getPeerCertificate();
  const { authorized } = tls;
  return {
    ...readServerCertificate(certificate),
    isVouchedFor: authorized || isSignedByOne(certificate.raw, authorities),
    problem: authorized ? undefined : String(tls.authorizationError),
    protocol: tls.alpnProtocol || undefined,
  };
}
