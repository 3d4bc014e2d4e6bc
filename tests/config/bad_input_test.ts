/**
 * Bad input of every kind, given as a person would, with files on disk: what is
 * said of it, and nothing else.
 */

import { join } from "node:path";
import { readOptions } from "../../lib/config/read_options.ts";
import { toConfig } from "../../lib/config/resolve.ts";
import { ConfigError } from "../../lib/errors.ts";
import { loadTls } from "../../lib/fluentd/tls.ts";
import { loadIdentity } from "../../lib/teleport/identity.ts";
import { assertEquals } from "../assert.ts";
import { withDirectory } from "../fakes/directory.ts";
import { writeFluentdPki, writeTeleportPki } from "../fakes/pki_files.ts";
import { NOW_MS } from "./files.ts";

/** What somebody gives, and the whole report. `DIR` is where the files are. */
interface Case {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The content of the file that `--config` names. */
  readonly toml?: string | Uint8Array<ArrayBuffer>;
  readonly report: readonly string[];
}

const BINARY = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 0xff, 0xfe]);

const DURATION = "is not a duration: write it like 5s, 1m30s or 24h";
const SIZE = "is not a size: write it like 512KiB, 1MiB, 10MB or 65536";
const NO_IDENTITY =
  "is no identity file: it does not begin with a private key; make one with: tctl auth sign --format=file --user=<user> --out=<file>";
const URL_FORM =
  "is not an http or https URL: write it like https://localhost:8888/test.log";

