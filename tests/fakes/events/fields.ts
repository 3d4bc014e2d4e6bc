/**
 * Parts that many audit events are made of.
 *
 * @module
 */

import type { JsonObject } from "../json.ts";
import type { Random } from "../random.ts";

const USERS = [
  "alice",
  "bob",
  "carol",
  "dave@example.com",
  "ops@example.com",
  "jürgen",
  "zoë@example.com",
  "利用者",
];
const LOGINS = ["root", "ubuntu", "ec2-user", "admin"];
const ROLES = ["access", "auditor", "editor", "developer", "prod-access"];
const HOSTS = ["web-1", "web-2", "db-1", "bastion", "build-7", "kube-node-3"];
const REGIONS = ["eu-central-1", "us-east-1", "ap-northeast-1"];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "grpc-go/1.64.0",
  "tsh/18.2.1",
];

/** Who did it. */
export function person(random: Random): JsonObject {
  return {
    user: random.pick(USERS),
    user_kind: 1,
    user_roles: [random.pick(ROLES), random.pick(ROLES)],
  };
}

/** Who changed a resource of the cluster, and from where. */
export function editor(random: Random): JsonObject {
  return {
    ...person(random),
    "addr.remote": address(random),
    namespace: "default",
    updated_by: random.pick(USERS),
    required_mfa: random.chance(0.5),
    user_agent: random.pick(AGENTS),
    trace_id: random.hex(8) + random.hex(8) + random.hex(8) + random.hex(8),
  };
}

/** The two ends of a connection. */
export function connection(random: Random, proto: string): JsonObject {
  return {
    "addr.remote": address(random),
    proto,
    namespace: "default",
  };
}

/** Where it happened. */
export function server(random: Random): JsonObject {
  return {
    server_id: `${random.hex(8)}-4c6e-4b5f-9d1b-7f0d8f2c5a10`,
    server_hostname: random.pick(HOSTS),
    server_labels: { env: "production", region: random.pick(REGIONS) },
  };
}

/** Who is logged in as whom. */
export function login(random: Random): JsonObject {
  return {
    ...person(random),
    login: random.pick(LOGINS),
    access_requests: random.chance(0.5) ? [] : null,
  };
}

/** A session of any protocol. */
export function session(random: Random, sid: string): JsonObject {
  return {
    sid,
    session_recording: random.chance(0.8) ? "node" : "proxy-sync",
  };
}

/** How it ended. */
export function outcome(random: Random): JsonObject {
  return random.chance(0.9)
    ? { success: true }
    : { success: false, error: "access denied to user", message: null };
}

/** A second factor. */
export function device(random: Random): JsonObject {
  return {
    mfa_device: {
      mfa_device_name: random.chance(0.1) ? "ключ №1" : "yubikey",
      mfa_device_uuid: `${random.hex(8)}-0d6c-4c37-8a6f-2f4f3f1b7a90`,
      mfa_device_type: random.pick(["WebAuthn", "TOTP"]),
    },
  };
}

/** `address:port` of somebody on the internet. */
export function address(random: Random): string {
  const port = 1024 + random.below(60_000);
  return random.chance(0.1)
    ? `[2001:db8::${random.hex(4)}]:${port}`
    : `203.0.113.${random.below(256)}:${port}`;
}

/** A moment within the next day, RFC 3339. */
export function expiry(random: Random): string {
  const hour = String(random.below(24)).padStart(2, "0");
  return `2030-01-01T${hour}:00:00Z`;
}

/** A database, and who somebody is in it. */
export function database(random: Random): JsonObject {
  return {
    db_service: "orders",
    db_protocol: "postgres",
    db_uri: "orders.internal:5432",
    db_name: "orders",
    db_user: random.pick(["readonly", "admin"]),
    db_type: "self-hosted",
    db_labels: { env: "production" },
    db_roles: null,
  };
}

/** A web application. */
export function app(): JsonObject {
  return {
    app_name: "grafana",
    app_uri: "http://localhost:3000",
    app_public_addr: "grafana.tele.example.com",
    app_labels: { env: "production", team: "sre" },
  };
}

/** A Windows desktop. */
export function desktop(random: Random): JsonObject {
  return {
    windows_desktop_service: `${random.hex(8)}-desktops`,
    desktop_name: "WIN-1",
    desktop_addr: "10.0.9.1:3389",
    windows_domain: "corp.example.com",
    windows_user: "Administrator",
    desktop_labels: { "teleport.dev/os": "Windows Server 2022" },
  };
}
