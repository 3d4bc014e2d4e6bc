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
  /** It stands for the same as the address before it, of which one has to work. */
  readonly alternative?: boolean;
}

/** Addresses by what they stand for: of those in a group, one has to work. */
export function groupAlternatives(addresses: readonly Address[]): Address[][] {
  const groups: Address[][] = [];
  for (const address of addresses) {
    const last = groups.at(-1);
    if (address.alternative && last !== undefined) last.push(address);
    else groups.push([address]);
  }
  return groups;
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** All of them, as a list of an option has them. */
export function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(",");
}