const CASES: Readonly<Record<string, Case>> = {
  "an empty configuration": {
    toml: "",
    args: ["--storage="],
    report: ["--storage: needs a value"],
  },
  "a binary configuration": {
    toml: BINARY,
    report: ["DIR/x.toml: is not a text file in UTF-8"],
  },
  "an empty identity file": {
    args: ["--teleport-identity=DIR/empty"],
    report: [
      `teleport-identity: DIR/empty ${NO_IDENTITY}`,
    ],
  },
  "binary files for all credentials": {
    args: [
      "--teleport-identity=DIR/binary",
      "--fluentd-ca=DIR/binary",
      "--fluentd-cert=DIR/binary",
      "--fluentd-key=DIR/binary",
    ],
    report: [
      "fluentd-ca: DIR/binary holds no CA certificate in PEM",
      "fluentd-cert: DIR/binary holds no certificate in PEM",
      `teleport-identity: DIR/binary ${NO_IDENTITY}`,
    ],
  },
  "an empty file for a header": {
    args: ["--fluentd-header=Authorization: @DIR/empty"],
    report: ["--fluentd-header: the header Authorization has no value"],
  },
  "several bad entries of one list": {
    args: [
      "--fluentd-header=Authorization: @DIR/missing",
      "--fluentd-header=no colon",
      "--fluentd-header=Host: other",
      "--types=a b,c,d e",
    ],
    toml: '[teleport]\naddr = ["a:", "b:1", "c:99999"]\n',
    report: [
      '--types: "a b" has a blank in it: separate with commas',
      '--types: "d e" has a blank in it: separate with commas',
      "--fluentd-header: a header is written as 'Name: value'",
      "--fluentd-header: cannot read DIR/missing: there is no such file",
      "--fluentd-header: the header Host is set by the program, from the URL: leave it out, and write that name in fluentd-url and fluentd-session-url",
      'DIR/x.toml:2: teleport.addr: "a:" has no port: write host:port',
      'DIR/x.toml:2: teleport.addr: "c:99999" has a port that is too large: 65535 is the last',
    ],
  },
  "TOML with duplicate keys": {
    toml: "batch = 1\n[lock]\nperiod = '1m'\nperiod = '2m'\n[lock]\n",
    report: [
      'DIR/x.toml:4: "lock.period" is there before, in line 3',
      'DIR/x.toml:5: "lock" is there before, in line 2',
    ],
  },
  "TOML that says the same in two ways": {
    toml: "fluentd.timeout = '1s'\n[forward.fluentd]\ntimeout = '1s'\n",
    report: [
      "DIR/x.toml:3: forward.fluentd.timeout: is the same as DIR/x.toml:1: fluentd.timeout",
    ],
  },
  "durations": {
    args: ["--timeout=5", "--window-size=1h-1m", "--fluentd-timeout=5 s"],
    env: { FDFWD_RETRY_TIMEOUT: "-1s", FDFWD_LOCKING_PERIOD: "1d" },
    toml: 'lock-for = "1e3s"\nteleport-refresh-interval = "99999h"\n',
    report: [
      '--fluentd-timeout: "5 s" ' + DURATION,
      '--timeout: "5" has no unit: write 5s, 5m or 5h',
      `--window-size: "1h-1m" ${DURATION}`,
      'FDFWD_LOCKING_PERIOD: "1d" ' + DURATION,
      'FDFWD_RETRY_TIMEOUT: "-1s" is negative: a duration cannot be',
      `DIR/x.toml:1: lock-for: "1e3s" ${DURATION}`,
      'DIR/x.toml:2: teleport-refresh-interval: "99999h" is too long: at most 576h',
    ],
  },
  "a size": {
    args: ["--fluentd-batch-bytes=1 megabyte"],
    report: [`--fluentd-batch-bytes: "1 megabyte" ${SIZE}`],
  },
  "a negative size": {
    env: { FDFWD_FLUENTD_BATCH_BYTES: "-1" },
    report: ['FDFWD_FLUENTD_BATCH_BYTES: "-1" is negative: a size cannot be'],
  },
  "a huge size": {
    toml: 'fluentd-batch-bytes = "99999999999999999999GiB"',
    report: [
      'DIR/x.toml:1: fluentd-batch-bytes: "99999999999999999999GiB" is too large: at most 256MiB',
    ],
  },
  "negative and huge numbers": {
    args: ["--batch=-20", "--concurrency=1e3"],
    env: { FDWRD_MAX_CONNECTIONS: "99999999999999999999" },
    toml: "lock-failed-attempts-count = -3\nfluentd-batch = 0.5\n",
    report: [
      '--batch: "-20" is too small: at least 1',
      '--concurrency: "1e3" is not a whole number',
      'DIR/x.toml:1: lock-failed-attempts-count: "-3" is too small: at least 1',
      'DIR/x.toml:2: fluentd-batch: "0.5" is not a whole number',
      'FDWRD_MAX_CONNECTIONS: "99999999999999999999" is too large: at most 1000',
    ],
  },
  "URLs with credentials or without a scheme": {
    args: ["--fluentd-url=https://user:hunter2@localhost/test.log"],
    env: { FDFWD_FLUENTD_SESSION_URL: "localhost:8888/session" },
    report: [
      "--fluentd-url: the URL has a user name or password in it: send them with fluentd-header instead",
      `FDFWD_FLUENTD_SESSION_URL: "localhost:8888/session" ${URL_FORM}`,
    ],
  },
  "lists with blanks": {
    args: ["--types=user.login,,session.start"],
    env: { FDFWD_SKIP_EVENT_TYPES: "cert.create session.join" },
    toml: 'skip-session-types = ["print", ""]\n',
    report: [
      '--types: "user.login,,session.start" has a blank entry',
      "DIR/x.toml:1: skip-session-types: has a blank entry",
      'FDFWD_SKIP_EVENT_TYPES: "cert.create session.join" has a blank in it: separate with commas',
    ],
  },
  "a start time in local time": {
    toml: "start-time = 2024-05-01T12:00:00\n",
    report: [
      'DIR/x.toml:1: start-time: "2024-05-01T12:00:00" has no time zone: end it with Z for UTC, or with an offset like +02:00',
    ],
  },
  "a start time in the future": {
    args: ["--start-time=2024-06-01T12:00:01Z"],
    report: ['--start-time: "2024-06-01T12:00:01Z" is in the future'],
  },
  "an identity given twice over": {
    env: { FDFWD_TELEPORT_CA: "DIR/teleport-ca.crt" },
    report: [
      "--teleport-identity: cannot be given together with FDFWD_TELEPORT_CA: leave one out",
    ],
  },
  "unreadable and missing files, and a directory in place of one": {
    args: [
      "--teleport-identity=DIR/unreadable",
      "--fluentd-ca=DIR/missing",
      "--fluentd-cert=DIR",
      "--fluentd-key=DIR/empty/key",
    ],
    report: [
      "--fluentd-ca: cannot read DIR/missing: there is no such file",
      "--fluentd-cert: cannot read DIR: it is a directory, not a file",
      "--fluentd-key: cannot read DIR/empty/key: a part of its path is a file, not a directory",
      "--teleport-identity: cannot read DIR/unreadable: permission denied: it must be readable by the user that runs this",
    ],
  },
  "options of another command": {
    args: ["--ttl=1h", "--json", "--force"],
    report: [
      "--force: is an option of configure, and not of check",
      "--ttl: is an option of configure, and not of check",
    ],
  },
  "what is unknown": {
    args: ["--lenght=1", "now"],
    env: { FDFWD_BACTH: "1" },
    toml: '[forward.fluentd]\nulr = "x"\n',
    report: [
      '--lenght: unknown flag: did you mean "--length"?',
      'DIR/x.toml:2: unknown key "forward.fluentd.ulr": did you mean "forward.fluentd.url"?',
      'FDFWD_BACTH: unknown environment variable: did you mean "FDFWD_BATCH"?',
      'check: unexpected argument "now"',
    ],
  },
};

