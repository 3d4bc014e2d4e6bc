/**
 * TLS with Fluentd: who shows what, and who is let in.
 *
 * @module
 */

import { isIP } from "node:net";
import { describe } from "../errors.ts";
import {
  describeFetchError,
  type FetchErrorContext,
  mayRefuseClient,
} from "../fluentd/fetch_error.ts";
import type { FluentdTls } from "../fluentd/tls.ts";
import { CERTIFICATE_DEMANDED } from "../fluentd/answer.ts";
import { connectTcp } from "../teleport/tcp.ts";
import { flawOf } from "../teleport/server_certificate.ts";
import { shakeHands, type Shown } from "../teleport/tls.ts";
import type { Found } from "./finding.ts";
import { ask, SilentError } from "./http_answer.ts";
import type { Host } from "./network.ts";
import { authorityNames, shownText } from "./shown_text.ts";

const TIMEOUT_MS = 10_000;
/** A connection that ended where TLS was to begin. */
const BROKEN_OFF = /disconnected before secure|closed in the TLS handshake/;
/** What is said of a certificate, and not for another reason. */
const SAYS_WHY = /received fatal alert|it answers 400/;

/** With what it is looked at. */
export interface TlsCheckOptions {
  readonly tls: FluentdTls;
  readonly signal: AbortSignal;
}

/** Shakes hands, and looks at what was shown as delivery would. */
export async function checkTls(
  host: Host,
  url: string,
  { tls, signal }: TlsCheckOptions,
): Promise<Found<true>> {
  const { caCerts } = tls;
  const shown = await shake(host, url, { tls, signal });
  const problem = problemOf(shown, host, caCerts);
  if (problem === undefined) return { text: shownText(shown), value: true };
  // Delivery trusts fluentd-ca besides the system's roots, and not in their place.
  const besides = caCerts.length === 0
    ? shown
    : await shake(host, url, { tls: { ...tls, caCerts: [] }, signal });
  if (problemOf(besides, host, []) === undefined) {
    return {
      text: `${shownText(shown)}, by a CA that the system or Mozilla trusts`,
      value: true,
    };
  }
  throw new Error(`${problem}; it shows ${shownText(shown)}`);
}

async function shake(
  { address, httpProxy, option }: Host,
  url: string,
  { tls, signal }: TlsCheckOptions,
): Promise<Shown> {
  const { caCerts, client } = tls;
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const inTime = AbortSignal.any([signal, late]);
  try {
    const socket = await connectTcp(address, { httpProxy, signal: inTime });
    return await shakeHands(socket, {
      ...caCerts.length > 0 && { ca: [...caCerts] },
      ...client,
      ...isIP(address.host) === 0
        ? { servername: address.host }
        : { host: address.host },
      ALPNProtocols: ["http/1.1"],
    }, inTime);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.aborted) throw silence(option);
    throw describeHandshakeError(error, { url, option, tls });
  }
}

function silence(option: string): Error {
  return new Error(
    `it says nothing for ${
      TIMEOUT_MS / 1_000
    } s: does it speak TLS there, and is the port right in ${option}?`,
  );
}

/** In the words of delivery, which meets the same. */
function describeHandshakeError(
  error: unknown,
  { url, option, tls: { client, terms } }: {
    readonly url: string;
    readonly option: string;
    readonly tls: FluentdTls;
  },
): Error {
  const text = describe(error);
  const about = { url, option, terms, nowMs: Date.now() };
  if (!BROKEN_OFF.test(text)) return describeFetchError(error, about);
  if (client === undefined) {
    return new Error(`${CERTIFICATE_DEMANDED} (${text})`);
  }
  return describeFetchError(new Error(`tls handshake eof: ${text}`), about);
}

function problemOf(
  shown: Shown,
  { address: { host }, option }: Host,
  caCerts: readonly string[],
): string | undefined {
  const { problem, issuer, isVouchedFor, hasDnsNames } = shown;
  const flaw = flawOf(shown, Date.now());
  if (flaw !== undefined) return flaw;
  // node:tls takes the common name where there are no DNS names, delivery does not.
  const isNamed = hasDnsNames || isIP(host) !== 0;
  if (problem === undefined && isNamed) return undefined;
  if (problem === undefined || /ALTNAME|NotValidForName/i.test(problem)) {
    return anotherName(shown, host, option);
  }
  if (isVouchedFor) {
    return `its certificate cannot be verified, although a CA that we trust signed it: issue another one (${problem})`;
  }
  const expected = caCerts.length === 0
    ? "the system's and Mozilla's (fluentd-ca is not set)"
    : `those in fluentd-ca (${authorityNames(caCerts)})`;
  return `its certificate is signed by ${issuer}, which is none of the CAs that we trust, ${expected}: ` +
    `set fluentd-ca to the file of the CA that signed it (${problem})`;
}

function anotherName({ names }: Shown, host: string, option: string): string {
  if (names.includes(host)) {
    const entry = `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`;
    return `its certificate does not name ${host} where it counts: issue one with ${entry} in subjectAltName`;
  }
  return `its certificate is for another host name than ${host}: use ${
    names.join(" or ")
  } in ${option}, or issue a certificate for ${host}`;
}

/** Whether it lets in us, and whoever shows no certificate. */
export async function checkDemand(
  { option }: Host,
  url: string,
  { tls, signal }: TlsCheckOptions,
): Promise<Found<true>> {
  const { client, terms } = tls;
  const about = { url, option, terms, nowMs: Date.now() };
  const stranger = { ...tls, client: undefined };
  const refusal = await refusalOf(about, stranger, signal);
  if (refusal === undefined) {
    return {
      text:
        "it does not demand a client certificate, so that whoever reaches it can write: set client_cert_auth true and ca_path in its <transport tls>",
      warning: true,
      value: true,
    };
  }
  if (client === undefined) {
    throw new Error(`${CERTIFICATE_DEMANDED} (${describe(refusal)})`);
  }
  // With TLS 1.3 it looks at a certificate only after the handshake.
  const ours = await refusalOf(about, tls, signal);
  if (ours === undefined) return { text: "demanded", value: true };
  const { message } = describeFetchError(ours, about);
  throw new Error(
    `it demands a client certificate and does not take ours: fluentd-cert must be signed by the CA that it is configured with${
      SAYS_WHY.test(message)
        ? ""
        : "; or, as it breaks off without a word of that, is what it passes requests on to running?"
    } (${message})`,
  );
}

/**
 * Why it does not let us in; undefined where it answers, whatever else it says.
 *
 * @throws {Error} where whoever we are is not to blame
 */
async function refusalOf(
  about: FetchErrorContext,
  tls: FluentdTls,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    const { complaint } = await ask(about.url, tls, signal);
    return complaint && new Error(`it answers 400 "${complaint}"`);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof SilentError) throw error;
    if (!mayRefuseClient(error)) throw describeFetchError(error, about);
    return error;
  }
}
