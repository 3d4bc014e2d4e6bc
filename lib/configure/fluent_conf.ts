/**
 * A configuration for Fluentd that takes what this program sends and writes it to
 * files.
 *
 * @module
 */

import { isIPv6 } from "node:net";
import { FLUENTD_PORT, pathOf, type Setup } from "./setup.ts";

/**
 * The text of `fluent.conf`.
 *
 * @param password Opens the server's private key
 */
export function fluentConf(setup: Setup, password: string): string {
  const { ca, server } = setup.names;
  const path = (name: string) => quote(pathOf(setup, name));
  // Left alone, Fluentd listens on the addresses of IPv4.
  const bind = isIPv6(setup.fluentdHost) ? "  bind ::\n" : "";
  return `# Holds the password of ${server}.key: keep it to yourself.
<source>
  @type http
  port ${FLUENTD_PORT}
${bind}  <transport tls>
    client_cert_auth true
    ca_path ${path(`${ca}.crt`)}
    cert_path ${path(`${server}.crt`)}
    private_key_path ${path(`${server}.key`)}
    private_key_passphrase ${quote(password)}
  </transport>
  <parse>
    @type json
    json_parser oj
    time_type string
    time_format %Y-%m-%dT%H:%M:%S
  </parse>
</source>

# Audit events. Replace both outputs by what you use.
${match("test.log", setup)}
# Session recordings, one tag each.
${match("session.*.log", setup)}`;
}

/**
 * What Fluentd would not take as it is in the path of an output, whatever quotes are
 * around it: `*`, `${name}` and `%d` stand for something else there, and a line
 * break ends the setting. Undefined: nothing.
 */
export function placeholderIn(directory: string): string | undefined {
  return /[*\n]|\$\{|%[-0^#_:\d]*[A-Za-z]/.exec(directory)?.[0];
}

function match(pattern: string, setup: Setup): string {
  const buffer = pattern.replace(/\W+/g, "_");
  return `<match ${pattern}>
  @type file
  path ${quote(pathOf(setup, "received/${tag}"))}
  append true
  add_path_suffix false
  <format>
    @type json
  </format>
  <buffer tag>
    @type file
    path ${quote(pathOf(setup, `received/buffer/${buffer}`))}
    flush_mode interval
    flush_interval 1s
    flush_at_shutdown true
  </buffer>
</match>
`;
}

/** In single quotes Fluentd takes everything as it is, but for these two. */
function quote(value: string): string {
  return `'${value.replace(/[\\']/g, "\\$&")}'`;
}