for (const [name, given] of Object.entries(CASES)) {
  Deno.test(`${name}: each problem is told, with the place`, async () => {
    await withDirectory(async (directory) => {
      const report = await reportOf(given, directory);
      assertEquals(
        report.map((problem) => problem.replaceAll(directory, "DIR"))
          .toSorted(),
        given.report.toSorted(),
      );
    });
  });
}

/** All complaints before something is connected; what the case does not give is fine. */
async function reportOf(
  { args = [], env = {}, toml }: Case,
  directory: string,
): Promise<readonly string[]> {
  const { identity } = await writeTeleportPki(directory);
  const { client } = await writeFluentdPki(directory);
  const inDirectory = (text: string) => text.replaceAll("DIR", directory);
  const write = (name: string, content: string | Uint8Array<ArrayBuffer>) =>
    typeof content === "string"
      ? Deno.writeTextFile(join(directory, name), content)
      : Deno.writeFile(join(directory, name), content);
  await write("empty", "");
  await write("binary", BINARY);
  await write("x.toml", toml ?? "");
  const good = {
    "--config": join(directory, "x.toml"),
    "--storage": directory,
    "--teleport-identity": identity,
    "--fluentd-ca": client.ca,
    "--fluentd-cert": client.cert,
    "--fluentd-key": client.key,
    "--fluentd-url": "https://localhost/test.log",
    "--fluentd-session-url": "https://localhost/session",
  };
  const variables = Object.keys(env);
  const base = Object.entries(good).filter(([flag]) =>
    !variables.some((name) => name.endsWith(variableOf(flag))) &&
    !args.some((arg) => arg.startsWith(`${flag}=`))
  );
  const problems: string[] = [];
  const note = (error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  };
  try {
    const options = readOptions({
      command: "check",
      args: [...base.map((pair) => pair.join("=")), ...args.map(inDirectory)],
      env: Object.fromEntries(
        Object.entries(env).map(([name, value]) => [name, inDirectory(value)]),
      ),
      readTextFile,
      nowMs: NOW_MS,
    });
    const { teleport, target } = toConfig(options);
    await loadIdentity(teleport.credentials, Date.now()).catch(note);
    if (target.kind === "fluentd") {
      await loadTls(target.fluentd, Date.now()).catch(note);
    }
  } catch (error) {
    note(error);
  }
  return problems;
}

/** `--fluentd-url` is also `…FLUENTD_URL`. */
function variableOf(flag: string): string {
  return flag.slice(2).toUpperCase().replaceAll("-", "_");
}

/** Nothing is forbidden to root, who may run these tests. */
function readTextFile(path: string): string {
  if (path.endsWith("/unreadable")) {
    throw new Deno.errors.PermissionDenied("os error 13");
  }
  return Deno.readTextFileSync(path);
}
