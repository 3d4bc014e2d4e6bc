/**
 * The fault dial of the Teleport stand-in: rules, changeable while it runs, that
 * say what goes wrong with which requests.
 *
 * @module
 */

import type { status } from "@grpc/grpc-js";
import type { Method } from "./teleport_methods.ts";

/** A gRPC status by name. */
export type Code = Exclude<keyof typeof status, "OK">;

/** What goes wrong, as plain JSON. */
export type Fault =
  /** An answer that says so, e.g. UNAVAILABLE or PERMISSION_DENIED. */
  | {
    readonly kind: "status";
    readonly code: Code;
    readonly details?: string;
    readonly method?: Method;
    /** For so many requests; for all if not given. */
    readonly times?: number;
  }
  /** The answer comes late. */
  | {
    readonly kind: "slow";
    readonly delayMs: number;
    readonly method?: Method;
    readonly times?: number;
  }
  /** The answer never comes. */
  | {
    readonly kind: "hang";
    readonly method?: Method;
    readonly times?: number;
  }
  /** A page without events although `last_key` moved on; no event is lost. */
  | { readonly kind: "empty page"; readonly times?: number }
  /**
   * From the next cursor on, every cursor leads to an empty page, whatever the
   * log has, until somebody asks without one.
   */
  | {
    readonly kind: "stuck cursor";
    /** Whether the empty page's `last_key` is the cursor itself, or none. */
    readonly lastKey: "same" | "none";
    /** So often; once if not given. */
    readonly times?: number;
  }
  /** A page is refused because of its size. */
  | {
    readonly kind: "page too large";
    /** Where more events than that are asked for. */
    readonly limit?: number;
    /** Where this event would be on it. */
    readonly id?: string;
    /** RESOURCE_EXHAUSTED if not given. */
    readonly code?: Code;
  }
  /**
   * A recording, a chunk, or a list of chunks, fails after so many items: one that
   * always does is broken. A grpc-js client sees fewer of them: a failure overtakes
   * what it has not read yet.
   */
  | {
    readonly kind: "cut";
    readonly after: number;
    /** The session's id, the chunk's name, or the day of the list; any if not given. */
    readonly stream?: string;
    /** UNAVAILABLE if not given. */
    readonly code?: Code;
    /** So often for each stream; always if not given. */
    readonly times?: number;
  }
  /** After so many items of such a stream nothing more comes, and no end either. */
  | {
    readonly kind: "stall";
    readonly after: number;
    readonly stream?: string;
    readonly times?: number;
  }
  /** A recording is not there yet. */
  | {
    readonly kind: "late recording";
    readonly as: "empty" | "NOT_FOUND";
    /** So often for each recording. */
    readonly times: number;
    readonly sessionId?: string;
  }
  /** A recording is sent from so many events before the one that is asked for. */
  | {
    readonly kind: "early start";
    readonly events: number;
    readonly sessionId?: string;
  };

/** What a request is about, as far as rules tell requests apart. */
export interface Occasion {
  readonly method?: Method;
  /** A session's id, a chunk's name, or a day, e.g. `2026-03-01`. */
  readonly stream?: string;
}

/** The rules in force; of each kind, the first one that matches decides. */
export class FaultDial {
  #rules: { readonly fault: Fault; readonly taken: Map<string, number> }[] = [];
  #cursorIsStuck = false;

  /** Puts rules behind those that are there. */
  add(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#rules.push({ fault, taken: new Map() });
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.#rules = [];
    this.#cursorIsStuck = false;
  }

  /** The rule of that kind which is meant, if any; counts. */
  take<Kind extends Fault["kind"]>(
    kind: Kind,
    occasion: Occasion = {},
  ): Extract<Fault, { kind: Kind }> | undefined {
    for (const { fault, taken } of this.#rules) {
      if (!isOfKind(fault, kind) || !isMeant(fault, occasion)) continue;
      const times = "times" in fault ? fault.times ?? Infinity : Infinity;
      const key = occasion.stream ?? "";
      const before = taken.get(key) ?? 0;
      if (before >= times) continue;
      taken.set(key, before + 1);
      return fault;
    }
    return undefined;
  }

  /** The rules of that kind, which do not count. */
  all<Kind extends Fault["kind"]>(
    kind: Kind,
  ): Extract<Fault, { kind: Kind }>[] {
    return this.#rules.map(({ fault }) => fault)
      .filter((fault) => isOfKind(fault, kind));
  }

  /** The rule that makes this cursor lead nowhere, if any. */
  stuckAt(
    cursor: string,
  ): Extract<Fault, { kind: "stuck cursor" }> | undefined {
    const rule = this.#rules.find(({ fault, taken }) =>
      fault.kind === "stuck cursor" &&
      (taken.get("") ?? 0) < (fault.times ?? 1)
    );
    if (rule?.fault.kind !== "stuck cursor") return undefined;
    if (cursor !== "") {
      this.#cursorIsStuck = true;
      return rule.fault;
    }
    if (this.#cursorIsStuck) {
      rule.taken.set("", (rule.taken.get("") ?? 0) + 1);
      this.#cursorIsStuck = false;
    }
    return undefined;
  }
}

function isOfKind<Kind extends Fault["kind"]>(
  fault: Fault,
  kind: Kind,
): fault is Extract<Fault, { kind: Kind }> {
  return fault.kind === kind;
}

function isMeant(fault: Fault, { method, stream }: Occasion): boolean {
  if ("method" in fault && fault.method !== method) return false;
  if ("sessionId" in fault && fault.sessionId !== stream) return false;
  return !("stream" in fault) || fault.stream === stream;
}
