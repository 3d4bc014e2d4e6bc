/**
 * The Fluentd configuration that we document, in a directory of its own.
 *
 * @module
 */

import { join } from "node:path";

/** What the configuration leaves open. */
export interface FluentdConfig {
  /** Holds the certificates, and gets the buffers and the output. */
  readonly directory: string;
  readonly port: number;
  /** Of an encrypted private key. */
  readonly passphrase: string | undefined;
  /** Fluentd looks once a second, and closes a little later than this. */
  readonly keepaliveTimeoutS: number;
  /**
   * `cut`, as documented first: Fluentd takes `time` out of the record, and its
   * fraction is lost. `kept`: the record arrives whole. `zoned`: as documented for
   * speed.
   */
  readonly time: keyof typeof TIME;
  /** The buffers' `chunk_limit_size`; undefined: Fluentd's own. */
  readonly chunkLimitBytes: number | undefined;
  /** The only one that it speaks; undefined: Fluentd's own. */
  readonly tlsVersion: "TLSv1_3" | undefined;
}

/** Where Fluentd writes the events of a tag, one JSON object a line. */
export function outputFile(directory: string, tag: string): string {
  return join(directory, "out", tag);
}

/** Where Fluentd keeps what is not written yet. */
export function bufferDirectory(directory: string): string {
  return join(directory, "buffer");
}

/** The text of `fluent.conf`. */
export function fluentdConfig(config: FluentdConfig): string {
  const { directory, port, passphrase, keepaliveTimeoutS, time, tlsVersion } =
    config;
  return `<system>
  workers 1
</system>
<source>
  @type http
  bind 127.0.0.1
  port ${port}
  keepalive_timeout ${keepaliveTimeoutS}s
  <transport tls>
    client_cert_auth true
    ca_path ${join(directory, "ca.crt")}
    cert_path ${join(directory, "server.crt")}
    private_key_path ${join(directory, "server.key")}
${
    passphrase === undefined
      ? ""
      : `    private_key_passphrase ${quote(passphrase)}\n`
  }${
    tlsVersion === undefined ? "" : `    version ${tlsVersion}\n`
  }  </transport>
  <parse>
    @type json
    json_parser oj
${TIME[time]}  </parse>
</source>
${match("test.log", config)}${match("session.*.log", config)}`;
}

const TIME = {
  cut: `    time_type string
    time_format %Y-%m-%dT%H:%M:%S
`,
  kept: `    keep_time_key true
    time_type mixed
    time_format %Y-%m-%dT%H:%M:%S
    time_format_fallbacks %Y-%m-%dT%H:%M:%S.%N%z, %iso8601
`,
  zoned: `    time_type mixed
    time_format %Y-%m-%dT%H:%M:%S.%N%z
    time_format_fallbacks %Y-%m-%dT%H:%M:%S%z, %iso8601
`,
};

function match(
  pattern: string,
  { directory, chunkLimitBytes }: FluentdConfig,
): string {
  const name = pattern.replace(/\W+/g, "_");
  return `<match ${pattern}>
  @type file
  path ${outputFile(directory, "${tag}")}
  append true
  add_path_suffix false
  <format>
    @type json
  </format>
  <buffer tag>
    @type file
    path ${join(bufferDirectory(directory), name)}
${
    chunkLimitBytes === undefined
      ? ""
      : `    chunk_limit_size ${chunkLimitBytes}\n`
  }    flush_mode interval
    flush_interval 0.1s
    flush_thread_interval 0.1
    flush_at_shutdown true
  </buffer>
</match>
`;
}

/** In single quotes Fluentd takes everything as it is, but for these two. */
function quote(value: string): string {
  return `'${value.replace(/[\\']/g, "\\$&")}'`;
}
