/**
 * The fault dial of the Fluentd stand-in: rules, changeable while it runs, that
 * say what goes wrong with which requests.
 *
 * @module
 */

import type { JsonRecord } from "./fluentd_body.ts";

/** What goes wrong. Everything but `where` of a rule is plain JSON. */
export type Fault =
  /** This status; the events are stored when it is a 2xx. */
  | {
    readonly kind: "status";
    readonly status: number;
    readonly retryAfterS?: number;
    readonly body?: string;
  }
  /** 500 because of the matching records, and all others of the array are stored. */
  | { readonly kind: "chunk limit" }
  /** 200, and the events are gone: a tag without a `<match>`. */
  | { readonly kind: "drop" }
  /** Waits, and then goes on with the next rule that matches. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Takes the body and never answers. */
  | { readonly kind: "hang"; readonly stored?: boolean }
  /** Drops the connection once the headers are read. Matches by tag only. */
  | { readonly kind: "reset before body" }
  /** Drops the connection instead of answering. */
  | { readonly kind: "reset after body"; readonly stored: boolean }
  /** Answers 200, and drops the connection without saying that it will. */
  | { readonly kind: "close after answer" };

/** Which requests a rule is for; all that is given has to match. */
export interface Match {
  /** The tag; a trailing `*` stands for any rest. */
  readonly tag?: string;
  /** A record with one of these uids is in the request. */
  readonly ids?: readonly string[];
  /** A record like this is in the request. Not available to other processes. */
  readonly where?: (record: JsonRecord) => boolean;
  /** For so many requests; for all if not given. */
  readonly times?: number;
}

/** One entry of the dial. */
export type FaultRule = Fault & Match;

/** The rules that decide how a request ends, once its body is read. */
export type EndingFault = Exclude<
  FaultRule,
  { readonly kind: "delay" | "reset before body" }
>;

/** What is to happen to one request. */
export interface Verdict {
  readonly delayMs: number;
  /** `undefined`: nothing goes wrong. */
  readonly fault: EndingFault | undefined;
}

/** The rules in force; the first one that matches a request decides. */
export class FaultDial {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  /** Puts a rule behind those that are there. */
  add(...rules: readonly FaultRule[]): void {
    for (const rule of rules) {
      this.#rules.push({ rule, left: rule.times ?? Infinity });
    }
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.#rules = [];
  }

  /** Whether the connection is to be dropped before the body is read; counts. */
  resetsBeforeBody(tag: string): boolean {
    const entry = this.#rules.find(({ rule, left }) =>
      left > 0 && rule.kind === "reset before body" && tagMatches(rule, tag)
    );
    if (entry === undefined) return false;
    entry.left -= 1;
    return true;
  }

  /** What is to happen to a request whose body has been read; counts. */
  judge(tag: string, records: readonly JsonRecord[]): Verdict {
    let delayMs = 0;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (entry.left === 0 || rule.kind === "reset before body") continue;
      if (!tagMatches(rule, tag) || !contentMatches(rule, records)) continue;
      entry.left -= 1;
      if (rule.kind !== "delay") return { delayMs, fault: rule };
      delayMs += rule.ms;
    }
    return { delayMs, fault: undefined };
  }
}

/** Whether a rule means this very record; every one, where it names none. */
export function meansRecord(match: Match, record: JsonRecord): boolean {
  const { ids, where } = match;
  if (ids !== undefined && !ids.includes(String(record["uid"]))) return false;
  return where === undefined || where(record);
}

function tagMatches({ tag: wanted }: Match, tag: string): boolean {
  if (wanted === undefined) return true;
  if (wanted.endsWith("*")) return tag.startsWith(wanted.slice(0, -1));
  return tag === wanted;
}

function contentMatches(
  rule: FaultRule,
  records: readonly JsonRecord[],
): boolean {
  if (rule.ids === undefined && rule.where === undefined) return true;
  return records.some((record) => meansRecord(rule, record));
}
