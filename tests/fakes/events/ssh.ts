/**
 * What SSH sessions leave in the audit log.
 *
 * @module
 */

import {
  address,
  connection,
  editor,
  expiry,
  login,
  outcome,
  server,
  session,
} from "./fields.ts";
import { type EventKind, kind } from "./kind.ts";

const COMMANDS = [
  "ls -la /var/log",
  "systemctl restart nginx",
  "printf '\u001b[31mred\u001b[0m\\t\"quoted\"\\n'",
  "grep -rn 'naïve café' /srv/www",
  "kubectl get pods --all-namespaces",
];
const PATHS = ["/etc/hosts", "/home/ubuntu/report.csv", "/tmp/データ.bin"];

/** A recording can be streamed from now on; `id` is its session. */
export const SESSION_UPLOAD: EventKind = kind(
  "session.upload",
  "T2005I",
  0,
  (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    url: `s3://recordings/sessions/${id}.tar`,
    namespace: "default",
  }),
);

/** All but `session.upload`. */
export const SSH_EVENTS: readonly EventKind[] = [
  kind("session.start", "T2000I", 10, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    size: "80:25",
    initial_command: [random.pick(COMMANDS)],
  })),
  kind("session.end", "T2004I", 10, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    interactive: random.chance(0.7),
    enhanced_recording: false,
    participants: ["alice", "bob"],
    session_start: "2030-01-01T00:00:00.123456789Z",
    session_stop: expiry(random),
  })),
  kind("session.join", "T2001I", 1, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
  })),
  kind("session.leave", "T2003I", 3, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
  })),
  kind("session.data", "T2006I", 6, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    tx: random.below(100_000),
    rx: random.below(10_000),
  })),
  kind("session.command", "T4000I", 8, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    pid: random.below(65_536),
    ppid: random.below(65_536),
    cgroup_id: 4_294_967_296 + random.next(),
    program: "bash",
    path: "/usr/bin/bash",
    argv: ["-c", random.pick(COMMANDS)],
    return_code: random.below(2),
  })),
  kind("session.network", "T4002I", 6, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    pid: random.below(65_536),
    cgroup_id: 4_294_967_296 + random.next(),
    program: "curl",
    src_addr: "10.0.0.7",
    dst_addr: address(random),
    dst_port: 443,
    version: 4,
    operation: random.below(2),
    action: 1,
  })),
  kind("session.rejected", "T1006W", 1, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    success: false,
    reason: "user has reached the maximum of concurrent connections",
    max: 3,
  })),
  kind("session.recording.access", "T2012I", 1, (random, id) => ({
    ...session(random, id),
    ...editor(random),
    session_type: "ssh",
    format: "tty",
  })),
  kind("client.disconnect", "T3006I", 2, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    reason: "client reported no activity for 15m0s",
  })),
  kind("auth", "T3007W", 3, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    success: false,
    error: 'ssh: principal "root" not in the set of valid principals',
  })),
  kind("exec", "T3002I", 8, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    command: random.pick(COMMANDS),
    exitCode: String(random.below(2)),
    exitError: null,
  })),
  kind("port", "T3003I", 3, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    ...outcome(random),
    addr: "127.0.0.1:5432",
  })),
  kind("scp", "T3004I", 2, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    action: "download",
    path: random.pick(PATHS),
    command: "scp -f",
    exitCode: "0",
  })),
  kind("sftp", "TS001I", 8, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "sftp"),
    action: 1 + random.below(20),
    path: random.pick(PATHS),
    working_directory: "/home/ubuntu",
    flags: 2,
    attributes: {
      file_size: random.below(1_000_000),
      permissions: 420,
      modification_time: null,
      extended: [],
    },
  })),
  kind("subsystem", "T3001I", 1, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    name: "sftp",
    exitError: "",
  })),
  kind("x11-forward", "T3008I", 1, (random) => ({
    ...login(random),
    ...server(random),
    ...connection(random, "ssh"),
    ...outcome(random),
  })),
];
