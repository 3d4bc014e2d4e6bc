/**
 * What the cluster itself writes: logins, certificates, requests, changes.
 *
 * @module
 */

import {
  address,
  app,
  connection,
  database,
  device,
  editor,
  expiry,
  login,
  outcome,
  person,
} from "./fields.ts";
import { type EventKind, kind } from "./kind.ts";
import type { JsonObject } from "../json.ts";
import type { Random } from "../random.ts";

/** Logins, certificates, joins, and changes of resources. */
export const CLUSTER_EVENTS: readonly EventKind[] = [
  kind("user.login", "T1000I", 12, (random) => ({
    ...person(random),
    ...connection(random, "https"),
    ...outcome(random),
    ...device(random),
    method: random.pick(["local", "saml", "oidc", "github"]),
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101",
    required_private_key_policy: "none",
    applied_login_rules: ["default"],
  })),
  kind("cert.create", "TC000I", 14, (random) => ({
    cert_type: "user",
    identity: {
      ...login(random),
      expires: expiry(random),
      route_to_cluster: "tele.example.com",
      client_ip: "203.0.113.9",
      device_extensions: null,
      generation: random.below(100),
    },
    client_version: "18.2.1",
    user_agent: "tsh/18.2.1",
    "addr.remote": address(random),
    certificate_authority: { type: "user", domain: "tele.example.com" },
  })),
  kind("access_request.create", "T5000I", 3, (random, id) => ({
    ...editor(random),
    id,
    state: "PENDING",
    roles: ["prod-access"],
    reason: "Ticket 4711: “Rechnung prüfen”",
    max_duration: expiry(random),
    resource_ids: [{ cluster: "tele.example.com", kind: "node", name: id }],
  })),
  kind("access_request.review", "T5002I", 2, (random, id) => ({
    ...editor(random),
    id,
    state: "APPROVED",
    proposed_state: "APPROVED",
    reviewer: "bob",
    annotations: { on_call: [true, 1.5, null] },
  })),
  kind("lock.created", "TLK00I", 1, (random, id) => ({
    ...editor(random),
    name: id,
    lock: { target: { user: "bob", login: null }, message: "suspicious" },
    expires: expiry(random),
  })),
  kind("bot.join", "TJ001I", 5, (random, id) => ({
    ...outcome(random),
    bot_name: "deploy",
    method: "kubernetes",
    token_name: "ci",
    bot_instance_id: id,
    attributes: {
      kubernetes: { namespace: { name: "ci" }, pod: { name: id } },
      verified: true,
    },
    "addr.remote": address(random),
    user_name: "bot-deploy",
    generation: random.below(100),
  })),
  kind("instance.join", "TJ002I", 3, (random, id) => ({
    ...outcome(random),
    host_id: id,
    node_name: "web-1",
    role: "Node",
    method: "ec2",
    token_name: "ec2-token",
    attributes: { account: "123456789012", region: "eu-central-1", arn: null },
    "addr.remote": address(random),
  })),
  resource("user.create", "T1002I", (random) => ({
    roles: ["access"],
    connector: "local",
    ...device(random),
  })),
  resource("user.update", "T1003I", () => ({ roles: ["editor"] })),
  resource("user.password_change", "T1005I", device),
  resource("mfa.add", "T1006I", device),
  resource("recovery_code.generated", "T1008I", () => ({ count: 3 })),
  resource("role.created", "T9000I", () => ({})),
  resource("role.updated", "T9002I", () => ({})),
  resource("role.deleted", "T9001I", () => ({})),
  resource("github.created", "T8000I", () => ({ connector: "github" })),
  resource("join_token.create", "TJT00I", () => ({
    join_method: "token",
    roles: ["Node", "App"],
  })),
  resource("db.create", "TDB03I", database),
  resource("app.create", "TAP03I", app),
];

/** Somebody changed something; rare. */
function resource(
  type: string,
  code: string,
  fields: (random: Random) => JsonObject,
): EventKind {
  return kind(type, code, 1, (random, id) => ({
    ...editor(random),
    name: `${type.split(".")[0]}-${id.slice(0, 8)}`,
    expires: expiry(random),
    ...outcome(random),
    ...fields(random),
  }));
}
