/**
 * What is an IP address.
 *
 * @module
 */

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^[\da-f:.]+$/i;

/**
 * Whether a text is an IPv4 or IPv6 address without a zone, as `isIP` of `node:net`
 * has it, which takes longer to load than all else that `--help` needs.
 */
export function isIpAddress(text: string): boolean {
  return IPV4.test(text)
    ? URL.parse(`http://${text}`)?.hostname === text
    : IPV6.test(text) && URL.canParse(`http://[${text}]`);
}
