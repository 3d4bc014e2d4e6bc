/**
 * What the main thread and the one that delivers say to each other.
 *
 * @module
 */

import type { PackedPayloads } from "../struct/payload_block.ts";
import type { Header, RequestOptions } from "./exchange.ts";
import type { Answer, TlsOptions } from "./lane.ts";

/** To the thread that delivers. What is said first holds for what comes after it. */
export type ThreadCommand =
  | { readonly kind: "requests"; readonly options: RequestOptions }
  | { readonly kind: "credentials"; readonly tls: TlsOptions }
  | { readonly kind: "headers"; readonly headers: readonly Header[] }
  | {
    readonly kind: "send";
    readonly exchange: number;
    readonly url: string;
    readonly payloads: PackedPayloads;
  }
  | { readonly kind: "abort"; readonly exchange: number };

/** From the thread that delivers, of the request that an exchange has. */
export type ThreadReport =
  & { readonly exchange: number }
  & (
    | {
      readonly kind: "sent";
      readonly count: number;
      readonly bytes: number;
      /** See `Sent.brokenMs`. */
      readonly brokenMs: number | undefined;
      /** What the receiver says, or in words what fetch does. */
      readonly outcome: { readonly answer: Answer } | {
        readonly error: string;
      };
    }
    /** Nothing was sent, as the first event is no Struct. */
    | { readonly kind: "refused"; readonly message: string }
    /** Nothing was sent, as something is wrong with us. */
    | { readonly kind: "failed"; readonly error: string }
  );
