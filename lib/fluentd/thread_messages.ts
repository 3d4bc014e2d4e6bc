/**
 * What the main thread and the one that delivers say to each other.
 *
 * @module
 */

import type { BodyOptions, Header } from "./exchange.ts";
import type { Answer, TlsOptions } from "./lane.ts";
import type { PackedPayloads } from "./payload_block.ts";

/** To the thread that delivers. What is said first holds for what comes after it. */
export type ThreadCommand =
  | { readonly kind: "bodies"; readonly options: BodyOptions }
  | { readonly kind: "credentials"; readonly tls: TlsOptions }
  | { readonly kind: "headers"; readonly headers: readonly Header[] }
  | {
    readonly kind: "send";
    readonly lane: number;
    readonly url: string;
    readonly payloads: PackedPayloads;
  }
  | { readonly kind: "abort"; readonly lane: number };

/**
 * From the thread that delivers, of the request that a lane has: `encoded`, and
 * then one of the others, or only one of these.
 */
export type ThreadReport =
  & { readonly lane: number }
  & (
    | {
      readonly kind: "encoded";
      readonly count: number;
      readonly bytes: number;
    }
    | { readonly kind: "answered"; readonly answer: Answer }
    /** The first event is no Struct. */
    | { readonly kind: "refused"; readonly message: string }
    /** What fetch says. */
    | { readonly kind: "failed"; readonly error: string }
  );
