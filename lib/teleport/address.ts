/**
 * Where something listens.
 *
 * @module
 */

/** A host and a port. */
export interface Address {
  /** Name or IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
