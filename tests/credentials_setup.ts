import { Buffer } from "node:buffer";
import { type Certificate, parseCertificate } from "../lib/credentials.ts";
import { ConfigError } from "../lib/errors.ts";
import { assert, assertEquals } from "./assert.ts";

export const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
export const FILE = { path: "/etc/cert.pem", role: "fluentd-cert" };

export function parseIssued(text: string): Certificate {
  return parseCertificate(text, { ...FILE, nowMs: NOW_MS });
}

export function assertProblem(error: unknown, problem: string): void {
  assert(error instanceof ConfigError, String(error));
  assertEquals(error.problems, [problem]);
}

/** The same PEM with some of its lines missing. */
export function shortened(pem: string): string {
  return pem.split("\n").toSpliced(1, 1).join("\n");
}

/** The same PEM with bytes behind its end, which OpenSSL minds as little as Deno. */
export function lengthened(pem: string): string {
  const [, label = "", body = ""] =
    /-----BEGIN ([A-Z ]+)-----([^-]+)-----END/.exec(pem) ?? [];
  return `-----BEGIN ${label}-----\n${
    Buffer.concat([Buffer.from(body, "base64"), Buffer.alloc(3)])
      .toString("base64")
  }\n-----END ${label}-----\n`;
}

export function garbage(label: string): string {
  return `-----BEGIN ${label}-----\n${
    btoa("garbage".repeat(20))
  }\n-----END ${label}-----\n`;
}

export function crlf(text: string): string {
  return text.replaceAll("\n", "\r\n");
}
