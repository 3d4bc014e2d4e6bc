/**
 * What sessions with databases, Kubernetes, applications and desktops leave in
 * the audit log.
 *
 * @module
 */

import {
  app,
  connection,
  database,
  desktop,
  login,
  outcome,
  person,
  server,
  session,
} from "./fields.ts";
import { type EventKind, kind } from "./kind.ts";

const QUERIES = [
  "SELECT id, name\n  FROM customers\n WHERE country = 'DE' AND note LIKE '%\"\\\\%'",
  "UPDATE orders SET state = 'shipped' WHERE id = $1",
  "INSERT INTO notes (text) VALUES ('Grüße 👋')",
];

/** Sessions that are not SSH. */
export const PROTOCOL_EVENTS: readonly EventKind[] = [
  kind("db.session.start", "TDB00I", 5, (random, id) => ({
    ...session(random, id),
    ...person(random),
    ...connection(random, "db"),
    ...database(random),
    ...outcome(random),
    postgres_pid: random.below(65_536),
  })),
  kind("db.session.end", "TDB01I", 5, (random, id) => ({
    ...session(random, id),
    ...person(random),
    ...connection(random, "db"),
    ...database(random),
    participants: ["alice"],
    affected_rows: random.below(1_000),
  })),
  kind("db.session.query", "TDB02I", 14, (random, id) => ({
    ...session(random, id),
    ...person(random),
    ...connection(random, "db"),
    ...database(random),
    ...outcome(random),
    db_query: random.pick(QUERIES),
    db_query_parameters: [String(random.below(10_000)), ""],
  })),
  kind("postgres.statements.parse", "TPG00I", 2, (random, id) => ({
    ...session(random, id),
    ...person(random),
    ...database(random),
    statement_name: "lrupsc_1_0",
    query: random.pick(QUERIES),
  })),
  kind("kube.request", "T3009I", 16, (random) => ({
    ...login(random),
    ...connection(random, "kube"),
    kubernetes_cluster: "prod-eu",
    kubernetes_users: ["alice"],
    kubernetes_groups: ["system:masters"],
    kubernetes_labels: { env: "production" },
    verb: random.pick(["GET", "LIST", "WATCH", "DELETE"]),
    request_path: `/api/v1/namespaces/default/pods/web-${random.hex(5)}`,
    resource_api_group: "core/v1",
    resource_kind: "pods",
    resource_namespace: "default",
    response_code: random.pick([200, 200, 200, 403, 404]),
  })),
  kind("app.session.start", "T2007I", 5, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "https"),
    ...app(),
    public_addr: "grafana.tele.example.com",
  })),
  kind("app.session.chunk", "T2008I", 4, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...app(),
    session_chunk_id: `${random.hex(8)}-chunk`,
  })),
  kind("app.session.end", "T2011I", 4, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...server(random),
    ...connection(random, "https"),
    ...app(),
  })),
  kind("windows.desktop.session.start", "TDP00I", 3, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...desktop(random),
    ...outcome(random),
  })),
  kind("windows.desktop.session.end", "TDP01I", 3, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...desktop(random),
    participants: ["alice"],
    recorded: true,
  })),
  kind("desktop.clipboard.receive", "TDP02I", 2, (random, id) => ({
    ...session(random, id),
    ...login(random),
    ...desktop(random),
    length: random.below(5_000),
  })),
];
